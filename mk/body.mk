# The body's libraries: one archive, from which an image links only what it calls.
# Folders of the body, lowest first. A new .c file in one of them is built without being named here.
BODY_FOLDERS := base plat core drv wire net lib/dns lib/http libc
BODY_NOT     := plat/hosted.c

BODY_CLANG_CC := clang-19
BODY_CLANG_AR := llvm-ar-19
BODY_GCC_CC   := gcc
BODY_GCC_AR   := gcc-ar

BODY_INCLUDES_CLANG = -nostdlibinc -isystem $(SYSROOT)-clang/include -Iinclude -I.
BODY_INCLUDES_GCC   = -nostdinc -isystem $(SYSROOT)-gcc/include \
	-isystem $(BODY_GCC_OWN) -Iinclude -I.
BODY_GCC_OWN := $(shell gcc -print-file-name=include)

BODY_C := $(filter-out $(BODY_NOT),$(foreach f,$(BODY_FOLDERS),$(wildcard $(f)/*.c)))
BODY_S := $(foreach f,$(BODY_FOLDERS),$(wildcard $(f)/*.S))

# The memory functions: a compiler that knew what they are would let them call themselves.
BODY_MEMORY := libc/copy libc/fill libc/compare libc/find
# What runs before there is a canary to check.
BODY_START  := plat/start libc/start libc/wide

# Three ways to build, by what a file is for. Most of the libraries, -Os: clang makes a fifth less code of it,
# and a server's time goes elsewhere. What each packet or query passes through many times, where cycles can be
# measured, -O2. What runs at start or seldom, -Oz: the DNS zone reader alone would be a third of its image. (gcc has
# no -Os that leaves copies of a few bytes inline, so the middle is -O2 there.)
BODY_MIDDLE_clang := -Os
BODY_MIDDLE_gcc   := -O2
BODY_QUICK := $(patsubst %,core/%.c,fiber loop pool task) wire/checksum.c \
	$(patsubst %,lib/dns/%.c,memo datagrams zone)
BODY_SMALL := $(patsubst %,base/%.c,format) $(patsubst %,plat/%.c,given plat process time) \
	$(patsubst %,core/%.c,chacha extent fiber_life finish log random stack trace) \
	$(patsubst %,drv/%.c,net pcap virtio virtio_mmio virtio_shim) \
	$(patsubst %,wire/%.c,address arp dns ndp http_chunk http_condition http_date http_framing http_message http_text) \
	$(patsubst %,net/%.c,arp icmp icmpv6 ipv6_address ipv6_path ipv6_start mld ndp ndp_router \
		neighbour net net_ipv6 reassembly resolve route) \
	$(patsubst %,net/tcp_%.c,chunks connection cookie cubic deadline flight frto half_open host info open path path_probe \
		rack recovery reno reorder rto secret socket timer waiting) \
	$(patsubst %,lib/dns/%.c,answer check codec draft generate lexer master notify query rdata rdata_check rdata_rare rdata_svcb \
		serve server stream transfer type) \
	$(patsubst %,lib/http/%.c,access_log body call client event exchange form forward routing serve static tunnel upload \
		websocket worker) \
	$(patsubst %,libc/%.c,ending mapping)

# An archive knows no folders, and the linker's map only names of members: net/arp.o is net-arp.o there.
member = $(subst /,-,$(patsubst $(BUILD)/body-$(2)/%,%,$(1)))

# $(1): clang or gcc   $(2): compiler   $(3): archiver   $(4): include flags' variable
define body_build
BODY_OBJECTS_$(1) := $$(BODY_C:%.c=$(BUILD)/body-$(1)/%.o) $$(BODY_S:%.S=$(BUILD)/body-$(1)/%.S.o)

$$(BODY_C:%.c=$(BUILD)/body-$(1)/%.o): BODY_EXTRA := $$(BODY_MIDDLE_$(1))
$$(BODY_MEMORY:%=$(BUILD)/body-$(1)/%.o): BODY_EXTRA := -fno-lto -fno-builtin -ffreestanding \
	-fno-stack-protector -fno-sanitize=all
$$(BODY_START:%=$(BUILD)/body-$(1)/%.o): BODY_EXTRA := -fno-stack-protector

$$(BODY_QUICK:%.c=$(BUILD)/body-$(1)/%.o): BODY_EXTRA := -O2
$$(BODY_SMALL:%.c=$(BUILD)/body-$(1)/%.o): BODY_EXTRA := -Oz

$(BUILD)/body-$(1)/%.o: %.c mk/body-$(1).cflags mk/body.mk | $(SYSROOT)-$(1)/.done
	@mkdir -p $$(@D)
	$(2) @mk/body-$(1).cflags $$($(4)) -ffile-prefix-map=$(CURDIR)=diatom $$(BODY_EXTRA) \
		-MMD -MP -c $$< -o $$@

$(BUILD)/body-$(1)/%.S.o: %.S mk/body.mk | $(SYSROOT)-$(1)/.done
	@mkdir -p $$(@D)
	$(2) -g -Iinclude -I. -ffile-prefix-map=$(CURDIR)=diatom -MMD -MP -c $$< -o $$@

$(BUILD)/body-$(1)/libdiatom.a: $$(BODY_OBJECTS_$(1))
	@rm -rf $$@ $$(@D)/members && mkdir $$(@D)/members
	@$$(foreach o,$$^,ln $$(o) $$(@D)/members/$$(call member,$$(o),$(1)) &&) true
	cd $$(@D)/members && $(3) crsD ../$$(@F) $$(foreach o,$$^,$$(call member,$$(o),$(1)))
	@rm -rf $$(@D)/members

-include $$(BODY_OBJECTS_$(1):.o=.d)
endef
$(eval $(call body_build,clang,$(BODY_CLANG_CC),$(BODY_CLANG_AR),BODY_INCLUDES_CLANG))
$(eval $(call body_build,gcc,$(BODY_GCC_CC),$(BODY_GCC_AR),BODY_INCLUDES_GCC))

.PHONY: body
body: $(BUILD)/body-$(BODY)/libdiatom.a $(SHIM)
