/*
 * Written in one go, front to back: first everything is measured, then the same walk writes.
 *
 * A run is a piece of the body's memory that becomes a segment: pages that are in the file, and
 * behind them pages of zeros that are not. Small gaps are written, so that runs stay few; when there
 * is no room for more of them, the last one takes in what follows.
 */
#include "host/crash/core.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host/body/fibers.h"
#include "host/crash/core_notes.h"
#include "host/crash/core_out.h"
#include "host/crash/place.h"
#include "host/image/image.h"
#include "host/report.h"

#define PAGE_BYTES UINT64_C(4096)
#define RUNS_MAX   4096
#define GAP_PAGES  4

struct run {
	uint64_t address, file_bytes, memory_bytes;
	uint32_t rights; /* PF_... */
};

struct map {
	const struct body *body;
	struct run runs[RUNS_MAX];
	unsigned count;
};

/* Reads a page; false: it can't be read, or it is all zeros. */
static bool read_page(const struct body *body, uint64_t address, uint64_t page[PAGE_BYTES / 8])
{
	uint64_t any = 0;

	if (!body->read(body->self, address, page, PAGE_BYTES)) {
		memset(page, 0, PAGE_BYTES);
		return false;
	}
	for (unsigned i = 0; i < PAGE_BYTES / 8; i++)
		any |= page[i];
	return any != 0;
}

static struct run *begin_run(struct map *map, uint64_t address, uint32_t rights)
{
	if (map->count == RUNS_MAX)
		return NULL;
	map->runs[map->count] = (struct run){ .address = address, .rights = rights };
	return &map->runs[map->count++];
}

/* Adds a region of whole pages: runs begin with a page that is not zero, except the first. */
static void add_region(struct map *map, uint64_t start, uint64_t bytes, uint32_t rights)
{
	static uint64_t page[PAGE_BYTES / 8];
	struct run *run = bytes == 0 ? NULL : begin_run(map, start, rights);

	for (uint64_t done = 0; run != NULL && done < bytes; done += PAGE_BYTES) {
		uint64_t at = start + done;
		bool is_zero = !read_page(map->body, at, page);

		if (!is_zero && at - (run->address + run->file_bytes) > GAP_PAGES * PAGE_BYTES) {
			struct run *next = begin_run(map, at, rights);

			run = next != NULL ? next : run;
		}
		run->memory_bytes = at + PAGE_BYTES - run->address;
		if (!is_zero)
			run->file_bytes = run->memory_bytes;
	}
}

static uint32_t rights_of(const struct image_region *region)
{
	return PF_R | ((region->rights & IMAGE_WRITE) != 0 ? PF_W : 0) |
	       ((region->rights & IMAGE_EXECUTE) != 0 ? PF_X : 0);
}

static uint64_t page_of(uint64_t address)
{
	return address & ~(PAGE_BYTES - 1);
}

/* Boot info, host page, stub and arguments lie together, in an order of the target's. */
static void add_boot(struct map *map)
{
	const struct boot_info *boot = map->body->boot;
	uint64_t start = place_boot_info(boot), last = boot->host_page;

	if (last < (boot->call | boot->syscall))
		last = boot->call | boot->syscall;
	for (unsigned i = 0; i < boot->argument_count && i < BOOT_ARGUMENTS_MAX; i++)
		if (last < boot->arguments[i])
			last = boot->arguments[i];
	add_region(map, start, page_of(last) + PAGE_BYTES - start, PF_R | PF_X);
}

static void add_regions(struct map *map)
{
	const struct body *body = map->body;
	const struct boot_info *boot = body->boot;
	const struct boot_memory *m = &boot->memory;
	struct body_fibers walk = { 0 };
	struct body_fiber fiber;

	for (unsigned i = 0; i < body->image->region_count; i++) {
		const struct image_region *r = &body->image->regions[i];

		add_region(map, m->image + r->virtual, r->bytes, rights_of(r));
	}
	add_region(map, m->main_stack, m->main_stack_bytes, PF_R | PF_W);
	add_boot(map);
	while (body_fiber_next(body, &walk, &fiber))
		if (fiber.stack != INSIDE_STACK_NONE && map->count < RUNS_MAX / 2)
			add_region(map, fiber.low, fiber.bytes, PF_R | PF_W);
	for (unsigned i = 0; i < boot->blob_count && i < BOOT_BLOBS_MAX; i++)
		add_region(map, page_of(boot->blobs[i].address),
			page_of(boot->blobs[i].length + PAGE_BYTES - 1), PF_R);
	add_region(map, m->heap, m->heap_bytes, PF_R | PF_W);
}

static void put_header(struct core_out *out, unsigned segments)
{
	Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				      ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)segments };

	core_out_put(out, &header, sizeof(header));
}

static void put_segments(struct core_out *out, const struct map *map, uint64_t note_bytes)
{
	uint64_t at = sizeof(Elf64_Ehdr) + (map->count + 1) * sizeof(Elf64_Phdr);
	Elf64_Phdr notes = {
		.p_type = PT_NOTE, .p_offset = at, .p_filesz = note_bytes, .p_align = 4
	};

	core_out_put(out, &notes, sizeof(notes));
	at = (at + note_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	for (unsigned i = 0; i < map->count; i++) {
		const struct run *run = &map->runs[i];
		Elf64_Phdr load = { .p_type = PT_LOAD,
			.p_flags = run->rights,
			.p_offset = at,
			.p_vaddr = run->address,
			.p_filesz = run->file_bytes,
			.p_memsz = run->memory_bytes,
			.p_align = PAGE_BYTES };

		core_out_put(out, &load, sizeof(load));
		at += run->file_bytes;
	}
}

static void put_pages(struct core_out *out, const struct map *map)
{
	static uint64_t page[PAGE_BYTES / 8];

	core_out_align(out, PAGE_BYTES);
	for (unsigned i = 0; i < map->count; i++) {
		const struct run *run = &map->runs[i];

		for (uint64_t done = 0; done < run->file_bytes && out->error == 0;
			done += PAGE_BYTES) {
			read_page(map->body, run->address + done, page);
			core_out_put(out, page, sizeof(page));
		}
	}
}

void core_write(const struct core_file *file, const struct crash_report *report)
{
	static struct map map;
	static struct core_out out, measure;

	map.body = &report->body;
	map.count = 0;
	add_regions(&map);
	measure.fd = -1;
	core_notes_put(&measure, report);
	out.fd = file->fd;
	put_header(&out, map.count + 1);
	put_segments(&out, &map, measure.total);
	core_notes_put(&out, report);
	put_pages(&out, &map);
	core_out_flush(&out);
	if (out.error != 0)
		report_error(0, "its beginning is there; free some space, or name another file",
			"--core: %s can't be written: %s", file->path, strerror(out.error));
	else
		report_line("  core    %llu kB in %s:  gdb IMAGE.debug %s",
			(unsigned long long)(out.total + 1023) / 1024, file->path, file->path);
}
