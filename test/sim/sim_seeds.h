/*
 * Runs of a simulation by seed: a number of them each time, others in every soak, or those that were named.
 *
 *     static uint64_t run_seed(uint64_t seed)       judges by CHECK, returns sim_digest()
 *     static void streams(void) { sim_seeds_run(run_seed); }
 *
 *     int main(int argc, char **argv)
 *     {
 *             if (sim_seeds_choose(argc, argv, 1000, 40000))
 *                     return RUN(TEST(streams));
 *             return RUN(TEST(streams), TEST(others));
 *     }
 *
 *     build/test/sim/NAME SEED [COUNT [trace]]     one seed, or some from it on; a failing one prints its
 *                                                  packets, with `trace` all do
 */
#ifndef DIATOM_TEST_SIM_SEEDS_H
#define DIATOM_TEST_SIM_SEEDS_H

#include <stdlib.h>
#include <time.h>

#include "test/check.h"
#include "test/sim/sim_world.h"

static uint64_t sim_seed_first = 1, sim_seed_count;

/* How many seeds, by default and in a soak, which takes others each time. True: the command line names some, and
 * nothing else is to be run. */
static inline bool sim_seeds_choose(int argc, char **argv, uint64_t by_default, uint64_t in_soak)
{
	sim_seed_count = by_default;
	if (getenv("SIM_SOAK") != NULL) {
		sim_seed_first = (uint64_t)time(NULL) * in_soak;
		sim_seed_count = in_soak;
	}
	if (argc < 2)
		return false;
	sim_seed_first = strtoull(argv[1], NULL, 0);
	sim_seed_count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	sim_trace(argc > 3);
	return true;
}

/* Runs them, to the first failure, whose packets it prints. No run may keep a packet. */
static inline void sim_seeds_run(uint64_t (*run)(uint64_t seed))
{
	uint64_t end = sim_seed_first + sim_seed_count;
	size_t packets = sim_packets();

	for (uint64_t seed = sim_seed_first; seed < end && !check_failed; seed++) {
		run(seed);
		if (sim_packets() != packets)
			CHECK_FAIL("seed %llu: %zu packets leaked", (unsigned long long)seed,
				sim_packets() - packets);
		if (check_failed) {
			printf("the packets of seed %llu:\n", (unsigned long long)seed);
			sim_trace(true);
			run(seed);
			sim_trace(false);
		}
	}
}

/* A seed's runs are all the same. */
static inline void sim_seeds_repeat(uint64_t (*run)(uint64_t seed), uint64_t count)
{
	for (uint64_t seed = 1; seed <= count; seed++)
		CHECK(run(seed) == run(seed));
}

#endif
