# The images of app/: app/NAME/*.c becomes build/images/NAME by `diatom build`, with clang;
# `make BODY=gcc` makes build/images-gcc/NAME. Every file in app/NAME is a dependency: zones that are
# compiled in, headers.
IMAGES      := $(notdir $(patsubst %/main.c,%,$(wildcard app/*/main.c)))
IMAGES_DIR  := $(BUILD)/images$(if $(filter gcc,$(BODY)),-gcc)
BUILD_TOOL  := $(wildcard host/build/*.c host/build/*.h host/image/*.c) mk/body.ldflags

# $(1): name of the image
define image_build
$(IMAGES_DIR)/$(1): $(wildcard app/$(1)/*) $(BUILD)/body-$(BODY)/libdiatom.a $(BUILD_TOOL) \
		$(SYSROOT)-$(BODY)/.done mk/body-$(BODY).cflags $(SHIM) | $(BUILD)/diatom
	@mkdir -p $$(@D)
	$(BUILD)/diatom build --cc $(BODY) -Werror $(wildcard app/$(1)/*.c) -o $$@
endef
$(foreach name,$(IMAGES),$(eval $(call image_build,$(name))))

.PHONY: images
images: $(IMAGES:%=$(IMAGES_DIR)/%)

# Both bodies, the tool, and what `diatom build` reads, under PREFIX (and DESTDIR, for packagers).
INSTALL_LIB   := $(DESTDIR)$(PREFIX)/lib/diatom
INSTALL_SHARE := $(DESTDIR)$(PREFIX)/share/diatom

.PHONY: install
install: host $(SHIM) $(foreach c,clang gcc,$(BUILD)/body-$(c)/libdiatom.a $(SYSROOT)-$(c)/.done)
	install -D $(BUILD)/diatom $(DESTDIR)$(PREFIX)/bin/diatom
	for c in clang gcc; do \
		install -d $(INSTALL_LIB)/$$c && \
		install -m 644 $(BUILD)/body-$$c/libdiatom.a $(SYSROOT)-$$c/lib/libc.a \
			$(SYSROOT)-$$c/lib/libgcc.a $(INSTALL_LIB)/$$c && \
		rm -rf $(INSTALL_LIB)/$$c/include && \
		cp -r $(SYSROOT)-$$c/include $(INSTALL_LIB)/$$c/include || exit 1; \
	done
	install -d $(INSTALL_SHARE)/include/diatom $(INSTALL_SHARE)/include/abi
	install -m 644 $(SHIM) $(INSTALL_LIB)
	install -m 644 mk/body-clang.cflags mk/body-gcc.cflags mk/body.ldflags $(INSTALL_SHARE)
	install -m 644 include/diatom/*.h $(INSTALL_SHARE)/include/diatom
	install -m 644 abi/*.h $(INSTALL_SHARE)/include/abi
	$(foreach page,$(wildcard man/*.1),install -D -m 644 $(page) \
		$(DESTDIR)$(PREFIX)/share/man/man1/$(notdir $(page)) &&) true
