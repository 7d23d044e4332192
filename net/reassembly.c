/*
 * Reassembly. The datagrams in progress stand in one list, oldest first, so that the first to expire
 * and the first to be sacrificed is its head. Where a fragment belongs is noted in its own buffer.
 */
#include "net/reassembly.h"

#include "diatom/assert.h"
#include "diatom/counter.h"
#include "diatom/memory.h"
#include "net/ip.h"
#include "net/linear.h"
#include "net/note.h"
#include "net/stack.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

COUNTER(rx_fragments, "fragment.rx", "fragments received");
COUNTER(rx_whole, "fragment.rx_whole", "datagrams put together");
COUNTER(rx_malformed, "fragment.rx_malformed", "fragments dropped: impossible offset or length");
COUNTER(rx_duplicate, "fragment.rx_duplicate", "fragments dropped: had it already");
COUNTER(rx_overlap, "fragment.rx_overlap", "datagrams dropped: fragments overlap or contradict");
COUNTER(rx_poisoned, "fragment.rx_poisoned", "fragments dropped: their datagram had an overlap");
COUNTER(rx_timed_out, "fragment.rx_timed_out", "datagrams dropped: incomplete after 60 s");
COUNTER(rx_evicted, "fragment.rx_evicted", "datagrams dropped: a limit of reassembly was reached");

/* In the buffer of a waiting fragment. */
struct fragment_note {
	uint32_t offset, end; /* of the datagram's payload */
	uint8_t protocol;
	struct ip_arrival arrival; /* kept of the first fragment, for errors and delivery */
};

void reassembly_init(struct reassembly *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned i = REASSEMBLY_DATAGRAMS; i-- > 0;) {
		r->datagrams[i].next = r->free_list;
		r->free_list = &r->datagrams[i];
	}
}

static const struct fragment_note *note_of(const struct packet *packet)
{
	return packet_note(packet, sizeof(struct fragment_note));
}

static void drop_fragments(struct reassembly *r, struct reassembly_datagram *d)
{
	while (d->first != NULL) {
		struct packet *packet = d->first;

		d->first = packet->next;
		packet->next = NULL;
		packet_free(packet);
	}
	d->last = NULL;
	r->held_bytes -= d->held_bytes;
	d->held_bytes = 0;
}

static void forget(struct reassembly *r, struct reassembly_datagram *d)
{
	struct reassembly_datagram **link = &r->oldest;

	drop_fragments(r, d);
	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	d->next = r->free_list;
	r->free_list = d;
}

static uint8_t protocol_of(
	const struct ip_arrival *arrival, const struct reassembly_fragment *fragment)
{
	return address_is_v4(&arrival->source) ? fragment->protocol : 0;
}

static bool is_of(const struct reassembly_datagram *d, const struct ip_arrival *arrival,
	const struct reassembly_fragment *fragment)
{
	return d->id == fragment->id && address_equal(&d->source, &arrival->source) &&
	       address_equal(&d->destination, &arrival->destination) &&
	       d->protocol == protocol_of(arrival, fragment);
}

/* The datagram in progress that the fragment belongs to, or a new one. */
static struct reassembly_datagram *datagram_for(struct net_stack *stack,
	const struct ip_arrival *arrival, const struct reassembly_fragment *fragment)
{
	struct reassembly *r = &stack->reassembly;
	struct reassembly_datagram **link = &r->oldest, *d, *oldest_of_source = NULL;
	unsigned of_source = 0;

	for (; *link != NULL; link = &(*link)->next) {
		if (is_of(*link, arrival, fragment))
			return *link;
		if (address_equal(&(*link)->source, &arrival->source) && of_source++ == 0)
			oldest_of_source = *link;
	}
	if (of_source >= REASSEMBLY_SOURCE_MAX || r->free_list == NULL) {
		forget(r, of_source >= REASSEMBLY_SOURCE_MAX ? oldest_of_source : r->oldest);
		count(&rx_evicted);
		for (link = &r->oldest; *link != NULL; link = &(*link)->next)
			;
	}
	d = r->free_list;
	r->free_list = d->next;
	memset(d, 0, sizeof(*d));
	d->source = arrival->source;
	d->destination = arrival->destination;
	d->id = fragment->id;
	d->protocol = protocol_of(arrival, fragment);
	d->deadline = instant_after(stack->now, REASSEMBLY_TIME);
	net_stack_wake_at(stack, d->deadline);
	*link = d;
	return d;
}

/* RFC 791: all but the last are multiples of 8; none is empty, none ends beyond the largest datagram. */
static bool is_possible(const struct ip_arrival *arrival,
	const struct reassembly_fragment *fragment, uint32_t length)
{
	uint32_t most = address_is_v4(&arrival->source) ? IPV4_BYTES_MAX - IPV4_HEADER_BYTES
							: IPV6_PAYLOAD_MAX;

	if (length == 0 || (fragment->more && length % 8 != 0))
		return false;
	return fragment->offset + length <= most;
}

enum fit { FIT_NEW, FIT_DUPLICATE, FIT_CONFLICT };

