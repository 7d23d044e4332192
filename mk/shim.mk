# The shim: what enters an image on any hypervisor but our own. Ring 0, integer instructions only, no
# library; one flat piece, its text packed, that `diatom build` puts behind each image's body.
# gcc makes a kilobyte less of it than clang does.
SHIM_CC      := gcc
SHIM_CFLAGS  := -std=gnu11 -Oz -flto -fno-fat-lto-objects -ffreestanding -fno-builtin -fno-pic \
	-mgeneral-regs-only -mno-red-zone \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-fomit-frame-pointer -ffunction-sections -fno-delete-null-pointer-checks -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wno-unused-parameter -Wstrict-prototypes -Wmissing-prototypes -Iinclude -I.
SHIM_C       := $(wildcard shim/*.c world/*.c)
SHIM_S       := $(wildcard shim/*.S)
SHIM_OBJECTS := $(SHIM_C:%.c=$(BUILD)/shim/%.o) $(SHIM_S:%.S=$(BUILD)/shim/%.S.o)
SHIM         := $(BUILD)/shim.bin

$(BUILD)/shim/%.o: %.c mk/shim.mk
	@mkdir -p $(@D)
	$(SHIM_CC) $(SHIM_CFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/shim/%.S.o: %.S mk/shim.mk
	@mkdir -p $(@D)
	$(SHIM_CC) -Iinclude -I. -MMD -MP -c $< -o $@

$(BUILD)/tools/pack: tools/pack.c
	@mkdir -p $(@D)
	gcc -std=gnu11 -O2 -Wall -Wextra -Werror $< -o $@

# With its symbols, for gdb: $(BUILD)/shim.elf.
$(SHIM): $(SHIM_OBJECTS) shim/shim.ld $(BUILD)/tools/pack
	$(SHIM_CC) $(SHIM_CFLAGS) -nostdlib -static -no-pie -Wl,--build-id=none,--gc-sections,-z,noexecstack \
		-Wl,-T,shim/shim.ld $(SHIM_OBJECTS) -o $(BUILD)/shim.elf
	llvm-objcopy-19 -O binary -j .entry $(BUILD)/shim.elf $(BUILD)/shim.entry
	llvm-objcopy-19 -O binary -j .text $(BUILD)/shim.elf $(BUILD)/shim.text
	$(BUILD)/tools/pack $(BUILD)/shim.text | cat $(BUILD)/shim.entry - >$@

.PHONY: shim
shim: $(SHIM)
-include $(SHIM_OBJECTS:.o=.d)
