#!/bin/bash
# Starts @NAME@ and asks it, without root. make test runs this.
set -u
diatom=${DIATOM:-diatom}
port=$((20000 + RANDOM % 20000))

command -v dig >/dev/null || {
	echo "needs dig:  apt-get install dnsutils"
	exit 1
}
"$diatom" run --quiet -p $port:53/udp ./@NAME@ &
image=$!
trap 'kill $image 2>/dev/null' EXIT

for try in 1 2 3 4 5; do
	got=$(dig @127.0.0.1 -p $port +short +tries=1 +time=1 www.example.org A)
	if [ "$got" = 192.0.2.80 ]; then
		echo "ok: www.example.org is $got"
		kill $image
		wait $image
		exit # with its exit code
	fi
	kill -0 $image || exit 1 # why, it has said
	sleep 0.1
done
echo "FAILED: expected 192.0.2.80, got \"$got\""
exit 1
