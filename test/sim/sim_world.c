/*
 * The simulator: a heap of events, and links between the stacks' devices.
 */
#include "test/sim/sim_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "diatom/assert.h"
#include "net/linear.h"
#include "test/sim/sim_frame.h"

struct event {
	instant when;
	uint64_t order; /* events of one instant happen in order of scheduling */
	void (*run)(void *argument);
	void *argument;
	struct sim_host *host; /* or a frame arrives */
	struct packet *frame;
};

static struct {
	instant now;
	uint64_t random, order, digest;
	struct event *events; /* a binary heap */
	size_t count, room;
	struct sim_host *hosts[SIM_HOSTS_MAX];
	unsigned host_count;
	void (*check)(void);
} world;

static bool is_traced; /* across worlds */

/* SplitMix64: small, and every seed is a good one. */
uint32_t sim_random(void)
{
	uint64_t z = world.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z ^ z >> 31);
}

uint32_t sim_between(uint32_t least, uint32_t most)
{
	return least + (uint32_t)(sim_random() % ((uint64_t)most - least + 1));
}

bool sim_chance(uint32_t in_a_million)
{
	return sim_random() % 1000000 < in_a_million;
}

instant sim_now(void)
{
	return world.now;
}

uint64_t sim_digest(void)
{
	return world.digest;
}

static bool is_before(const struct event *a, const struct event *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void swap_events(size_t a, size_t b)
{
	struct event kept = world.events[a];

	world.events[a] = world.events[b];
	world.events[b] = kept;
}

static void schedule(struct event event)
{
	size_t at = world.count++;

	if (at == world.room) {
		world.room = world.room ? world.room * 2 : 64;
		world.events = realloc(world.events, world.room * sizeof(event));
		ASSERT(world.events != NULL);
	}
	event.order = world.order++;
	world.events[at] = event;
	for (; at > 0 && is_before(&world.events[at], &world.events[(at - 1) / 2]);
		at = (at - 1) / 2)
		swap_events(at, (at - 1) / 2);
}

static struct event next_event(void)
{
	struct event first = world.events[0];
	size_t at = 0;

	world.events[0] = world.events[--world.count];
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < world.count &&
				is_before(&world.events[child], &world.events[least]))
				least = child;
		if (least == at)
			return first;
		swap_events(at, least);
		at = least;
	}
}

void sim_start(uint64_t seed)
{
	memset(&world, 0, sizeof(world));
	world.random = seed * UINT64_C(0x2545f4914f6cdd1d) + 1;
	world.now = SECONDS(1);
}

void sim_end(void)
{
	for (size_t i = 0; i < world.count; i++)
		packet_free(world.events[i].frame);
	free(world.events);
	world.events = NULL;
	world.count = world.room = 0;
}

void sim_at(instant when, void (*run)(void *argument), void *argument)
{
	schedule((struct event){ .when = when, .run = run, .argument = argument });
}

void sim_link_perfect(struct sim_link *link)
{
	memset(link, 0, sizeof(*link));
	link->mtu = 1500;
}

void sim_link_random(struct sim_link *link)
{
	static const uint32_t chances[] = { 0, 0, 0, 1000, 20000, 100000 };
	static const uint16_t mtus[] = { 576, 1280, 1500, 1500, 1500, 9000 };

	sim_link_perfect(link);
	link->delay_least = MICROSECONDS(sim_between(1, 2000));
	link->delay_most =
		link->delay_least + MICROSECONDS(sim_chance(500000) ? 0 : sim_between(0, 3000));
	link->loss = chances[sim_between(0, 5)];
	link->duplication = chances[sim_between(0, 5)];
	link->damage = chances[sim_between(0, 5)];
	link->split = chances[sim_between(0, 5)];
	link->mtu = mtus[sim_between(0, 5)];
	link->features = sim_chance(500000) ? NETDEV_CHECKSUM : 0;
}

static void trace(const struct packet *frame, const char *fate)
{
	if (is_traced)
		sim_frame_print(world.now, packet_view(frame), fate);
}

/* Loss, one by one and in bursts. */
static bool is_lost(struct sim_link *link, const struct packet *frame)
{
	if (world.now >= link->burst_until && sim_chance(link->burst))
		link->burst_until = world.now + sim_between(1, (uint32_t)link->burst_most);
	return link->is_cut || world.now < link->burst_until || sim_chance(link->loss) ||
	       (link->mtu_through != 0 && frame->length > link->mtu_through + 14u);
}

