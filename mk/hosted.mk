# The hosted build: the body's libraries as an ordinary Linux program under sanitizers, for unit,
# simulation and fuzz tests. libc/ (the musl glue) and the image's start code are not part of it.
HOSTED_CC     := clang-19
HOSTED_CFLAGS := -std=gnu11 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -fsanitize-address-use-after-scope \
	-Wall -Wextra -Werror -Wno-unused-parameter -Iinclude -I. -DDIATOM_HOSTED
HOSTED_FOLDERS := base plat core drv wire net lib/dns lib/http
# plat/ files that only an image or a process uses.
HOSTED_NOT := plat/start.c plat/process.c plat/time.c plat/plat.c

HOSTED_C := $(filter-out $(HOSTED_NOT),$(foreach f,$(HOSTED_FOLDERS),$(wildcard $(f)/*.c)))
HOSTED_S := $(wildcard core/*.S)
HOSTED_OBJECTS := $(HOSTED_C:%.c=$(BUILD)/hosted/%.o) $(HOSTED_S:%.S=$(BUILD)/hosted/%.S.o)

$(BUILD)/hosted/%.o: %.c mk/hosted.mk
	@mkdir -p $(@D)
	$(HOSTED_CC) $(HOSTED_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

$(BUILD)/hosted/%.S.o: %.S mk/hosted.mk
	@mkdir -p $(@D)
	$(HOSTED_CC) -g -Iinclude -I. -MMD -MP -c $< -o $@

$(BUILD)/hosted/libdiatom.a: $(HOSTED_OBJECTS)
	@rm -f $@
	llvm-ar-19 crs $@ $^

# test/unit/NAME.c and test/sim/NAME.c become build/test/unit/NAME, build/test/sim/NAME; further
# files of test/sim/ that start with "sim_" are its library: a simulation links what it calls.
SIM_LIBRARY := $(wildcard test/sim/sim_*.c)
UNIT_TESTS  := $(patsubst test/unit/%.c,$(BUILD)/test/unit/%,$(wildcard test/unit/*.c))
SIM_TESTS   := $(patsubst test/sim/%.c,$(BUILD)/test/sim/%,$(filter-out $(SIM_LIBRARY),$(wildcard test/sim/*.c)))
FUZZ_TESTS  := $(patsubst test/fuzz/%.c,$(BUILD)/test/fuzz/%,$(wildcard test/fuzz/*.c))

$(BUILD)/test/unit/%: $(BUILD)/hosted/test/unit/%.o $(BUILD)/hosted/libdiatom.a
	@mkdir -p $(@D)
	$(HOSTED_CC) $(HOSTED_CFLAGS) $(UNIT_EXTRA_$*) $< $(BUILD)/hosted/libdiatom.a -lm -o $@

$(BUILD)/hosted/libsim.a: $(SIM_LIBRARY:%.c=$(BUILD)/hosted/%.o)
	@rm -f $@
	llvm-ar-19 crs $@ $^

$(BUILD)/test/sim/%: $(BUILD)/hosted/test/sim/%.o $(BUILD)/hosted/libsim.a $(BUILD)/hosted/libdiatom.a
	@mkdir -p $(@D)
	$(HOSTED_CC) $(HOSTED_CFLAGS) $^ -lm -o $@

$(BUILD)/test/fuzz/%: $(BUILD)/hosted/test/fuzz/%.o $(BUILD)/hosted/libdiatom.a
	@mkdir -p $(@D)
	$(HOSTED_CC) $(HOSTED_CFLAGS) -fsanitize=fuzzer $(FUZZ_EXTRA_$*) $< $(BUILD)/hosted/libdiatom.a -lm -o $@

.SECONDARY:
.PHONY: hosted
hosted: $(BUILD)/hosted/libdiatom.a $(UNIT_TESTS) $(SIM_TESTS) $(FUZZ_TESTS)
-include $(HOSTED_OBJECTS:.o=.d) $(wildcard $(BUILD)/hosted/test/*/*.d)

# The monitor's device code, for its fuzzer.
FUZZ_EXTRA_virtio_device := $(patsubst %,host/monitor/%.c,memory queue mmio net console entropy pcap)
$(BUILD)/test/fuzz/virtio_device: $(FUZZ_EXTRA_virtio_device)

# Frames in a stream and the gate before passt.
NET_STREAM := $(patsubst %,host/net/%.c,frames gate)
UNIT_EXTRA_net_stream := $(NET_STREAM)
FUZZ_EXTRA_net_stream := $(NET_STREAM)
$(BUILD)/test/unit/net_stream $(BUILD)/test/fuzz/net_stream: $(NET_STREAM) $(wildcard host/net/*.h)

# The image decoder, for its tests.
IMAGE_DECODER := $(wildcard host/image/*.c) host/nettext.c host/file.c
UNIT_EXTRA_image := $(IMAGE_DECODER)
FUZZ_EXTRA_image := $(IMAGE_DECODER)
$(BUILD)/test/unit/image $(BUILD)/test/fuzz/image: $(IMAGE_DECODER) $(wildcard host/image/*.h)

# The monitor's signals, and the console that they interrupt.
UNIT_EXTRA_signals := $(patsubst %,host/monitor/%.c,signals console mmio queue memory)
$(BUILD)/test/unit/signals: $(UNIT_EXTRA_signals)

# gdb's protocol, without its sockets.
GDB_SERVER := $(patsubst %,host/gdb/%.c,server commands resume queries points packet registers target threads) \
	$(wildcard host/body/*.c) $(IMAGE_DECODER)
UNIT_EXTRA_gdb := $(GDB_SERVER)
FUZZ_EXTRA_gdb := $(GDB_SERVER)
$(BUILD)/test/unit/gdb $(BUILD)/test/fuzz/gdb: $(GDB_SERVER) $(wildcard host/gdb/*.h)

# Debug files, and what crash reports are made of.
DEBUG_READER := $(wildcard host/debug/*.c)
CRASH_REPORT := $(DEBUG_READER) $(wildcard host/body/*.c host/crash/*.c) host/report.c \
	$(IMAGE_DECODER)
FUZZ_EXTRA_debug := $(filter-out %/debug_file.c,$(DEBUG_READER))
UNIT_EXTRA_debug := $(FUZZ_EXTRA_debug)
FUZZ_EXTRA_crash_report := $(CRASH_REPORT)
QEMU_CRASH := $(CRASH_REPORT) $(patsubst %,host/qemu/%.c,crash memory world) world/tables.c
FUZZ_EXTRA_qemu_crash := $(QEMU_CRASH)
UNIT_EXTRA_machine := $(patsubst %,host/qemu/%.c,memory world) world/tables.c
$(BUILD)/test/fuzz/qemu_crash $(BUILD)/test/unit/machine: $(QEMU_CRASH) test/machine.h $(wildcard host/*/*.h)
$(BUILD)/test/fuzz/debug $(BUILD)/test/unit/debug: $(DEBUG_READER) $(wildcard host/debug/*.h)
$(BUILD)/test/fuzz/crash_report: $(CRASH_REPORT) $(wildcard host/*/*.h)

# DNS over TCP, without a network.
UNIT_EXTRA_dns_stream := test/tools/tcp_puppet.c
FUZZ_EXTRA_dns_stream := $(UNIT_EXTRA_dns_stream)
$(BUILD)/test/unit/dns_stream $(BUILD)/test/fuzz/dns_stream: $(UNIT_EXTRA_dns_stream) test/tools/tcp_puppet.h

# What `diatom inspect` reads and shows.
INSPECT_SHOW := $(filter-out host/inspect/inspect.c,$(wildcard host/inspect/*.c)) \
	host/json.c host/xml.c $(wildcard host/debug/*.c) $(IMAGE_DECODER)
UNIT_EXTRA_inspect := $(INSPECT_SHOW) host/build/harden.c
FUZZ_EXTRA_inspect := $(INSPECT_SHOW)
$(BUILD)/test/unit/inspect: $(UNIT_EXTRA_inspect) $(wildcard host/inspect/*.h host/image/*.h)
$(BUILD)/test/fuzz/inspect: $(FUZZ_EXTRA_inspect) $(wildcard host/inspect/*.h host/image/*.h)

# What reads a body's trace, for its tests.
TIMELINE := $(patsubst %,host/observe/%.c,ring timeline names chrome lanes lanes_draw stacks text) host/json.c host/xml.c \
	host/report.c
UNIT_EXTRA_timeline := $(TIMELINE)
FUZZ_EXTRA_trace := $(TIMELINE)
$(BUILD)/test/unit/timeline $(BUILD)/test/fuzz/trace: $(TIMELINE) $(wildcard host/observe/*.h)
# The shim's PCI, but for its two ports.
UNIT_EXTRA_pci := shim/pci.c shim/virtio_pci.c
FUZZ_EXTRA_pci := $(UNIT_EXTRA_pci)
$(BUILD)/test/unit/pci $(BUILD)/test/fuzz/pci: $(UNIT_EXTRA_pci)

# The shim's pure parts.
UNIT_EXTRA_shim := $(patsubst %,shim/%.c,cmdline loader layout ring) world/place.c world/tables.c world/regions.c
FUZZ_EXTRA_shim := $(UNIT_EXTRA_shim)
$(BUILD)/test/unit/shim $(BUILD)/test/fuzz/shim: $(UNIT_EXTRA_shim) $(wildcard shim/*.h world/*.h)

# The relay that impairs a link, but for its sockets.
UNIT_EXTRA_impair := $(patsubst %,test/impair/%.c,path settings offload)
$(BUILD)/test/unit/impair: $(UNIT_EXTRA_impair) $(wildcard test/impair/*.h)
