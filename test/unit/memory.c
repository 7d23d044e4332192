/*
 * Extents against a model: every byte of every extent is the caller's alone. Pools, arenas.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/extent.h"
#include "diatom/memory.h"
#include "plat/hosted.h"
#include "test/check.h"

#define HEAP_BYTES MEBIBYTES(64)
#define LIVE_MAX   400

static uint32_t dice_state = 12345;

static uint32_t dice(uint32_t bound)
{
	dice_state = dice_state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)dice_state * bound) >> 32);
}

struct live {
	uint8_t *start;
	size_t asked, given;
};

static size_t model_rounded(size_t bytes)
{
	size_t size = 4096;

	if (bytes > MEBIBYTES(2))
		return (bytes + MEBIBYTES(2) - 1) / MEBIBYTES(2) * MEBIBYTES(2);
	while (size < bytes)
		size *= 2;
	return size;
}

static void mark(struct live *live, uint8_t value)
{
	for (size_t i = 0; i < live->given; i += 4096)
		live->start[i] = live->start[i + 4095] = value;
}

static bool is_marked(const struct live *live, uint8_t value)
{
	for (size_t i = 0; i < live->given; i += 4096)
		if (live->start[i] != value || live->start[i + 4095] != value)
			return false;
	return true;
}

static void extents_follow_the_model(void)
{
	static struct live live[LIVE_MAX];
	size_t n = 0, used = memory_usage().used_bytes, before = used;

	for (unsigned step = 0; step < 30000; step++) {
		if (n == LIVE_MAX || (n > 0 && dice(100) < 48)) {
			size_t victim = dice((uint32_t)n);

			CHECK(is_marked(&live[victim], (uint8_t)(live[victim].asked * 7 + 1)));
			extent_free(live[victim].start, live[victim].asked);
			used -= live[victim].given;
			live[victim] = live[--n];
		} else {
			size_t bytes = dice(50) == 0 ? dice(MEBIBYTES(9)) + 1
						     : (dice(4096) + 1) << dice(8);
			uint8_t *start = extent_alloc(bytes);
			size_t given = model_rounded(bytes);

			if (!start)
				continue;
			CHECK((uintptr_t)start % (given < MEBIBYTES(2) ? given : MEBIBYTES(2)) ==
				0);
			live[n] = (struct live){ start, bytes, given };
			mark(&live[n], (uint8_t)(bytes * 7 + 1));
			n++;
			used += given;
		}
		CHECK_EQUAL(memory_usage().used_bytes, used);
		if (check_failed)
			return;
	}
	while (n > 0) {
		n--;
		CHECK(is_marked(&live[n], (uint8_t)(live[n].asked * 7 + 1)));
		extent_free(live[n].start, live[n].asked);
	}
	CHECK_EQUAL(memory_usage().used_bytes, before);
	CHECK(memory_usage().high_water_bytes > before);
}

/* After all was freed, buddies have merged: the heap serves one run of nearly all of it. */
static void extents_merge_again(void)
{
	void *big = extent_alloc(HEAP_BYTES - MEBIBYTES(4));

	CHECK(big != NULL);
	extent_free(big, HEAP_BYTES - MEBIBYTES(4));
}

static void extents_refuse_what_does_not_fit(void)
{
	uint64_t before = memory_usage().refused;

	CHECK(extent_alloc(HEAP_BYTES * 2) == NULL);
	CHECK(extent_alloc(SIZE_MAX) == NULL);
	CHECK(extent_alloc(SIZE_MAX - 4096) == NULL);
	CHECK_EQUAL(memory_usage().refused, before + 3);
	extent_free(NULL, 4096);
}

/* Stacks at the foot and blocks from the top share the middle, and never overlap. */
static void stacks_and_extents_share(void)
{
	uint8_t *heap = (uint8_t *)plat_boot->memory.heap;
	void *extents[64];
	size_t n = 0;

	CHECK(extent_claim_low(MEBIBYTES(32) + 4096));
	CHECK(extent_claim_low(4096)); /* never shrinks */
	while (n < 64 && (extents[n] = extent_alloc(MEBIBYTES(1))) != NULL) {
		CHECK((uint8_t *)extents[n] >= heap + MEBIBYTES(32) + 4096);
		n++;
	}
	CHECK(n >= 30 && n < 32);
	CHECK(!extent_claim_low(MEBIBYTES(40)));
	while (n > 0)
		extent_free(extents[--n], MEBIBYTES(1));
}

/* Does it stop the program? */
static bool crashes(void (*misuse)(void))
{
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		misuse();
		_exit(0);
	}
	return waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGABRT;
}

static void free_twice(void)
{
	void *extent = extent_alloc(8192);

	extent_free(extent, 8192);
	extent_free(extent, 8192);
}

static void free_wrong_size(void)
{
	extent_free(extent_alloc(8192), 4096);
}

