/*
 * What happens to a frame, in the order of path.h's picture.
 */
#include "test/impair/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETHERNET_BYTES 14
#define SECOND_NS      UINT64_C(1000000000)

/* What is drawn for each frame, used or not. */
struct draws {
	uint64_t jitter, loss, burst, duplicate, corrupt, bit, reorder;
};

/* SplitMix64. */
static uint64_t draw(struct path *path)
{
	uint64_t z = path->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct draws draw_all(struct path *path)
{
	struct draws d;

	d.jitter = draw(path);
	d.loss = draw(path) % 1000000;
	d.burst = draw(path) % 1000000;
	d.duplicate = draw(path) % 1000000;
	d.corrupt = draw(path) % 1000000;
	d.bit = draw(path);
	d.reorder = draw(path) % 1000000;
	return d;
}

/* --- the delay line --- */

static bool is_before(const struct path_frame *a, const struct path_frame *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void swap(struct path *path, size_t a, size_t b)
{
	struct path_frame *kept = path->heap[a];

	path->heap[a] = path->heap[b];
	path->heap[b] = kept;
}

static void hold(struct path *path, struct path_frame *frame)
{
	size_t at = path->count++;

	path->heap[at] = frame;
	for (; at > 0 && is_before(path->heap[at], path->heap[(at - 1) / 2]); at = (at - 1) / 2)
		swap(path, at, (at - 1) / 2);
}

static struct path_frame *take_first(struct path *path)
{
	struct path_frame *first = path->heap[0];
	size_t at = 0;

	path->heap[0] = path->heap[--path->count];
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < path->count; child++)
			if (is_before(path->heap[child], path->heap[least]))
				least = child;
		if (least == at)
			return first;
		swap(path, at, least);
		at = least;
	}
}

/* --- what happens --- */

static bool is_ip(const uint8_t *bytes, size_t length)
{
	unsigned type = length >= ETHERNET_BYTES ? bytes[12] << 8 | bytes[13] : 0;

	return length > ETHERNET_BYTES && (type == 0x0800 || type == 0x86dd);
}

/* When it has left the bottleneck; UINT64_MAX: its queue is full. */
static uint64_t queued(struct path *path, size_t length, uint64_t now)
{
	const struct path_settings *s = &path->settings;

	if (s->bytes_a_second == 0)
		return now;
	if (path->busy_until < now)
		path->busy_until = now;
	if ((path->busy_until - now) * s->bytes_a_second / SECOND_NS + length > s->queue_bytes)
		return UINT64_MAX;
	path->busy_until += length * SECOND_NS / s->bytes_a_second;
	return path->busy_until;
}

static bool is_lost(struct path *path, const struct draws *d)
{
	const struct path_settings *s = &path->settings;

	path->is_bad = path->is_bad ? d->burst >= s->burst_end : d->burst < s->burst_begin;
	path->counters.lost_in_bursts += path->is_bad;
	if (!path->is_bad && d->loss >= s->loss)
		return false;
	path->counters.lost++;
	return true;
}

static void send_on(struct path *path, const uint8_t *bytes, size_t length, uint64_t when,
	const struct draws *damage)
{
	struct path_frame *frame =
		path->count < PATH_FRAMES_MAX ? malloc(sizeof(*frame) + length) : NULL;

	if (frame == NULL) {
		path->counters.overflow++;
		return;
	}
	frame->when = when;
	frame->order = path->order++;
	frame->length = (uint32_t)length;
	memcpy(frame->bytes, bytes, length);
	if (damage != NULL)
		frame->bytes[ETHERNET_BYTES + damage->bit / 8 % (length - ETHERNET_BYTES)] ^=
			(uint8_t)(1 << damage->bit % 8);
	hold(path, frame);
	path->counters.carried++;
}

void path_put(struct path *path, const uint8_t *bytes, size_t length, uint64_t now)
{
	const struct path_settings *s = &path->settings;
	struct path_counters *c = &path->counters;
	struct draws d;
	uint64_t when;

	if (!is_ip(bytes, length)) {
		send_on(path, bytes, length, now + s->delay_ns, NULL);
		return;
	}
	d = draw_all(path);
	c->frames++;
	c->bytes += length;
	if (s->mtu != 0 && length > s->mtu + ETHERNET_BYTES) {
		c->too_long++;
		return;
	}
	when = queued(path, length, now);
	if (when == UINT64_MAX) {
		c->queue_full++;
		return;
	}
	if (is_lost(path, &d))
		return;
	when += s->delay_ns + (s->jitter_ns > 0 ? d.jitter % s->jitter_ns : 0);
	if (d.reorder < s->reorder) {
		when += s->reorder_ns;
		c->reordered++;
	}
	c->corrupted += d.corrupt < s->corrupt;
	send_on(path, bytes, length, when, d.corrupt < s->corrupt ? &d : NULL);
	if (d.duplicate < s->duplicate) {
		c->duplicated++;
		send_on(path, bytes, length, when, NULL);
	}
}

/* --- for the loop --- */

bool path_start(struct path *path, const struct path_settings *settings, uint64_t seed)
{
	*path = (struct path){ .settings = *settings, .random = seed };
	path->heap = malloc(PATH_FRAMES_MAX * sizeof(path->heap[0]));
	return path->heap != NULL;
}

uint64_t path_next(const struct path *path)
{
	return path->count > 0 ? path->heap[0]->when : UINT64_MAX;
}

struct path_frame *path_take(struct path *path, uint64_t now)
{
	uint64_t late;

	if (path->count == 0 || path_next(path) > now)
		return NULL;
	late = now - path->heap[0]->when;
	path->counters.late_ns_sum += late;
	if (late > path->counters.late_ns_most)
		path->counters.late_ns_most = late;
	return take_first(path);
}

void path_print(const struct path *path, const char *name, const char *after)
{
	const struct path_counters *c = &path->counters;
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "frames", c->frames },
		{ "bytes", c->bytes },
		{ "carried", c->carried },
		{ "lost", c->lost },
		{ "lost_in_bursts", c->lost_in_bursts },
		{ "duplicated", c->duplicated },
		{ "corrupted", c->corrupted },
		{ "reordered", c->reordered },
		{ "too_long", c->too_long },
		{ "queue_full", c->queue_full },
		{ "overflow", c->overflow },
		{ "late_us_most", c->late_ns_most / 1000 },
		{ "late_us_mean", c->carried ? c->late_ns_sum / c->carried / 1000 : 0 },
	};

	printf("\"%s\": {", name);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%s\"%s\": %llu", i ? ", " : "", rows[i].name,
			(unsigned long long)rows[i].value);
	printf("}%s", after);
}
