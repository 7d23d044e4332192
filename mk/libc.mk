# musl for the body, from Debian's source package. See tools/musl.
SYSROOT ?= build/sysroot
