/*
 * One direction of the relay: what the network does to frames on their way, all of it from one seed.
 *
 *     path_put --> too long? --> queue of the bottleneck --> lost? --> damaged, doubled --> delay line --> path_take
 *                    drop            drop its tail            drop                          a heap by time
 *
 * Each frame draws the same random numbers whatever is set, so a seed loses the same frames by number whether or
 * not it also delays or doubles some: two subjects with one seed meet the same network. What is not IP (ARP) is
 * delayed and nothing else: it has no checksum, and a wrong address would be believed for a minute.
 */
#ifndef DIATOM_TEST_IMPAIR_PATH_H
#define DIATOM_TEST_IMPAIR_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_FRAMES_MAX 65536 /* held at a time; what comes beyond is dropped and counted */

/* Chances are in a million; 0 switches each of them off. */
struct path_settings {
	uint64_t delay_ns,
		jitter_ns; /* jitter: 0 .. so much more, each frame its own: it reorders */
	uint64_t loss;	   /* of each frame, independently */
	uint64_t burst_begin,
		burst_end; /* Gilbert's model: from good to bad, where all is lost, and back */
	uint64_t duplicate, corrupt;  /* corrupt: one flipped bit behind the Ethernet header */
	uint64_t reorder, reorder_ns; /* a frame that takes so much longer is overtaken */
	uint64_t bytes_a_second, queue_bytes; /* the bottleneck; its queue drops what doesn't fit */
	uint64_t mtu; /* longer packets vanish, as behind a router that tells nobody */
};

struct path_counters {
	uint64_t frames, bytes, carried;
	uint64_t lost, lost_in_bursts, duplicated, corrupted, reordered;
	uint64_t too_long, queue_full, overflow;
	uint64_t late_ns_most, late_ns_sum; /* behind the time at which a frame was due */
};

struct path_frame {
	uint64_t when, order;
	uint32_t length;
	uint8_t bytes[];
};

struct path {
	struct path_settings settings;
	struct path_counters counters;
	uint64_t random, busy_until, order;
	bool is_bad; /* in a burst */
	struct path_frame **heap;
	size_t count;
};

/* "loss=1,delay_ms=10": see settings.c. False with a word on the standard error. */
bool path_settings_parse(struct path_settings *settings, const char *text);
/* Takes its memory once. */
bool path_start(struct path *path, const struct path_settings *settings, uint64_t seed);
/* A frame has come at `now`, nanoseconds; the bytes stay the caller's. */
void path_put(struct path *path, const uint8_t *bytes, size_t length, uint64_t now);
/* The next frame that is due by `now`, the caller's to free; NULL: none is. */
struct path_frame *path_take(struct path *path, uint64_t now);
/* When the next one is; UINT64_MAX: nothing is held. */
uint64_t path_next(const struct path *path);
/* One line of JSON. */
void path_print(const struct path *path, const char *name, const char *after);

#endif
