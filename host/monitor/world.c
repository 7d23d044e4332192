/*
 * Memory is one anonymous mapping, so what nobody touches costs nothing. The heap gets huge pages
 * where the host has them, but for its first: zeroing 2 MiB takes longer than a small image runs.
 */
#include "host/monitor/world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/named/start.h"
#include "host/observe/observer.h"
#include "host/observe/ring.h"

#define CLOCK_SHIFT 32

static uint64_t page_round(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static struct layout_wishes wishes_of(
	const struct guest *guest, const struct run_config *config, const struct image *image)
{
	struct layout_wishes w = {
		.memory_bytes = config->memory_bytes,
		.image_bytes = image->span_bytes,
		.stack_bytes = image->has_stacks ? image->stack_bytes : 0,
		.stack_count_max = image->stack_count_max,
		.device_count = guest->device_count,
	};

	for (int i = 0; i < config->argument_count; i++)
		w.argument_bytes += strlen(config->arguments[i]) + 1;
	/* Beside what the body was granted. */
	if (config->observer != NULL && config->observer->events != NULL) {
		w.trace_bytes = ring_bytes(config->observer->events);
		w.memory_bytes += (w.trace_bytes + LARGE_BYTES - 1) / LARGE_BYTES * LARGE_BYTES;
	}
	for (unsigned i = 0; i < config->blob_count; i++)
		w.blob_bytes += page_round(config->blobs[i].length);
	return w;
}

/* A mapping that starts on 2 MiB, so that guest and host huge pages coincide. */
static uint8_t *map_memory(uint64_t bytes)
{
	uint8_t *start = mmap(NULL, bytes + LARGE_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t excess;

	if (start == MAP_FAILED)
		return NULL;
	excess = LARGE_BYTES - (uintptr_t)start % LARGE_BYTES;
	return start + excess % LARGE_BYTES;
}

static int make_memory(struct guest *guest)
{
	const struct layout *l = &guest->layout;
	uint64_t large = l->body.heap.physical + LARGE_BYTES;

	guest->host = map_memory(l->memory_bytes);
	if (guest->host == NULL)
		return -errno;
	if (l->memory_bytes > large)
		madvise(guest->host + large, l->memory_bytes - large, MADV_HUGEPAGE);
	guest->memory = (struct guest_memory){
		.host = guest->host,
		.bytes = l->memory_bytes,
		.image = l->body.image.physical,
		.image_end = l->body.image.physical + l->body.image.bytes,
		.heap = l->body.heap.physical,
		.heap_end = l->body.heap.physical + l->body.heap.bytes,
	};
	return 0;
}

static void map_region(struct tables *tables, const struct region *region, uint64_t offset,
	uint64_t bytes, unsigned rights)
{
	tables_map(
		tables, region->virtual + offset, region->physical + offset, bytes, rights, false);
}

static void map_image(struct tables *tables, const struct region *where, const struct image *image)
{
	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];
		unsigned rights = PAGE_USER;

		rights |= (r->rights & IMAGE_WRITE) != 0 ? PAGE_WRITE : 0;
		rights |= (r->rights & IMAGE_EXECUTE) != 0 ? PAGE_EXECUTE : 0;
		map_region(tables, where, r->virtual, r->bytes, rights);
	}
}

static bool map_all(struct guest *guest, const struct image *image)
{
	const struct layout *l = &guest->layout;
	struct tables tables;

	tables_init(&tables, guest->host, l->tables, l->tables_end, true);
	map_region(&tables, &l->system, SYSTEM_TABLES, PAGE_BYTES, 0);
	map_region(&tables, &l->system, SYSTEM_STUBS, PAGE_BYTES, PAGE_EXECUTE);
	map_region(&tables, &l->system, SYSTEM_STACK, PAGE_BYTES, PAGE_WRITE);
	map_image(&tables, &l->body.image, image);
	regions_map(&tables, &l->body);
	if (l->trace.bytes > 0)
		map_region(&tables, &l->trace, 0, l->trace.bytes, PAGE_USER | PAGE_WRITE);
	if (guest->device_count > 0)
		map_region(&tables, &l->registers, 0, l->registers.bytes, PAGE_USER | PAGE_WRITE);
	return !tables.is_full;
}

static uint32_t manifest_kind(uint32_t device_id)
{
	switch (device_id) {
	case VIRTIO_ID_NET:
		return MANIFEST_NET;
	case VIRTIO_ID_CONSOLE:
		return MANIFEST_CONSOLE;
	default:
		return MANIFEST_ENTROPY;
	}
}

/* Network devices come first in the guest's list, in the order of the configuration. */
static void describe_devices(struct guest *guest, const struct run_config *config)
{
	struct boot_info *boot = guest->boot;

	boot->device_count = guest->device_count;
	for (unsigned i = 0; i < guest->device_count; i++) {
		struct boot_device *d = &boot->devices[i];

		d->kind = manifest_kind(guest->devices[i]->id);
		d->transport = BOOT_VIRTIO_MMIO;
		d->address = guest->layout.registers.virtual + i * PAGE_BYTES;
		d->fd = -1;
		strncpy(d->name, guest->devices[i]->name, sizeof(d->name) - 1);
		if (i >= config->net_count)
			continue;
		memcpy(d->mac, config->nets[i].mac, sizeof(d->mac));
		d->mtu = config->nets[i].mtu;
		memcpy(d->ip, config->nets[i].ip, sizeof(d->ip));
		memcpy(d->gateway, config->nets[i].gateway, sizeof(d->gateway));
		boot->ip6[i] = config->nets[i].ip6;
	}
}

