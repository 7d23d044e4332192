#!/bin/bash
# Starts @NAME@ and sends it a datagram, without root. make test runs this.
set -u
diatom=${DIATOM:-diatom}
port=$((20000 + RANDOM % 20000))

"$diatom" run --quiet -p $port:7 ./@NAME@ &
image=$!
trap 'kill $image 2>/dev/null' EXIT

for try in 1 2 3 4 5; do
	exec 3<>/dev/udp/127.0.0.1/$port
	echo "datagram $try" >&3
	if [ "$(timeout 1 head -n 1 <&3 2>/dev/null)" = "datagram $try" ]; then
		echo "ok: it echoes"
		kill $image
		wait $image
		exit # with its exit code
	fi
	kill -0 $image || exit 1 # why, it has said
	sleep 0.1
done
echo "FAILED: no echo"
exit 1
