/*
 * The path's MTU changes in the middle of a connection that sends some text each second: downwards without a
 * word, and upwards again.
 *
 *     10.0.0.1 ---- link, longer packets vanish ---- 10.0.0.2, port 7
 */
#include "diatom/counter.h"
#include "test/check.h"
#include "test/sim/sim_tcp.h"

static struct sim_link wire;
static struct sim_tcp near, far;
static struct tcp_port port;
static struct tcp_connection *sender, *reader;
static uint64_t taken, written;
static uint8_t bytes[30000];

static void read_all(struct tcp_connection *c)
{
	while (c == reader && c->received.first != NULL) {
		struct view part = packet_view(c->received.first);

		for (size_t i = 0; i < part.length; i++, taken++)
			CHECK(part.data[i] == sim_stream_byte(1, taken));
		tcp_connection_consume(c, part.length);
	}
}

static void accept_one(struct tcp_port *ready)
{
	reader = tcp_port_accept(ready);
}

static void write_some(void *argument)
{
	size_t length = tcp_connection_room(sender);

	length = length < sizeof(bytes) ? length : sizeof(bytes);
	net_stack_set_time(&near.host.stack, sim_now());
	for (size_t i = 0; i < length; i++)
		bytes[i] = sim_stream_byte(1, written + i);
	written += tcp_connection_copy(sender, view_of(bytes, length));
	tcp_output(sender);
	sim_at(sim_now() + SECONDS(1), write_some, NULL);
}

static void check(void)
{
	if (sender != NULL)
		sim_tcp_check(sender);
}

static void start(uint16_t through)
{
	struct endpoint to = { address_v4(0x0a000002), 7 };

	sim_start(3);
	sim_link_perfect(&wire);
	wire.delay_least = wire.delay_most = MILLISECONDS(5);
	wire.mtu_through = through;
	sim_tcp_start(&near, &wire, 1, "10.0.0.1/24");
	sim_tcp_start(&far, &wire, 2, "10.0.0.2/24");
	far.tcp.notify = read_all;
	memset(&port, 0, sizeof(port));
	port.ready = accept_one;
	taken = written = 0;
	CHECK(tcp_port_listen(&far.tcp, &port, 7) == OK);
	CHECK(tcp_connection_open(&near.tcp, &to, &sender) == OK);
	sim_check_always(check);
	sim_at(sim_now() + SECONDS(1), write_some, NULL);
}

static void stop(void)
{
	CHECK(taken > 0 && written - taken <= 4 * sizeof(bytes));
	sim_check_always(NULL);
	tcp_connection_abort(sender);
	tcp_connection_release(sender);
	sender = NULL;
	tcp_connection_abort(reader);
	tcp_connection_release(reader);
	reader = NULL;
	tcp_port_close(&port);
	sim_tcp_end(&near);
	sim_tcp_end(&far);
	sim_end();
}

static void run(duration time)
{
	sim_run(sim_now() + time, NULL, NULL);
}

/* Ten minutes after it was found too small the path has become what row says: it is found, with a gain below
 * what is worth a search, and lost probes are no congestion. */
static void path_is_searched_upwards(void)
{
	static const struct {
		uint16_t through, least; /* MTUs; 0: the link's */
	} rows[] = { { 0, 1500 }, { 1499, 1430 }, { 1400, 1336 }, { 1200, 1136 }, { 1050, 1024 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned timeouts;
		uint16_t mtu;

		start(1100);
		run(SECONDS(60));
		CHECK_EQUAL(sender->mss, 1024 - 40); /* the black hole was found */
		wire.mtu_through = rows[i].through;
		timeouts = sender->timeouts;
		run(SECONDS(500));
		CHECK_EQUAL(sender->mss, 1024 - 40);
		run(SECONDS(120));
		mtu = sender->mss + 40;
		if (mtu < rows[i].least || mtu > (rows[i].through ? rows[i].through : 1500))
			CHECK_FAIL("row %zu: %u", i, mtu);
		CHECK_EQUAL(sender->timeouts, timeouts);
		CHECK(sender->congestion.window > 20000);
		stop();
	}
}

/* It shrinks again after it was raised: the black hole is found as before. */
static void raised_path_shrinks(void)
{
	start(1100);
	run(SECONDS(700));
	CHECK(sender->mss >= 1024 - 40 && sender->mss <= 1100 - 40);
	wire.mtu_through = 0;
	run(SECONDS(700));
	CHECK_EQUAL(sender->mss, 1460);
	wire.mtu_through = 1100;
	run(SECONDS(60));
	CHECK_EQUAL(sender->mss, 1024 - 40);
	stop();
}

/* Who has what the link takes never probes. */
static void full_path_is_left_alone(void)
{
	uint64_t before = counter_value("tcp.tx_path_probes");

	start(0);
	run(SECONDS(700));
	CHECK_EQUAL(counter_value("tcp.tx_path_probes"), before);
	stop();
}

int main(void)
{
	return RUN(TEST(path_is_searched_upwards), TEST(raised_path_shrinks),
		TEST(full_path_is_left_alone));
}