/* Where does [offset, end) go? *after: the fragment before it, NULL if it becomes the first. */
static enum fit find_place(
	const struct reassembly_datagram *d, uint32_t offset, uint32_t end, struct packet **after)
{
	*after = NULL;
	if (d->last != NULL && note_of(d->last)->end <= offset) {
		*after = d->last;
		return FIT_NEW;
	}
	for (struct packet *p = d->first; p != NULL; p = p->next) {
		const struct fragment_note *note = note_of(p);

		if (note->offset == offset && note->end == end)
			return FIT_DUPLICATE;
		if (note->offset >= end)
			return FIT_NEW;
		if (note->end > offset)
			return FIT_CONFLICT;
		*after = p;
	}
	return FIT_NEW;
}

/* Does the fragment contradict what is known of the datagram's length? */
static bool length_contradicts(const struct reassembly_datagram *d, bool more, uint32_t end)
{
	if (more)
		return d->total != 0 && end >= d->total;
	return (d->total != 0 && end != d->total) ||
	       (d->last != NULL && note_of(d->last)->end > end);
}

static void insert(struct reassembly *r, struct reassembly_datagram *d, struct packet *packet,
	struct packet *after)
{
	struct packet **link = after ? &after->next : &d->first;

	packet->next = *link;
	*link = packet;
	if (packet->next == NULL)
		d->last = packet;
	d->received += packet->length;
	d->held_bytes += packet->capacity;
	r->held_bytes += packet->capacity;
}

/* All bytes are here: one linear packet. */
static struct packet *join(const struct reassembly_datagram *d)
{
	struct packet *whole = linear_alloc(d->total);
	uint8_t *out;

	ASSERT(d->first != NULL);
	if (whole == NULL)
		return NULL;
	out = whole->data;
	for (const struct packet *p = d->first; p != NULL; p = p->next) {
		memcpy(out, p->data, p->length);
		out += p->length;
	}
	return whole;
}

static void deliver(struct net_stack *stack, struct reassembly_datagram *d)
{
	struct packet *whole = join(d);
	struct ip_arrival arrival = note_of(d->first)->arrival;
	uint8_t next = note_of(d->first)->protocol;

	forget(&stack->reassembly, d);
	if (whole == NULL)
		return; /* counted by linear_alloc */
	count(&rx_whole);
	ip_deliver_joined(stack, whole, &arrival, next);
}

/* Makes room for the buffers of one more fragment of `keep`; false if it alone has too many. */
static bool make_room(struct reassembly *r, struct reassembly_datagram *keep, uint32_t bytes)
{
	if (keep->held_bytes + bytes > REASSEMBLY_BYTES_EACH)
		return false;
	while (r->held_bytes + bytes > REASSEMBLY_BYTES) {
		struct reassembly_datagram *d = r->oldest;

		while (d != NULL && (d == keep || d->held_bytes == 0))
			d = d->next;
		if (d == NULL)
			return false;
		forget(r, d);
		count(&rx_evicted);
	}
	return true;
}

static void accept(struct net_stack *stack, struct packet *packet, const struct ip_arrival *arrival,
	const struct reassembly_fragment *fragment)
{
	struct reassembly *r = &stack->reassembly;
	struct reassembly_datagram *d = datagram_for(stack, arrival, fragment);
	struct fragment_note *note = packet_note(packet, sizeof(*note));
	uint32_t offset = fragment->offset, end = offset + packet->length;
	struct packet *after;
	enum fit fit = find_place(d, offset, end, &after);

	if (d->is_poisoned || fit == FIT_DUPLICATE) {
		count(d->is_poisoned ? &rx_poisoned : &rx_duplicate);
		packet_free(packet);
		return;
	}
	if (fit == FIT_CONFLICT || length_contradicts(d, fragment->more, end)) {
		count(&rx_overlap);
		d->is_poisoned = true;
		drop_fragments(r, d);
		packet_free(packet);
		return;
	}
	if (!make_room(r, d, packet->capacity)) {
		count(&rx_evicted);
		forget(r, d);
		packet_free(packet);
		return;
	}
	*note = (struct fragment_note){ offset, end, fragment->protocol, *arrival };
	insert(r, d, packet, after);
	if (!fragment->more)
		d->total = end;
	if (d->total != 0 && d->received == d->total)
		deliver(stack, d);
}

void reassembly_input(struct net_stack *stack, struct packet *packet,
	const struct ip_arrival *arrival, const struct reassembly_fragment *fragment)
{
	count(&rx_fragments);
	if (!is_possible(arrival, fragment, packet->total_length)) {
		count(&rx_malformed);
		packet_free(packet);
		return;
	}
	/* The note must not lie on the header that an error message may quote. */
	packet_push(packet, arrival->quoted_bytes);
	packet = linear_from(packet, sizeof(struct fragment_note) + 8);
	if (packet == NULL)
		return;
	packet_pull(packet, arrival->quoted_bytes);
	accept(stack, packet, arrival, fragment);
}

static void time_out(struct net_stack *stack, struct reassembly_datagram *d)
{
	const struct packet *first = d->first;

	if (!d->is_poisoned)
		count(&rx_timed_out);
	/* RFC 792, RFC 1122 3.3.2, RFC 8200 4.5: only if fragment zero is here. */
	if (first != NULL && note_of(first)->offset == 0)
		ip_report_incomplete(stack, first, &note_of(first)->arrival);
	forget(&stack->reassembly, d);
}

void reassembly_tick(struct net_stack *stack)
{
	struct reassembly *r = &stack->reassembly;

	while (r->oldest != NULL && r->oldest->deadline <= stack->now)
		time_out(stack, r->oldest);
	if (r->oldest != NULL)
		net_stack_wake_at(stack, r->oldest->deadline);
}
