#!/bin/bash
# Starts @NAME@ in a network of its own and asks it. make test runs this.
set -u
diatom=${DIATOM:-diatom}

# Once more, inside a network namespace that ends with us.
if [ -z "${TEST_INSIDE-}" ]; then
	export TEST_INSIDE=1
	if [ "$(id -u)" = 0 ]; then
		exec unshare --net "$0" "$@"
	fi
	exec unshare --map-root-user --net "$0" "$@"
fi
ip tuntap add tap0 mode tap && ip addr add 10.0.0.1/24 dev tap0 && ip link set tap0 up || {
	echo "can't make a tap here: is /dev/net/tun there?"
	exit 1
}
"$diatom" run --quiet --net eth0=tap:tap0,ip=10.0.0.2/24 ./@NAME@ &
image=$!
trap 'kill $image 2>/dev/null' EXIT

command -v dig >/dev/null || {
	echo "needs dig:  apt-get install dnsutils"
	exit 1
}
got=$(dig @10.0.0.2 +short +tries=5 +time=1 www.example.org A)
if [ "$got" = 192.0.2.80 ]; then
	echo "ok: www.example.org is $got"
	kill $image
	wait $image
	exit # with its exit code
fi
echo "FAILED: expected 192.0.2.80, got \"$got\""
exit 1
