# musl for the body, from Debian's source package, once for each compiler: $(SYSROOT)-clang and
# $(SYSROOT)-gcc. All build directories share them. See tools/musl.
SYSROOT   ?= build/sysroot
LIBC_CACHE := build/cache
LIBC_FROM  := tools/musl libc/calls.h $(wildcard libc/musl/* libc/musl/patches/*)

$(LIBC_CACHE)/musl.done: tools/musl
	@tools/musl fetch $(LIBC_CACHE)
	@touch $@

$(SYSROOT)-%/.done: $(LIBC_CACHE)/musl.done $(LIBC_FROM) mk/body-%.cflags
	@tools/musl build $(LIBC_CACHE) $(SYSROOT)-$* $*

.PHONY: libc
libc: $(SYSROOT)-clang/.done $(SYSROOT)-gcc/.done
