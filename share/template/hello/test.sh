#!/bin/sh
# Starts @NAME@ and compares what it says. make test runs this.
set -u
diatom=${DIATOM:-diatom}
failed=0

# says EXPECTED ARGUMENT ...
says() {
	expected=$1
	shift
	got=$("$diatom" run --quiet ./@NAME@ "$@") || failed=1
	if [ "$got" = "$expected" ]; then
		echo "ok: $expected"
	else
		echo "FAILED: expected \"$expected\", got \"$got\""
		failed=1
	fi
}

says "hello, world"
says "hello, reader" reader
exit $failed
