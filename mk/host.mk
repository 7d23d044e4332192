# The host's tools: build/diatom, CLI and monitor in one static musl binary.
HOST_CC     := musl-gcc
HOST_CFLAGS := -std=gnu11 -O2 -g -static -fno-pie -no-pie -fno-asynchronous-unwind-tables \
	-fstack-protector-strong -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wstrict-prototypes -Wmissing-prototypes -Iinclude -I. -isystem $(BUILD)/hostinc
# One segment for headers and constants, none for what is read-only after relocation: there is none.
HOST_LDFLAGS := -B$(BUILD)/hostinc -fuse-ld=lld -Wl,--no-dynamic-linker,-z,norelro,-T,mk/host.ld,-u,__vm_wait
HOST_C      := $(wildcard host/*.c host/*/*.c world/*.c)
HOST_S      := $(wildcard host/*.S host/*/*.S)
HOST_OBJECTS := $(HOST_C:%.c=$(BUILD)/host/%.o) $(HOST_S:%.S=$(BUILD)/host/%.S.o)

# Debian's musl has no kernel headers: give it just those. And gcc finds lld by this name.
$(BUILD)/hostinc/.done: mk/host.mk
	@mkdir -p $(@D)
	ln -sfn /usr/include/linux $(@D)/linux
	ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	ln -sfn /usr/include/x86_64-linux-gnu/asm $(@D)/asm
	ln -sfn $$(command -v ld.lld-19) $(@D)/ld.lld
	@touch $@

$(BUILD)/host/%.o: %.c mk/host.mk | $(BUILD)/hostinc/.done
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/host/%.S.o: %.S mk/host.mk
	@mkdir -p $(@D)
	$(HOST_CC) -g -Iinclude -I. -MMD -MP -c $< -o $@

# What every start runs through stands together, the C library's part of it too: the kernel maps 16 pages
# at each fault, and hands out pages of zeros one by one.
HOST_START   := $(patsubst %,$(BUILD)/host/%.o,$(addprefix host/,main inherited run options options_net \
	report file clock net/open image/image image/elf image/note image/manifest image/relocation \
	debug/debug_file privileges seccomp process/process process/space process/cpu process/vdso \
	process/traps process/ticks process/enter.S monitor/monitor monitor/layout monitor/world monitor/vcpu monitor/memory \
	monitor/jail monitor/calls monitor/console monitor/entropy monitor/mmio \
	monitor/queue monitor/signals monitor/sleep) world/place world/tables world/regions)

# What `diatom new` writes is part of it.
$(BUILD)/host/host/new/templates.S.o: $(wildcard share/template/*/*)

$(BUILD)/diatom: $(HOST_OBJECTS)
	@mkdir -p $(@D)
	$(HOST_CC) $(HOST_CFLAGS) $(HOST_LDFLAGS) $(HOST_START) -lc $(filter-out $(HOST_START),$^) -o $@

.PHONY: host
host: $(BUILD)/diatom
-include $(HOST_OBJECTS:.o=.d)
