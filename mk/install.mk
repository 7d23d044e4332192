# Both bodies, the tool, and what goes with it, under PREFIX; with DESTDIR before it, for packagers.
# diatom finds its parts from where its own file is, so the tree may be moved, and have blanks in its path.
#
#     PREFIX/bin/diatom
#     PREFIX/lib/diatom/{clang,gcc}/{libdiatom.a,libc.a,libgcc.a,include/}      lib/diatom/shim*
#     PREFIX/lib/pkgconfig/diatom.pc
#     PREFIX/share/diatom/{body-*.cflags,body.ldflags,include/}                 share/man/man1/
#     PREFIX/share/{bash-completion,zsh,fish}/...
INSTALL_ROOT    := $(DESTDIR)$(PREFIX)
INSTALL_VERSION := $(shell sed -n 's/^.define DIATOM_VERSION "\(.*\)"/\1/p' host/main.c)
INSTALL_MAN     := $(notdir $(wildcard man/*.1))

# What is put in folders that belong to others.
INSTALL_SHARED := bin/diatom lib/pkgconfig/diatom.pc $(INSTALL_MAN:%=share/man/man1/%) \
	share/bash-completion/completions/diatom share/zsh/site-functions/_diatom \
	share/fish/vendor_completions.d/diatom.fish

.PHONY: install uninstall
install: host $(SHIM) $(foreach c,clang gcc,$(BUILD)/body-$(c)/libdiatom.a $(SYSROOT)-$(c)/.done)
	install -D $(BUILD)/diatom "$(INSTALL_ROOT)/bin/diatom"
	for c in clang gcc; do \
		to="$(INSTALL_ROOT)/lib/diatom/$$c" && install -d "$$to" && \
		install -m 644 $(BUILD)/body-$$c/libdiatom.a $(SYSROOT)-$$c/lib/libc.a \
			$(SYSROOT)-$$c/lib/libgcc.a "$$to" && \
		rm -rf "$$to/include" && cp -r $(SYSROOT)-$$c/include "$$to/include" || exit 1; \
	done
	install -m 644 $(SHIM) "$(INSTALL_ROOT)/lib/diatom"
	install -d "$(INSTALL_ROOT)/share/diatom/include/diatom" "$(INSTALL_ROOT)/share/diatom/include/abi"
	install -m 644 mk/body-clang.cflags mk/body-gcc.cflags mk/body.ldflags "$(INSTALL_ROOT)/share/diatom"
	install -m 644 include/diatom/*.h "$(INSTALL_ROOT)/share/diatom/include/diatom"
	install -m 644 abi/*.h "$(INSTALL_ROOT)/share/diatom/include/abi"
	for page in $(INSTALL_MAN); do \
		install -D -m 644 man/$$page "$(INSTALL_ROOT)/share/man/man1/$$page" || exit 1; \
	done
	install -D -m 644 share/completion/diatom.bash \
		"$(INSTALL_ROOT)/share/bash-completion/completions/diatom"
	install -D -m 644 share/completion/_diatom "$(INSTALL_ROOT)/share/zsh/site-functions/_diatom"
	install -D -m 644 share/completion/diatom.fish \
		"$(INSTALL_ROOT)/share/fish/vendor_completions.d/diatom.fish"
	install -d "$(INSTALL_ROOT)/lib/pkgconfig"
	sed 's/@VERSION@/$(INSTALL_VERSION)/' share/diatom.pc >"$(INSTALL_ROOT)/lib/pkgconfig/diatom.pc"

uninstall:
	rm -rf "$(INSTALL_ROOT)/lib/diatom" "$(INSTALL_ROOT)/share/diatom"
	for file in $(INSTALL_SHARED); do rm -f "$(INSTALL_ROOT)/$$file" || exit 1; done
	cd "$(INSTALL_ROOT)" && rmdir -p --ignore-fail-on-non-empty $(sort $(dir $(INSTALL_SHARED))) \
		2>/dev/null || true
