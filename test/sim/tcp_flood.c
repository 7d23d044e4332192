/*
 * A flood that fills half the link towards a server, and clients behind the same link that want something.
 *
 *     clients, flood 10.0.0.1 ---- 1 MB/s each way ---- 10.0.0.2 server, port 7
 *
 * Each client connects, asks with 100 bytes, gets 20,000, and begins anew after a pause; together they want
 * a third of what the link carries. What they get in virtual time with a flood is compared with what they
 * get without.
 */
#include "diatom/counter.h"
#include "net/udp.h"
#include "test/check.h"
#include "test/sim/sim_tcp.h"
#include "wire/ipv4.h"
#include "wire/udp.h"

enum {
	CLIENTS = 16,
	REQUEST = 100,
	REPLY = 20000,
	LINK_BYTES = 1000000, /* a second */
	FLOOD_FRAME = 60,
};

#define RUN_TIME     SECONDS(4)
#define PAUSE	     MILLISECONDS(900)
#define FLOOD_PERIOD (SECONDS(1) * FLOOD_FRAME / (LINK_BYTES / 2))

struct client {
	struct tcp_connection *c;
	uint32_t received;
};

static struct sim_link wire;
static struct sim_tcp near, far;
static struct tcp_port port;
static struct client clients[CLIENTS];
static unsigned replies;
static uint8_t bytes[REPLY];
static uint8_t flood_flags; /* of TCP; 0: UDP */

/* So that there is UDP in this program, though nobody has a socket. */
__attribute__((used)) static void (*const udp)(
	struct net_stack *, struct packet *, const struct ip_arrival *) = udp_input;

/* --- the server: each connection is an object of its own, and needs no other state --- */

static void serve(struct tcp_connection *c)
{
	if (c->received_bytes >= REQUEST) {
		tcp_connection_consume(c, c->received_bytes);
		CHECK_EQUAL(tcp_connection_copy(c, view_of(bytes, REPLY)), REPLY);
		tcp_connection_release(c); /* the FIN follows the reply */
	} else if (c->error != OK || c->is_fin_received) {
		tcp_connection_release(c);
	}
}

static void accept_all(struct tcp_port *ready)
{
	struct tcp_connection *c;

	while ((c = tcp_port_accept(ready)) != NULL)
		if (c->received_bytes > 0 || c->error != OK)
			serve(c);
}

/* --- clients --- */

static void ask(void *argument)
{
	struct client *client = argument;
	struct endpoint to = { address_v4(0x0a000002), 7 };

	net_stack_set_time(&near.host.stack, sim_now());
	client->received = 0;
	CHECK(tcp_connection_open(&near.tcp, &to, &client->c) == OK);
}

static void over(struct client *client)
{
	struct tcp_connection *c = client->c;

	client->c = NULL;
	tcp_connection_release(c);
	sim_at(sim_now() + PAUSE, ask, client);
}

static void go_on(struct tcp_connection *c)
{
	struct client *client = clients;

	while (client->c != c)
		client++;
	if (c->flow.ends.state == TCP_ESTABLISHED && c->bytes_acknowledged == 0 &&
		c->snd_end == c->snd_una) {
		tcp_connection_copy(c, view_of(bytes, REQUEST));
		tcp_output(c);
	}
	client->received += c->received_bytes;
	tcp_connection_consume(c, c->received_bytes);
	if (c->is_fin_received || c->error != OK) {
		replies += client->received == REPLY;
		over(client);
	}
}

/* --- the flood --- */

static size_t flood_text(uint8_t *payload, uint32_t source, uint32_t target)
{
	uint16_t from = (uint16_t)(1024 + sim_random() % 60000);

	if (flood_flags == 0) {
		struct udp_header header = {
			.source_port = from, .destination_port = 9, .length = 26
		};

		udp_emit(payload, &header);
		return 26;
	}
	tcp_emit_header(payload, &(struct tcp_header){ .source_port = from,
					 .destination_port = 7,
					 .sequence = sim_random(),
					 .acknowledgment = sim_random(),
					 .flags = flood_flags,
					 .window = 1024,
					 .header_length = 24 });
	memcpy(payload + 20, (const uint8_t[]){ 2, 4, 5, 180 }, 4); /* MSS 1460 */
	checksum_store(payload + TCP_CHECKSUM_OFFSET,
		checksum_add(checksum_pseudo_v4(source, target, IP_TCP, 24), payload, 24));
	return 24;
}

