/*
 * The shim's start, as a list of steps. entry.S comes here in long mode, with physical memory below
 * 4 GiB one to one.
 */
#include <stddef.h>

#include "abi/call.h"
#include "shim/clock.h"
#include "shim/console.h"
#include "shim/crash.h"
#include "shim/device.h"
#include "shim/loader.h"
#include "shim/power.h"
#include "shim/seed.h"
#include "shim/system.h"
#include "shim/world.h"

#define COM1_LINE 4

static struct loader loader;
static struct cmdline line;
static struct boot_info boot;

extern const struct shim_image shim_image;

_Noreturn void shim_start(uint32_t start_info);
_Noreturn void enter_body(uint64_t rip, uint64_t rsp, uint64_t rdi);

static void read_loader(uint32_t start_info)
{
	const char *wrong = loader_read(&loader, start_info, world_see);

	if (wrong != NULL)
		refuse(EXIT_REFUSED, wrong, NULL,
			"start it as a PVH kernel, for instance  qemu-system-x86_64 -M microvm -kernel IMAGE");
	seed_begin((const uint64_t *)&loader,
		loader.range_count * sizeof(loader.ranges[0]) / sizeof(uint64_t));
	if (!cmdline_parse(&line, loader.command_line))
		refuse(EXIT_USAGE, "the command line has a word that won't do:", line.word,
			line.remedy);
}

static void find_devices(void)
{
	uint64_t bytes;
	const uint8_t *notes = world_notes(&bytes);

	mmio_find(&line);
	pci_find();
	devices_name(&boot, &line, notes, bytes);
}

_Noreturn void shim_start(uint32_t start_info)
{
	const struct layout *l = &world.layout;

	system_begin();
	clock_begin();
	console_begin();
	system_route(COM1_LINE, VECTOR_CONSOLE, false);
	read_loader(start_info);
	find_devices();
	boot.cpu_features = system_protect();
	world_make(&boot, &loader, &line);
	for (unsigned i = 0; i < BOOT_SEED_BYTES / 8; i++)
		((uint64_t *)(void *)world.boot->seed)[i] = seed_next();
	clock_set(&world.boot->clock, line.wall_ns);
	shim_state.tables = l->tables;
	shim_state.boot_info = l->body.boot.virtual + BOOT_INFO;
	report_mark(SHIM_STARTS);
	enter_body(l->body.image.virtual + shim_image.entry,
		l->body.stack.virtual + l->body.stack.bytes - 8, l->body.boot.virtual + BOOT_INFO);
}
