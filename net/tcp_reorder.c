/*
 * The reorder queue: what came before its turn, by reference.
 *
 *     rcv_nxt        first             next                     last
 *        |  missing  | start .. end |  | start .. end | missing | start .. end | [FIN]
 *
 * Packets are kept as they came, in order of their first number; where two overlap, the later one is cut
 * or dropped, so each byte is there once. What was told first about a number stays.
 *
 * It exists only while something is out of order. SACK blocks (RFC 2018 4) are made from it: the one with
 * the latest arrival first, then others by how lately they were told. When a batch of segments makes more
 * blocks than one ACK can tell of, an ACK goes out in between. All queues of a host stand in a list, by age:
 * when memory is short the oldest goes (RFC 2018 8 allows it), so that nobody holds memory by a hole that he
 * leaves open.
 */
#include "diatom/counter.h"
#include "net/note.h"
#include "net/tcp_inner.h"

#define PACKETS_MOST 4096	/* of one connection */
#define BLOCKS_TOLD  2		/* fit any ACK, beside the time stamp and what came twice */
#define AGE_SAFE     SECONDS(5) /* younger ones are not dropped for others' sake */

COUNTER(reorder_refused, "tcp.reorder_refused", "segments dropped: too much is out of order");
COUNTER(reorder_evicted, "tcp.reorder_evicted", "old queues dropped: memory was short");
COUNTER(reorder_overlap, "tcp.reorder_overlap_bytes", "bytes out of order that were there already");

struct tcp_reorder {
	struct tcp_connection *owner;
	struct tcp_reorder *younger, **link; /* what points to it */
	instant born;
	struct packet *first, *last;
	uint32_t packets, charged;
	uint32_t fin; /* the number of the FIN */
	bool has_fin;
	uint8_t recent_count;
	uint8_t untold; /* blocks among them that no ACK has told of */
	struct tcp_block recent[TCP_SACK_BLOCKS_MAX]; /* what came, the latest first; none touch */
};

static struct pool reorders = POOL("tcp reorder queues", sizeof(struct tcp_reorder), 0);

/* In the headroom of a queued packet. */
struct reorder_note {
	uint32_t start, end;
};

static struct reorder_note *note_of(const struct packet *packet)
{
	return packet_note(packet, sizeof(struct reorder_note));
}

uint32_t tcp_reorder_bytes(const struct tcp_connection *c)
{
	return c->reorder != NULL ? c->reorder->charged : 0;
}

static uint32_t charge_of(const struct packet *packet)
{
	uint32_t bytes = 0;

	for (; packet != NULL; packet = packet->fragment)
		bytes += packet->capacity;
	return bytes;
}

static void charge(struct tcp_connection *c, const struct packet *packet)
{
	uint32_t bytes = charge_of(packet);

	c->reorder->packets++;
	c->reorder->charged += bytes;
	c->host->memory += bytes;
}

static void discharge(struct tcp_connection *c, const struct packet *packet)
{
	uint32_t bytes = charge_of(packet);

	c->reorder->packets--;
	c->reorder->charged -= bytes;
	c->host->memory -= bytes;
}

static bool begin_queue(struct tcp_connection *c)
{
	struct tcp_reorder *r = pool_alloc_zeroed(&reorders);

	if (r == NULL)
		return false;
	r->owner = c;
	r->born = tcp_now(c->host);
	r->link = c->host->reorders_end;
	*r->link = r;
	c->host->reorders_end = &r->younger;
	c->reorder = r;
	return true;
}

static void end_queue(struct tcp_connection *c)
{
	struct tcp_reorder *r = c->reorder;

	*r->link = r->younger;
	if (r->younger != NULL)
		r->younger->link = r->link;
	else
		c->host->reorders_end = r->link;
	pool_free(&reorders, r);
	c->reorder = NULL;
}

static void tidy(struct tcp_connection *c)
{
	if (c->reorder != NULL && c->reorder->first == NULL && !c->reorder->has_fin)
		end_queue(c);
}