static void put_arguments(struct guest *guest, const struct run_config *config)
{
	const struct region *region = &guest->layout.body.boot;
	uint64_t at = guest->layout.arguments;

	guest->boot->argument_count = (uint32_t)config->argument_count;
	for (int i = 0; i < config->argument_count; i++) {
		size_t n = strlen(config->arguments[i]) + 1;

		memcpy(guest->host + region->physical + at, config->arguments[i], n);
		guest->boot->arguments[i] = region->virtual + at;
		at += n;
	}
}

static void put_blobs(struct guest *guest, const struct run_config *config)
{
	const struct region *region = &guest->layout.body.boot;
	uint64_t at = guest->layout.blobs;

	guest->boot->blob_count = config->blob_count;
	for (unsigned i = 0; i < config->blob_count; i++) {
		const struct run_blob *from = &config->blobs[i];
		struct boot_blob *blob = &guest->boot->blobs[i];

		if (from->length > 0)
			memcpy(guest->host + region->physical + at, from->data, from->length);
		memcpy(blob->name, from->name, sizeof(blob->name));
		blob->address = region->virtual + at;
		blob->length = from->length;
		at += page_round(from->length);
	}
}

static void put_boot_info(struct guest *guest, const struct run_config *config)
{
	/* mov %edi,%eax; out %eax,$CALL_PORT; ret */
	static const uint8_t call[] = { 0x89, 0xf8, 0xe7, CALL_PORT, 0xc3 };
	const struct region *region = &guest->layout.body.boot;
	uint8_t *page = guest->host + region->physical;
	struct boot_info *boot = (struct boot_info *)(void *)(page + BOOT_INFO);

	guest->boot = boot;
	guest->page = (struct boot_host_page *)(void *)(page + BOOT_HOST_PAGE);
	memcpy(page + BOOT_CALL_PAGE, call, sizeof(call));
	boot->magic = BOOT_MAGIC;
	boot->version = BOOT_VERSION;
	boot->bytes = sizeof(*boot);
	boot->target = BOOT_MONITOR;
	boot->call = region->virtual + BOOT_CALL_PAGE;
	boot->host_page = region->virtual + BOOT_HOST_PAGE;
	boot->cpu_features = vcpu_features();
	boot->log_level = config->log_level;
	regions_describe(&guest->layout.body, &boot->memory);
	describe_devices(guest, config);
	put_arguments(guest, config);
	put_blobs(guest, config);
	(void)!getrandom(boot->seed, sizeof(boot->seed), 0);
}

/* The body's trace ring is memory that our parent sees, too. */
static int put_trace(struct guest *guest, const struct run_config *config)
{
	const struct region *region = &guest->layout.trace;

	if (config->observer == NULL)
		return 0;
	config->observer->told->image = guest->layout.body.image.virtual;
	if (region->bytes == 0)
		return 0;
	guest->boot->trace_ring = region->virtual;
	guest->boot->trace_slots = config->observer->events->slot_count;
	return ring_move(config->observer->events, guest->host + region->physical);
}

void world_set_clock(struct guest *guest)
{
	struct boot_clock *clock = &guest->boot->clock;
	uint32_t low, high;

	clock->wall_ns = clock_ns(CLOCK_REALTIME);
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	clock->kind = BOOT_CLOCK_TSC;
	clock->shift = CLOCK_SHIFT;
	clock->mult = (UINT64_C(1000000) << CLOCK_SHIFT) / guest->vcpu.tsc_khz;
	clock->tsc_base = ((uint64_t)high << 32 | low) + (uint64_t)guest->vcpu.tsc_offset;
}

static int refuse_memory(const struct run_config *config, uint64_t least)
{
	dprintf(STDERR_FILENO,
		"diatom: %s needs at least %llu MiB to start, not %llu\n  give it more: --mem %llu\n",
		config->name, (unsigned long long)((least + 0xfffff) >> 20),
		(unsigned long long)(config->memory_bytes >> 20),
		(unsigned long long)((least + 0xfffff) >> 20));
	return EXIT_OUT_OF_MEMORY;
}

static int refuse_mapping(const struct run_config *config)
{
	dprintf(STDERR_FILENO, "diatom: %s: the host has no %llu MiB of memory\n", config->name,
		(unsigned long long)(config->memory_bytes >> 20));
	return EXIT_OUT_OF_MEMORY;
}

int world_make(struct guest *guest, const struct run_config *config, const struct image *image)
{
	struct layout_wishes wishes = wishes_of(guest, config, image);
	uint64_t least = layout_make(&guest->layout, &wishes);

	if (least != 0)
		return refuse_memory(config, least);
	if (make_memory(guest) != 0)
		return refuse_mapping(config);
	if (config->named != NULL &&
		!image_share(image, guest->host + guest->layout.body.image.physical,
			config->named->data)) {
		dprintf(STDERR_FILENO, "diatom: %s: its data can't be shared: %s\n", config->name,
			strerror(errno));
		return EXIT_HOST_LACKS;
	}
	image_load(image, guest->host + guest->layout.body.image.physical,
		guest->layout.body.image.virtual);
	put_boot_info(guest, config);
	if (put_trace(guest, config) != 0)
		return refuse_mapping(config);
	vcpu_write_system(&guest->layout, guest->host);
	if (!map_all(guest, image)) {
		dprintf(STDERR_FILENO,
			"diatom: %s: page tables outgrew their place; this is a bug in diatom\n",
			config->name);
		return EXIT_INTERNAL;
	}
	return 0;
}