/* When the frame is through the sender's queue, or FOREVER if that is full. Marks it when half full. */
static instant queued(struct sim_link *link, struct sim_host *from, struct packet *frame)
{
	uint64_t waiting;

	if (link->bytes_a_second == 0)
		return world.now;
	if (from->sending_until < world.now)
		from->sending_until = world.now;
	waiting = (uint64_t)(from->sending_until - world.now) * link->bytes_a_second / 1000000000;
	if (waiting + frame->length > link->queue_bytes)
		return FOREVER;
	if (waiting > link->queue_bytes / 2)
		sim_frame_mark(frame);
	from->sending_until +=
		(duration)(frame->length * UINT64_C(1000000000) / link->bytes_a_second);
	return from->sending_until;
}

/* Brings a copy of the frame to one receiver's end of the link, with all that may happen on the way. */
static void carry(
	struct sim_link *link, const struct packet *frame, struct sim_host *to, instant leaves)
{
	uint32_t spread = (uint32_t)(link->delay_most - link->delay_least);
	struct packet *copy;
	instant arrives;

	if (is_lost(link, frame)) {
		link->lost++;
		trace(frame, "lost");
		return;
	}
	copy = sim_frame_copy(frame);
	/* ARP has no checksum of its own: a wrong address would be believed for a minute. */
	if (sim_chance(link->damage) && be16_at(copy->data + 12) != ETHERNET_ARP) {
		copy->data[sim_between(0, copy->length - 1)] ^= (uint8_t)(1 << sim_between(0, 7));
		link->damaged++;
		trace(frame, "damaged");
	}
	if (sim_chance(link->split))
		copy = sim_frame_split(copy);
	link->carried++;
	arrives = leaves + link->delay_least + sim_between(0, spread);
	if (sim_chance(link->late))
		arrives += link->late_by;
	schedule((struct event){ .when = arrives, .host = to, .frame = copy });
}

static void add_to_digest(const struct packet *frame)
{
	for (uint32_t i = 0; i < frame->length; i++)
		world.digest = (world.digest ^ frame->data[i]) * UINT64_C(0x100000001b3);
	world.digest ^= (uint64_t)world.now;
}

/* One frame as the wire sees it: in one buffer, short enough, its checksum complete. */
static void put_on_wire(struct packet *frame, void *argument)
{
	struct sim_host *from = argument;
	struct sim_link *link = from->link;
	instant leaves;

	/* What a stack must never do. */
	ASSERT(frame->length >= 14 && frame->length <= link->mtu + 14u);
	add_to_digest(frame);
	if (link->tap != NULL && !link->tap(link, frame->data, frame->length))
		return;
	leaves = queued(link, from, frame);
	trace(frame, leaves == FOREVER ? "queue full" : "");
	for (unsigned i = 0; i < link->host_count && leaves != FOREVER; i++) {
		if (link->hosts[i] == from)
			continue;
		carry(link, frame, link->hosts[i], leaves);
		if (sim_chance(link->duplication)) {
			link->duplicated++;
			carry(link, frame, link->hosts[i], leaves);
		}
	}
}

static void sim_transmit(struct netdev *device, struct packet *frame)
{
	struct sim_host *from = CONTAINER_OF(device, struct sim_host, device);

	ASSERT(!(frame->flags & PACKET_CHECKSUM_PARTIAL) || device->features & NETDEV_CHECKSUM);
	ASSERT(frame->segmentation == SEGMENT_NONE || device->features & NETDEV_SEGMENT_TCP);
	sim_frame_finish(frame, put_on_wire, from);
	packet_free(frame);
}

static unsigned sim_receive(struct netdev *device, struct packet_queue *frames, unsigned most)
{
	return 0; /* the world hands frames over itself */
}

static void sim_flush(struct netdev *device)
{
}

static bool sim_prepare_sleep(struct netdev *device)
{
	return false;
}

static const struct netdev_ops sim_ops = {
	.receive = sim_receive,
	.transmit = sim_transmit,
	.flush = sim_flush,
	.prepare_sleep = sim_prepare_sleep,
};