void tcp_reorder_relieve(struct tcp_host *host)
{
	struct tcp_reorder *oldest = host->reorders;

	if (oldest == NULL || tcp_now(host) - oldest->born < AGE_SAFE)
		return;
	count(&reorder_evicted);
	tcp_reorder_drop(oldest->owner);
}

/* What has just come moves to the front, and grows together with what it touches: a block that grows must
 * not push the others out. */
static void remember(struct tcp_connection *c, uint32_t start, uint32_t end)
{
	struct tcp_reorder *r = c->reorder;
	struct tcp_block kept[TCP_SACK_BLOCKS_MAX] = { 0 }, block = { start, end };
	unsigned count = 0, untold = 1;

	for (unsigned i = 0; i < r->recent_count; i++) {
		struct tcp_block old = r->recent[i];

		if (!sequence_after(old.end, c->rcv_nxt)) /* in order by now */
			continue;
		if (sequence_after(old.start, block.end) || sequence_before(old.end, block.start)) {
			kept[count++] = old;
			untold += i < r->untold;
			continue;
		}
		block.start = sequence_min(block.start, old.start);
		block.end = sequence_max(block.end, old.end);
	}
	if (count == TCP_SACK_BLOCKS_MAX)
		count--;
	r->recent[0] = block;
	memcpy(&r->recent[1], kept, count * sizeof(kept[0]));
	r->recent_count = (uint8_t)(count + 1);
	r->untold = (uint8_t)(untold < r->recent_count ? untold : r->recent_count);
}

void tcp_reorder_told(struct tcp_connection *c)
{
	if (c->reorder != NULL)
		c->reorder->untold = 0;
}

bool tcp_reorder_is_full(const struct tcp_connection *c)
{
	return c->reorder != NULL && c->reorder->untold >= BLOCKS_TOLD;
}

void tcp_reorder_twice(struct tcp_connection *c, uint32_t start, uint32_t end)
{
	struct tcp_block *d = &c->duplicate;
	bool is_pending = d->start != d->end, is_apart = d->start != end && d->end != start;

	if (is_pending && !is_apart) {
		d->start = sequence_min(d->start, start);
		d->end = sequence_max(d->end, end);
		return;
	}
	if (is_pending && c->has_sack)
		tcp_emit_ack(c);
	*d = (struct tcp_block){ start, end };
}

/* Whom a packet from `start` on comes after; NULL: it becomes the first. */
static struct packet *place_of(const struct tcp_reorder *r, uint32_t start)
{
	struct packet *before = NULL, *at;

	if (r->last != NULL && !sequence_before(start, note_of(r->last)->start))
		return r->last;
	for (at = r->first; at != NULL && !sequence_after(note_of(at)->start, start); at = at->next)
		before = at;
	return before;
}

static void unlink_after(struct tcp_connection *c, struct packet *before, struct packet *packet)
{
	struct tcp_reorder *r = c->reorder;

	if (before != NULL)
		before->next = packet->next;
	else
		r->first = packet->next;
	if (r->last == packet)
		r->last = before;
	packet->next = NULL;
	discharge(c, packet);
}

static void link_after(struct tcp_connection *c, struct packet *before, struct packet *packet)
{
	struct tcp_reorder *r = c->reorder;

	packet->next = before != NULL ? before->next : r->first;
	if (before != NULL)
		before->next = packet;
	else
		r->first = packet;
	if (r->last == before)
		r->last = packet;
	charge(c, packet);
}

/* Later ones that the new packet covers whole are dropped; returns where it must end. */
static uint32_t drop_covered(struct tcp_connection *c, struct packet *before, uint32_t end)
{
	struct packet *next;

	while ((next = before != NULL ? before->next : c->reorder->first) != NULL) {
		const struct reorder_note *note = note_of(next);

		if (!sequence_before(note->start, end))
			break;
		if (sequence_after(note->end, end))
			return note->start;
		count_many(&reorder_overlap, next->total_length);
		unlink_after(c, before, next);
		packet_free(next);
	}
	return end;
}

