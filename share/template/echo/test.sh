#!/bin/bash
# Starts @NAME@ in a network of its own and sends it a datagram. make test runs this.
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

for try in 1 2 3 4 5; do
	exec 3<>/dev/udp/10.0.0.2/7
	echo "datagram $try" >&3
	if [ "$(timeout 1 head -n 1 <&3)" = "datagram $try" ]; then
		echo "ok: it echoes"
		kill $image
		wait $image
		exit # with its exit code
	fi
done
echo "FAILED: no echo"
exit 1
