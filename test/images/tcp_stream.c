/*
 * A sink and a source of TCP streams, for tests and benchmarks: port 9 takes all (RFC 863), port 19 sends
 * until the peer has enough, from read-only memory (RFC 864).
 */
#include <diatom/fiber.h>
#include <diatom/log.h>
#include <diatom/tcp.h>

DIATOM_NET(eth0);

#define PAGE_BYTES (1 << 20)
static const uint8_t page[PAGE_BYTES] = { [0 ... PAGE_BYTES - 1] = 'x' };

static void sink(void *connection)
{
	struct tcp *c = connection;
	struct view bytes;
	uint64_t total = 0;

	while (tcp_read(c, &bytes, FOREVER) == OK)
		total += bytes.length;
	log_info("sink", "%llu bytes", (unsigned long long)total);
	tcp_close(c);
}

static void source(void *connection)
{
	struct tcp *c = connection;
	struct tcp_piece piece = { .bytes = { page, sizeof(page) }, .is_kept = true };
	struct tcp_info info;

	while (tcp_writev(c, &piece, 1, in_seconds(60)) == OK)
		;
	tcp_info(c, &info);
	log_info("source", "%llu bytes, rtt %u us, window %u, %u sent again, %u timeouts",
		(unsigned long long)info.bytes_acknowledged, info.rtt_us, info.congestion_window,
		info.retransmissions, info.timeouts);
	tcp_close(c);
}

struct service {
	uint16_t port;
	void (*run)(void *connection);
};

static void serve(void *argument)
{
	struct service *service = argument;
	struct tcp_listener *l = tcp_listen(&eth0, service->port);
	struct fiber *fiber;
	struct tcp *c;

	while (l != NULL && tcp_accept(l, &c, FOREVER) == OK) {
		fiber = fiber_start("connection", service->run, c);
		if (fiber != NULL)
			fiber_detach(fiber);
		else
			tcp_abort(c);
	}
}

int main(void)
{
	static struct service services[] = { { 9, sink }, { 19, source } };

	for (unsigned i = 0; i < ARRAY_LEN(services); i++)
		fiber_detach(fiber_start("listener", serve, &services[i]));
	finish_wait(FOREVER);
	return tcp_finish(&eth0, in_seconds(2)) != OK;
}