static void free_wrong_run(void)
{
	extent_free(extent_alloc(MEBIBYTES(6)), MEBIBYTES(4));
}

static void free_middle(void)
{
	extent_free((uint8_t *)extent_alloc(16384) + 4096, 4096);
}

static void free_unaligned(void)
{
	extent_free((uint8_t *)extent_alloc(16384) + 8, 16384);
}

static void free_foreign(void)
{
	static uint8_t elsewhere[8192];

	extent_free(elsewhere, 4096);
}

static void free_object_twice(void)
{
	static struct pool pool = POOL("twice", 32, 0);
	void *object = pool_alloc(&pool);

	pool_free(&pool, object);
	pool_free(&pool, object);
}

static void misuse_stops_the_image(void)
{
	CHECK(crashes(free_twice));
	CHECK(crashes(free_wrong_size));
	CHECK(crashes(free_wrong_run));
	CHECK(crashes(free_middle));
	CHECK(crashes(free_unaligned));
	CHECK(crashes(free_foreign));
	CHECK(crashes(free_object_twice));
}

static void pools_give_and_take(void)
{
	static struct pool pool = POOL("test", 40, 1000);
	static uint32_t *objects[1000];

	for (uint32_t i = 0; i < 1000; i++) {
		objects[i] = pool_alloc(&pool);
		CHECK(objects[i] && (uintptr_t)objects[i] % 16 == 0);
		objects[i][0] = objects[i][9] = i;
	}
	CHECK(pool_alloc(&pool) == NULL);
	CHECK_EQUAL(pool.refused, 1);
	CHECK_EQUAL(pool.used, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		CHECK(objects[i][0] == i && objects[i][9] == i);
	for (uint32_t i = 0; i < 1000; i += 2)
		pool_free(&pool, objects[i]);
	for (uint32_t i = 0; i < 1000; i += 2)
		CHECK((objects[i] = pool_alloc(&pool)) != NULL);
	CHECK(pool_alloc(&pool) == NULL);
	for (uint32_t i = 0; i < 1000; i++)
		pool_free(&pool, objects[i]);
	pool_free(&pool, NULL);
	CHECK_EQUAL(pool.used, 0);
	CHECK_EQUAL(pool.high_water, 1000);
	CHECK(pool_first() != NULL);
}

static void pools_take_large_objects(void)
{
	static struct pool pool = { .name = "large", .object_bytes = 5000, .alignment = 4096 };
	uint8_t *a = pool_alloc_zeroed(&pool), *b = pool_alloc_zeroed(&pool);

	CHECK(a && b && (uintptr_t)a % 4096 == 0 && (uintptr_t)b % 4096 == 0);
	CHECK(a[4999] == 0 && b[0] == 0);
	CHECK(a + 5000 <= b || b + 5000 <= a);
}

static void arenas_grow_and_end(void)
{
	struct arena arena = { 0 };
	size_t before = memory_usage().used_bytes;
	uint8_t *first = arena_alloc(&arena, 100), *odd, *big;

	CHECK(first && (uintptr_t)first % 16 == 0);
	memset(first, 1, 100);
	odd = arena_bytes(&arena, 3);
	CHECK(odd == first + 100);
	CHECK((uintptr_t)arena_alloc(&arena, 1) % 16 == 0);
	big = arena_alloc(&arena, MEBIBYTES(5));
	CHECK(big && big[0] == 0 && big[MEBIBYTES(5) - 1] == 0);
	for (unsigned i = 0; i < 10000; i++)
		CHECK(arena_bytes(&arena, 17) != NULL);
	CHECK(arena_alloc(&arena, SIZE_MAX) == NULL);
	CHECK_EQUAL(first[99], 1);
	arena_clear(&arena);
	CHECK_EQUAL(memory_usage().used_bytes, before);
	first = arena_alloc(&arena, 100);
	CHECK(first && first[0] == 0 && first[99] == 0); /* zero again */
	arena_clear(&arena);
	arena_clear(&arena);
}

static void arenas_keep_their_limit(void)
{
	struct arena arena = { .limit = 1000 };

	CHECK(arena_alloc(&arena, 900) != NULL);
	CHECK(arena_alloc(&arena, 101) == NULL);
	CHECK(arena_alloc(&arena, 100) != NULL);
	arena_clear(&arena);
	CHECK_EQUAL(arena.limit, 1000);
}

int main(void)
{
	plat_hosted_set_memory(HEAP_BYTES, 65536, 16);
	return RUN(TEST(extents_follow_the_model), TEST(extents_merge_again),
		TEST(extents_refuse_what_does_not_fit), TEST(misuse_stops_the_image),
		TEST(pools_give_and_take), TEST(pools_take_large_objects),
		TEST(arenas_grow_and_end), TEST(arenas_keep_their_limit),
		TEST(stacks_and_extents_share));
}