static void flood(void *argument)
{
	uint32_t source = 0x0b000000 + sim_random() % 0x1000000, target = 0x0a000002;
	uint8_t frame[FLOOD_FRAME] = { 0 };
	struct ipv4_header ip = { .source = source,
		.destination = target,
		.ttl = 64,
		.protocol = flood_flags ? IP_TCP : IP_UDP };

	ip.total_length = (uint16_t)(20 + flood_text(frame + 34, source, target));
	ethernet_emit(frame, far.host.device.mac, near.host.device.mac, ETHERNET_IPV4);
	ipv4_emit(frame + 14, &ip);
	sim_emit(&near.host, frame, sizeof(frame));
	sim_at(sim_now() + FLOOD_PERIOD, flood, NULL);
}

/* --- with and without --- */

static void start(void)
{
	const struct address gateway = address_v4(0x0a000001);
	const struct prefix all = { .address = address_v4(0), .bits = 0 };

	sim_start(7);
	sim_link_perfect(&wire);
	wire.bytes_a_second = LINK_BYTES;
	wire.queue_bytes = 100000;
	wire.delay_least = wire.delay_most = MILLISECONDS(5);
	sim_tcp_start(&near, &wire, 1, "10.0.0.1/24");
	sim_tcp_start(&far, &wire, 2, "10.0.0.2/24");
	CHECK(net_stack_add_route(&far.host.stack, &all, &gateway) == OK);
	near.tcp.notify = go_on;
	far.tcp.notify = serve;
	far.tcp.limits.half_open = 200;
	far.tcp.limits.memory = MEBIBYTES(2);
	memset(&port, 0, sizeof(port));
	port.ready = accept_all;
	CHECK(tcp_port_listen(&far.tcp, &port, 7) == OK);
	replies = 0;
}

static void stop(void)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (clients[i].c != NULL)
			tcp_connection_release(clients[i].c);
		clients[i].c = NULL;
	}
	tcp_port_close(&port);
	sim_tcp_end(&near);
	sim_tcp_end(&far);
	sim_end();
}

/* How many replies came whole; `flags` of the flood, or none at all. */
static unsigned replies_in(bool is_flooded, uint8_t flags)
{
	start();
	flood_flags = flags;
	if (is_flooded)
		sim_at(sim_now(), flood, NULL);
	for (unsigned i = 0; i < CLIENTS; i++)
		sim_at(sim_now() + MILLISECONDS(300 + 37 * i), ask, &clients[i]);
	sim_run(sim_now() + RUN_TIME, NULL, NULL);
	CHECK(far.tcp.memory <= far.tcp.limits.memory && far.tcp.half_open <= 200);
	stop();
	return replies;
}

static void good_clients_keep_their_share(void)
{
	static const struct {
		uint8_t flags;
		const char *counted; /* each frame of the flood */
	} rows[] = {
		{ TCP_SYN, "tcp.rx_syns" },
		{ TCP_ACK, "tcp.rx_ignored" },
		{ TCP_RST, "tcp.rx_ignored" },
		{ TCP_FIN | TCP_ACK, "tcp.rx_ignored" },
		{ 0, "udp.rx_no_port" },
	};
	unsigned quiet = replies_in(false, 0);

	CHECK(quiet >= CLIENTS * 3);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t before = counter_value(rows[i].counted), counted;
		unsigned flooded = replies_in(true, rows[i].flags);

		counted = counter_value(rows[i].counted) - before;
		if (flooded * 10 < quiet * 7 ||
			counted < (uint64_t)(RUN_TIME / FLOOD_PERIOD) * 9 / 10)
			CHECK_FAIL("row %zu: %u replies, %u without the flood; %llu counted", i,
				flooded, quiet, (unsigned long long)counted);
	}
}

int main(void)
{
	return RUN(TEST(good_clients_keep_their_share));
}
