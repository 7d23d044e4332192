/*
 * Memory is reserved, not touched: what the body never uses costs nothing, and the first touches are
 * what a short run spends its time on.
 */
#include "host/process/space.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "host/image/image.h"
#include "host/named/start.h"
#include "host/observe/observer.h"
#include "host/observe/ring.h"
#include "host/process/cpu.h"
#include "host/report.h"

#define PAGE_SIZE	UINT64_C(4096)
#define LARGE_SIZE	UINT64_C(0x200000)
#define MAIN_STACK_SIZE UINT64_C(65536)
#define SLOT_SIZE	(UINT64_C(1) << 44)
#define PLACE_TRIES	16
#define MIB_SHIFT	20

/* Each region has a slot of 16 TiB to itself, clear of where Linux puts programs and libraries. */
enum slot { SLOT_IMAGE = 1, SLOT_HEAP, SLOT_STACKS, SLOT_MAIN, SLOT_BOOT, SLOT_TRACE, SLOT_COUNT };

struct random {
	uint64_t places[SLOT_COUNT];
	uint8_t seed[BOOT_SEED_BYTES];
};

static uint64_t round_up(uint64_t bytes, uint64_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/* Maps writable zeros at a random place of the slot. NULL with errno. */
static uint8_t *map_somewhere(
	enum slot slot, struct random *random, uint64_t bytes, uint64_t alignment)
{
	uint64_t places = (SLOT_SIZE - bytes) / alignment - 1;

	for (int i = 0; i < PLACE_TRIES; i++) {
		uint64_t at = slot * SLOT_SIZE + random->places[slot] % places * alignment;
		void *got = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

		if (got == (void *)at)
			return got;
		if (got != MAP_FAILED)
			munmap(got, bytes); /* a kernel that ignores MAP_FIXED_NOREPLACE */
		else if (errno != EEXIST)
			return NULL;
		/* Taken: look elsewhere (the multiplier of Knuth's MMIX generator). */
		random->places[slot] = random->places[slot] * 6364136223846793005u + 1;
	}
	errno = ENOMEM;
	return NULL;
}

static uint64_t argument_bytes(const struct run_config *config)
{
	uint64_t bytes = 0;

	for (int i = 0; i < config->argument_count; i++)
		bytes += strlen(config->arguments[i]) + 1;
	return bytes;
}

/* What of the granted memory is not heap. */
static uint64_t other_bytes(
	const struct space *space, const struct run_config *config, const struct image *image)
{
	uint64_t bytes = image->span_bytes + MAIN_STACK_SIZE + space->boot_bytes + 2 * PAGE_SIZE;

	for (unsigned i = 0; i < config->blob_count; i++)
		bytes += round_up(config->blobs[i].length, PAGE_SIZE);
	return bytes;
}

static int refuse_memory(const struct run_config *config, uint64_t least)
{
	unsigned mib = (unsigned)(round_up(least, UINT64_C(1) << MIB_SHIFT) >> MIB_SHIFT);

	report_error(EXIT_OUT_OF_MEMORY, NULL, "%s needs at least %u MiB to start, not %u",
		config->name, mib, (unsigned)(config->memory_bytes >> MIB_SHIFT));
	report_line("  give it more:  --mem %u", mib);
	return EXIT_OUT_OF_MEMORY;
}

static int complain(const struct run_config *config, const char *what)
{
	return report_error(EXIT_OUT_OF_MEMORY, "free some memory, or grant it less:  --mem MIB",
		"%s: no memory for %s: %s", config->name, what, strerror(errno));
}

static unsigned protection_of(unsigned rights)
{
	return ((rights & IMAGE_READ) != 0 ? PROT_READ : 0) |
	       ((rights & IMAGE_WRITE) != 0 ? PROT_WRITE : 0) |
	       ((rights & IMAGE_EXECUTE) != 0 ? PROT_EXEC : 0);
}

/* Each region gets its rights; holes between regions get none. */
static bool seal_image(const struct image *image, uint8_t *loaded)
{
	uint64_t done = 0;

	for (unsigned i = 0; i < image->region_count; i++) {
		const struct image_region *r = &image->regions[i];

		if (r->virtual > done && mprotect(loaded + done, r->virtual - done, PROT_NONE) != 0)
			return false;
		done = r->virtual + r->bytes;
		if ((r->rights & IMAGE_WRITE) == 0 &&
			mprotect(loaded + r->virtual, r->bytes, (int)protection_of(r->rights)) != 0)
			return false;
	}
	return true;
}

static int place_image(struct space *space, const struct run_config *config,
	const struct image *image, struct random *random)
{
	struct boot_memory *memory = &space->boot->memory;
	uint8_t *loaded = map_somewhere(SLOT_IMAGE, random, image->span_bytes, PAGE_SIZE);

	if (loaded == NULL)
		return complain(config, "the image");
	if (config->named != NULL && !image_share(image, loaded, config->named->data))
		return complain(config, "sharing the image's data");
	image_load(image, loaded, (uint64_t)loaded);
	if (!seal_image(image, loaded))
		return complain(config, "sealing the image");
	memory->image = (uint64_t)loaded;
	memory->image_bytes = image->span_bytes;
	space->entry = memory->image + image->entry;
	return 0;
}

static int place_heap(struct space *space, const struct run_config *config,
	const struct image *image, struct random *random)
{
	struct boot_memory *memory = &space->boot->memory;
	uint64_t other = other_bytes(space, config, image);
	uint8_t *heap;

	if (config->memory_bytes < other + LARGE_SIZE)
		return refuse_memory(config, other + LARGE_SIZE);
	memory->heap_bytes = (config->memory_bytes - other) / LARGE_SIZE * LARGE_SIZE;
	heap = map_somewhere(SLOT_HEAP, random, memory->heap_bytes, LARGE_SIZE);
	if (heap == NULL)
		return complain(config, "the heap");
	/* The first 2 MiB stay small pages: zeroing a huge one takes longer than a short run. */
	if (memory->heap_bytes > LARGE_SIZE)
		madvise(heap + LARGE_SIZE, memory->heap_bytes - LARGE_SIZE, MADV_HUGEPAGE);
	memory->heap = (uint64_t)heap;
	return 0;
}

static int place_stacks(struct space *space, const struct run_config *config,
	const struct image *image, struct random *random)
{
	struct boot_memory *memory = &space->boot->memory;
	uint64_t count = memory->heap_bytes / image->stack_bytes, bytes;
	uint8_t *stacks = map_somewhere(SLOT_MAIN, random, MAIN_STACK_SIZE, PAGE_SIZE);

	if (stacks == NULL)
		return complain(config, "the main stack");
	memory->main_stack = (uint64_t)stacks;
	memory->main_stack_bytes = MAIN_STACK_SIZE;
	space->stack_top = memory->main_stack + MAIN_STACK_SIZE;
	if (!image->has_stacks)
		return 0;
	if (count > image->stack_count_max)
		count = image->stack_count_max;
	bytes = count * (image->stack_bytes + PAGE_SIZE);
	stacks = map_somewhere(SLOT_STACKS, random, bytes, PAGE_SIZE);
	if (stacks == NULL)
		return complain(config, "stacks");
	/* A stack is smaller than a huge page, and guards would split it. */
	madvise(stacks, bytes, MADV_NOHUGEPAGE);
	memory->stacks = (uint64_t)stacks;
	memory->stack_bytes = image->stack_bytes;
	memory->stack_count = count;
	return 0;
}

static int place_boot(struct space *space, const struct run_config *config, struct random *random)
{
	static const uint8_t stub[] = { 0x0f, 0x05, 0xc3 }; /* syscall; ret */
	char *strings;
	uint8_t *at;

	/* The arguments follow at once: mostly in a page that is touched anyway. */
	space->boot_bytes = round_up(sizeof(struct boot_info) + argument_bytes(config), PAGE_SIZE);
	at = map_somewhere(SLOT_BOOT, random, space->boot_bytes + 2 * PAGE_SIZE, PAGE_SIZE);
	if (at == NULL)
		return complain(config, "boot information");
	space->boot = (struct boot_info *)(void *)at;
	space->stub = (uint64_t)(at + space->boot_bytes);
	space->page = (struct boot_host_page *)(void *)(at + space->boot_bytes + PAGE_SIZE);
	memcpy(at + space->boot_bytes, stub, sizeof(stub));
	strings = (char *)(at + sizeof(struct boot_info));
	for (int i = 0; i < config->argument_count; i++) {
		size_t n = strlen(config->arguments[i]) + 1;

		memcpy(strings, config->arguments[i], n);
		space->boot->arguments[i] = (uint64_t)strings;
		strings += n;
	}
	return 0;
}

static void describe(
	struct space *space, const struct run_config *config, const struct random *random)
{
	struct boot_info *boot = space->boot;

	boot->magic = BOOT_MAGIC;
	boot->version = BOOT_VERSION;
	boot->bytes = sizeof(*boot);
	boot->target = BOOT_PROCESS;
	boot->syscall = space->stub;
	boot->host_page = (uint64_t)space->page;
	boot->cpu_features = cpu_features();
	boot->spin_ns = config->spin_ns > 0 ? config->spin_ns : 0;
	boot->argument_count = (uint32_t)config->argument_count;
	boot->log_level = config->log_level;
	memcpy(boot->seed, random->seed, sizeof(boot->seed));
	boot->blob_count = config->blob_count;
	for (unsigned i = 0; i < config->blob_count; i++) {
		const struct run_blob *from = &config->blobs[i];

		memcpy(boot->blobs[i].name, from->name, sizeof(boot->blobs[i].name));
		boot->blobs[i].address = (uint64_t)from->data;
		boot->blobs[i].length = from->length;
	}
}

/* The trace ring is memory that our parent sees, too. */
static int place_trace(struct space *space, const struct run_config *config, struct random *random)
{
	struct ring *ring = config->observer->events;
	uint8_t *at;

	config->observer->told->image = space->boot->memory.image;
	if (ring == NULL)
		return 0;
	at = map_somewhere(SLOT_TRACE, random, ring_bytes(ring), PAGE_SIZE);
	if (at == NULL || ring_move(ring, at) != 0)
		return complain(config, "the trace");
	space->boot->trace_ring = (uint64_t)at;
	space->boot->trace_slots = ring->slot_count;
	return 0;
}

int space_make(struct space *space, const struct run_config *config, const struct image *image)
{
	struct random random;
	int code;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return report_error(EXIT_HOST_LACKS, NULL,
			"%s: the kernel gives no random numbers: %s", config->name,
			strerror(errno));
	code = place_boot(space, config, &random);
	if (code == 0)
		code = place_heap(space, config, image, &random);
	if (code == 0)
		code = place_stacks(space, config, image, &random);
	if (code == 0)
		code = place_image(space, config, image, &random);
	if (code == 0)
		describe(space, config, &random);
	if (code == 0 && config->observer != NULL)
		code = place_trace(space, config, &random);
	explicit_bzero(&random, sizeof(random));
	return code;
}

int space_seal(const struct space *space, const struct run_config *config)
{
	for (unsigned i = 0; i < config->blob_count; i++) {
		const struct run_blob *blob = &config->blobs[i];

		if (mprotect((void *)blob->data, blob->length + 1, PROT_READ) != 0)
			return -errno;
	}
	if (mprotect((void *)space->stub, PAGE_SIZE, PROT_READ | PROT_EXEC) != 0 ||
		mprotect(space->boot, space->boot_bytes, PROT_READ) != 0)
		return -errno;
	return 0;
}
