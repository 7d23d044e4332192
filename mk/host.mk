# The host's tools: build/diatom, CLI and monitor in one static musl binary.
HOST_CC     := musl-gcc
HOST_CFLAGS := -std=gnu11 -O2 -g -static -fno-pie -no-pie -fno-asynchronous-unwind-tables \
	-fstack-protector-strong -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wstrict-prototypes -Wmissing-prototypes -Iinclude -I. -isystem $(BUILD)/hostinc
HOST_C      := $(wildcard host/*.c host/*/*.c world/*.c)
HOST_S      := $(wildcard host/*.S host/*/*.S)
HOST_OBJECTS := $(HOST_C:%.c=$(BUILD)/host/%.o) $(HOST_S:%.S=$(BUILD)/host/%.S.o)

# Debian's musl has no kernel headers: give it just those.
$(BUILD)/hostinc/.done:
	@mkdir -p $(@D)
	ln -sfn /usr/include/linux $(@D)/linux
	ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	ln -sfn /usr/include/x86_64-linux-gnu/asm $(@D)/asm
	@touch $@

$(BUILD)/host/%.o: %.c mk/host.mk | $(BUILD)/hostinc/.done
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/host/%.S.o: %.S mk/host.mk
	@mkdir -p $(@D)
	$(HOST_CC) -g -Iinclude -I. -MMD -MP -c $< -o $@

# What `diatom new` writes is part of it.
$(BUILD)/host/host/new/templates.S.o: $(wildcard share/template/*/*)

$(BUILD)/diatom: $(HOST_OBJECTS)
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $^ -o $@

.PHONY: host
host: $(BUILD)/diatom
-include $(HOST_OBJECTS:.o=.d)
