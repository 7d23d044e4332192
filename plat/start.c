/*
 * The first code of an image. The host has loaded, relocated and sealed the image (abi/boot.h) and
 * jumps here in ring 3 with nothing but boot info.
 *
 *     _start                   where the host enters
 *       libc_start             the C library: thread block, canary, constructors (libc/start.c)
 *         main(argc, argv)
 *         exit                 stdio is flushed; ends in plat_exit
 *
 * This file and libc/start.c are compiled without stack protector: its canary doesn't exist yet.
 */
#include "plat/start.h"

#include "abi/hardening.h"
#include "abi/inside.h"
#include "abi/manifest.h"
#include "abi/shim_image.h"
#include "plat/plat.h"

MANIFEST_NOTE(diatom_abi, MANIFEST_ABI, struct manifest_abi, .version = MANIFEST_ABI_VERSION);

/* Every image has this file, and any file may have a counter. */
__asm__(".weak __start_diatom_counters\n.hidden __start_diatom_counters\n"
	".weak __stop_diatom_counters\n.hidden __stop_diatom_counters");
MANIFEST_INSIDE_NOTE(INSIDE_COUNTERS, "__start_diatom_counters", "__stop_diatom_counters");

/* diatom build fills it in. */
__attribute__((
	used, aligned(4), section(".note.diatom"))) static const struct hardening_note hardening = {
	sizeof(HARDENING_OWNER), sizeof(struct hardening), HARDENING_NOTE, HARDENING_OWNER, { 0 }
};
/*
 * Where hypervisors other than ours enter: the shim, in 32-bit mode (Xen's public elfnote.h, PVH). They
 * read the address as 4 or as 8 bytes.
 */
__attribute__((used, aligned(4), section(".note.xen"))) static const struct {
	uint32_t name_bytes, desc_bytes, type;
	char owner[4];
	uint32_t entry[2];
} pvh_note = { 4, 8, 18, "Xen", { SHIM_PHYSICAL, 0 } };

const struct boot_info *plat_boot;

_Noreturn void _start(const struct boot_info *boot);

/* Boot info of another version can't be read, so there is no better report than a trap. */
_Noreturn void _start(const struct boot_info *boot)
{
	if (boot->magic != BOOT_MAGIC || boot->version != BOOT_VERSION ||
		boot->argument_count > BOOT_ARGUMENTS_MAX)
		__builtin_trap();
	plat_boot = boot;
	libc_start(boot);
}