static bool may_add(struct tcp_connection *c, const struct packet *packet)
{
	return (c->reorder != NULL || begin_queue(c)) && c->reorder->packets < PACKETS_MOST &&
	       c->reorder->charged + charge_of(packet) <= 2 * c->receive_limit &&
	       packet_note(packet, sizeof(struct reorder_note)) != NULL;
}

void tcp_reorder_add(struct tcp_connection *c, struct packet *packet, uint32_t start, bool is_fin)
{
	uint32_t end = start + packet->total_length, covered;
	struct packet *before;

	if (!may_add(c, packet)) {
		count(&reorder_refused);
		packet_free(packet);
		tidy(c);
		return;
	}
	if (is_fin) {
		c->reorder->has_fin = true;
		c->reorder->fin = end;
	}
	before = place_of(c->reorder, start);
	covered = before != NULL ? note_of(before)->end : start;
	if (sequence_after(covered, start)) {
		uint32_t old = sequence_min(covered, end) - start;

		count_many(&reorder_overlap, old);
		tcp_reorder_twice(c, start, start + old);
		if (old == end - start) {
			remember(c, start, end);
			packet_free(packet);
			return;
		}
		packet = packet_cut(packet, old);
		start += old;
	}
	end = drop_covered(c, before, end);
	packet_trim(packet, end - start);
	if (packet_note(packet, sizeof(struct reorder_note)) == NULL) {
		count(&reorder_refused);
		packet_free(packet);
		tidy(c);
		return;
	}
	link_after(c, before, packet);
	*note_of(packet) = (struct reorder_note){ start, end };
	remember(c, start, end);
}

struct packet *tcp_reorder_take(struct tcp_connection *c)
{
	struct tcp_reorder *r = c->reorder;
	struct packet *packet;

	while (r != NULL && (packet = r->first) != NULL) {
		struct reorder_note note = *note_of(packet);

		if (sequence_after(note.start, c->rcv_nxt))
			return NULL;
		unlink_after(c, NULL, packet);
		if (sequence_after(note.end, c->rcv_nxt)) {
			packet = packet_cut(packet, c->rcv_nxt - note.start);
			if (r->first == NULL)
				tidy(c);
			return packet;
		}
		packet_free(packet);
		if (r->first == NULL) {
			tidy(c);
			return NULL;
		}
	}
	return NULL;
}

bool tcp_reorder_takes_fin(struct tcp_connection *c)
{
	if (c->reorder == NULL || !c->reorder->has_fin || c->reorder->fin != c->rcv_nxt)
		return false;
	tcp_reorder_drop(c);
	return true;
}

/* The block around one of the numbers told: packets that touch. False: it is in order by now. */
static bool block_around(const struct tcp_reorder *r, uint32_t number, struct tcp_block *block)
{
	bool is_inside = false;

	for (const struct packet *at = r->first; at != NULL; at = at->next) {
		const struct reorder_note *note = note_of(at);

		if (at == r->first || note->start != block->end) {
			if (is_inside)
				return true;
			block->start = note->start;
		}
		block->end = note->end;
		is_inside |= sequence_is_within(number, note->start, note->end - 1);
	}
	return is_inside;
}

static bool is_told(const struct tcp_block *blocks, unsigned count, uint32_t start)
{
	for (unsigned i = 0; i < count; i++)
		if (blocks[i].start == start)
			return true;
	return false;
}

unsigned tcp_reorder_blocks(const struct tcp_connection *c, struct tcp_block *blocks, unsigned most)
{
	const struct tcp_reorder *r = c->reorder;
	unsigned count = 0;

	for (unsigned i = 0; i < r->recent_count && count < most; i++) {
		struct tcp_block block = { 0 };

		if (block_around(r, r->recent[i].start, &block) &&
			!is_told(blocks, count, block.start))
			blocks[count++] = block;
	}
	return count;
}

void tcp_reorder_drop(struct tcp_connection *c)
{
	struct packet *packet;

	if (c->reorder == NULL)
		return;
	while ((packet = c->reorder->first) != NULL) {
		unlink_after(c, NULL, packet);
		packet_free(packet);
	}
	end_queue(c);
}