void sim_station_start(
	struct sim_host *host, struct sim_link *link, uint8_t number, const char *name)
{
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, number };

	memset(&host->device, 0, sizeof(host->device));
	host->device.ops = &sim_ops;
	host->device.name = name;
	memcpy(host->device.mac, mac, sizeof(mac));
	host->device.mtu = link->mtu;
	host->device.features = link->features;
	host->link = link;
	host->sending_until = 0;
	host->arrive = NULL;
	ASSERT(link->host_count < SIM_HOSTS_MAX);
	link->hosts[link->host_count++] = host;
}

void sim_host_start(
	struct sim_host *host, struct sim_link *link, uint8_t number, const char *prefix_text)
{
	struct prefix prefix;

	sim_station_start(host, link, number, prefix_text);
	ASSERT(world.host_count < SIM_HOSTS_MAX);
	world.hosts[world.host_count++] = host;
	net_stack_init(&host->stack, &host->device, sim_random, world.now);
	ASSERT(prefix_parse(&prefix, prefix_text) == OK);
	if (address_is_v4(&prefix.address))
		ASSERT(net_stack_add_address(&host->stack, &prefix) == OK);
	else /* with a gateway that nobody is: routers are not asked for */
		ASSERT(ipv6_start(&host->ipv6, &host->stack, prefix_text, "fe80::1") == OK);
}

void sim_host_end(struct sim_host *host)
{
	for (unsigned i = 0; i < NEIGHBOUR_COUNT; i++)
		if (host->stack.neighbours.entries[i].state != NEIGHBOUR_FREE)
			neighbour_remove(
				&host->stack.neighbours, &host->stack.neighbours.entries[i]);
	/* All fragments are overdue at the end of time; nobody hears the errors. */
	host->link->host_count = 0;
	host->stack.now = FOREVER;
	reassembly_tick(&host->stack);
	for (unsigned i = 0; i < NEIGHBOUR_COUNT; i++)
		if (host->stack.neighbours.entries[i].state != NEIGHBOUR_FREE)
			neighbour_remove(
				&host->stack.neighbours, &host->stack.neighbours.entries[i]);
}

static void hand_in(struct sim_host *host, struct packet *frame)
{
	struct packet_queue frames = { 0 };

	if (host->arrive != NULL) {
		host->arrive(host, frame);
		return;
	}
	packet_queue_put(&frames, frame);
	net_stack_input(&host->stack, &frames, world.now);
}

void sim_inject(struct sim_host *host, const void *frame, size_t length)
{
	struct packet *packet = linear_alloc(length);

	ASSERT(packet != NULL);
	if (length > 0)
		memcpy(packet->data, frame, length);
	hand_in(host, packet);
}

void sim_emit(struct sim_host *from, const void *frame, size_t length)
{
	struct packet *packet = linear_alloc(length);

	ASSERT(packet != NULL);
	memcpy(packet->data, frame, length);
	put_on_wire(packet, from);
	packet_free(packet);
}

/* The host whose stack wants its tick first, or NULL. */
static struct sim_host *first_due(void)
{
	struct sim_host *first = NULL;

	for (unsigned i = 0; i < world.host_count; i++)
		if (first == NULL || world.hosts[i]->stack.deadline < first->stack.deadline)
			first = world.hosts[i];
	return first != NULL && first->stack.deadline != FOREVER ? first : NULL;
}

static void happen(struct event event)
{
	if (event.frame != NULL)
		hand_in(event.host, event.frame);
	else
		event.run(event.argument);
}

bool sim_run(instant when, bool (*is_done)(void *argument), void *argument)
{
	while (is_done == NULL || !is_done(argument)) {
		struct sim_host *due = first_due();
		instant tick = due ? due->stack.deadline : FOREVER;
		instant event = world.count > 0 ? world.events[0].when : FOREVER;
		instant next = tick < event ? tick : event;

		if (next > when || next == FOREVER) {
			world.now = when > world.now ? when : world.now;
			return false;
		}
		world.now = next > world.now ? next : world.now;
		if (tick < event)
			net_stack_tick(&due->stack, world.now);
		else
			happen(next_event());
		if (world.check != NULL)
			world.check();
	}
	return true;
}

void sim_trace(bool is_on)
{
	is_traced = is_on;
	setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow the last lines */
}

void sim_check_always(void (*check)(void))
{
	world.check = check;
}

size_t sim_packets(void)
{
	size_t used = 0;

	for (const struct pool *pool = pool_first(); pool != NULL; pool = pool->next_pool)
		if (strstr(pool->name, "packet") != NULL)
			used += pool->used;
	return used;
}
