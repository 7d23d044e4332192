# The images of app/: app/NAME/*.c becomes build/images/NAME by `diatom build`, with clang;
# `make BODY=gcc` makes build/images-gcc/NAME. Every file in app/NAME is a dependency: zones that are
# compiled in, headers.
IMAGES      := $(notdir $(patsubst %/main.c,%,$(wildcard app/*/main.c)))
IMAGES_DIR  := $(BUILD)/images$(if $(filter gcc,$(BODY)),-gcc)
BUILD_TOOL  := $(wildcard host/build/*.c host/build/*.h host/image/*.c) mk/body.ldflags

# $(1): name of the image
define image_build
$(IMAGES_DIR)/$(1): $(wildcard app/$(1)/* app/$(1)/*/* app/$(1)/*/*/*) $(BUILD)/body-$(BODY)/libdiatom.a $(BUILD_TOOL) \
		$(SYSROOT)-$(BODY)/.done mk/body-$(BODY).cflags $(SHIM) | $(BUILD)/diatom
	@mkdir -p $$(@D)
	$(BUILD)/diatom build --cc $(BODY) -Werror $(wildcard app/$(1)/*.c) -o $$@
endef
$(foreach name,$(IMAGES),$(eval $(call image_build,$(name))))

.PHONY: images
images: $(IMAGES:%=$(IMAGES_DIR)/%)
