/*
 * Steps of a connection. See stream.h.
 */
#include "lib/dns/stream.h"

#include "diatom/counter.h"

#define TRANSFER_SEND_BYTES    (4 * STREAM_OUT_BYTES)
#define TRANSFER_MESSAGE_BYTES (DNS_POINTER_MAX + 1) /* names beyond can't be pointed to */
#define ANSWER_SEND_BYTES      (STREAM_OUT_BYTES + STREAM_ANSWERS)

COUNTER(accepted, "dns.tcp_connections", "TCP connections accepted");
COUNTER(no_memory, "dns.tcp_no_memory", "TCP connections ended: no memory");
COUNTER(evicted, "dns.tcp_evicted", "idle TCP connections ended: others wanted their place");
COUNTER(greedy, "dns.tcp_greedy", "TCP connections ended: too many answers wait for slow clients");
COUNTER(bad_frames, "dns.tcp_bad_frames",
	"TCP connections ended: a length or message that is none");
COUNTER(idle, "dns.tcp_idle", "TCP connections ended: no query came in time");
COUNTER(slow_queries, "dns.tcp_slow_queries", "TCP connections ended: a query took too long");
COUNTER(slow_readers, "dns.tcp_slow_readers", "TCP connections ended: answers were not read");
COUNTER(transferred, "dns.transfers", "zone transfers sent");
COUNTER(transfer_refused, "dns.transfers_refused", "zone transfers refused: the address may not");
COUNTER(transfer_busy, "dns.transfers_busy", "zone transfers refused: too many at once");
COUNTER(transfer_failed, "dns.transfers_failed", "zone transfers that ended early");

static struct pool pool = POOL("dns streams", sizeof(struct dns_stream), 0);
static struct pool transfers = POOL("dns transfers", sizeof(struct dns_transfer), 0);

/* --- the order by age --- */

static void unlink_stream(struct dns_stream *s)
{
	struct dns_streams *streams = s->owner;

	*(s->newer != NULL ? &s->newer->older : &streams->newest) = s->older;
	*(s->older != NULL ? &s->older->newer : &streams->oldest) = s->newer;
}

static void link_newest(struct dns_stream *s)
{
	struct dns_streams *streams = s->owner;

	s->newer = NULL;
	s->older = streams->newest;
	*(s->older != NULL ? &s->older->newer : &streams->oldest) = s;
	streams->newest = s;
}

/* --- the end --- */

static void end_transfer(struct dns_stream *s)
{
	if (s->transfer == NULL)
		return;
	count(s->transfer->is_over ? &transferred : &transfer_failed);
	pool_free(&transfers, s->transfer);
	s->transfer = NULL;
	s->owner->transfers--;
}

static void stream_end(struct dns_stream *s, bool is_abort)
{
	struct dns_streams *streams = s->owner;

	task_cancel(&s->timer);
	end_transfer(s);
	if (is_abort)
		tcp_abort(s->tcp);
	else
		tcp_close(s->tcp);
	unlink_stream(s);
	streams->count--;
	streams->held_bytes -= s->held_bytes;
	pool_free(&pool, s);
	if (streams->is_finishing)
		wake_all(&streams->gone);
}

static void time_is_up(struct task *task)
{
	struct dns_stream *s = CONTAINER_OF(task, struct dns_stream, timer);

	count(s->state == STREAM_IDLE	     ? &idle
		: s->state == STREAM_READING ? &slow_queries
					     : &slow_readers);
	stream_end(s, s->state != STREAM_IDLE);
}

/* Something that breaks the protocol, or memory's end: what waits isn't worth to be sent. */
static enum stream_state fail(struct counter *why)
{
	count(why);
	return STREAM_OVER;
}

/* --- zone transfers --- */

/* Its messages will be the answer (DNS_NOERROR), or the rcode that is. */
static unsigned transfer_begin(struct dns_stream *s, uint16_t id)
{
	struct dns_streams *streams = s->owner;
	const struct dns_zone *zone = server_zone_at(streams->server, &streams->server->query.name);
	struct endpoint client = tcp_remote(s->tcp);

	if (!transfer_is_allowed(streams->options, &client.address)) {
		count(&transfer_refused);
		return DNS_REFUSED;
	}
	if (zone == NULL)
		return DNS_NOTAUTH;
	if (streams->transfers < streams->options->transfers)
		s->transfer = pool_alloc(&transfers);
	if (s->transfer == NULL) {
		count(&transfer_busy);
		return DNS_SERVFAIL;
	}
	streams->transfers++;
	transfer_start(s->transfer, zone, &streams->server->query, id);
	tcp_set(s->tcp, TCP_SEND_BYTES, TRANSFER_SEND_BYTES);
	return DNS_NOERROR;
}

/* --- messages --- */

/* Sends what lies in `out` behind the length. There is room for it. */
static enum stream_state send_message(struct dns_stream *s, size_t length)
{
	uint8_t *out = s->owner->out;

	be16_to(out, (uint16_t)length);
	if (tcp_write(s->tcp, view_of(out, STREAM_FRAME_BYTES + length), AT_ONCE) != OK)
		return fail(&no_memory);
	return STREAM_MOVED;
}

static enum stream_state send_transfer(struct dns_stream *s)
{
	uint8_t *message = s->owner->out + STREAM_FRAME_BYTES;
	size_t length = transfer_next(s->transfer, message, TRANSFER_MESSAGE_BYTES);

	if (length == 0 && !s->transfer->is_over) /* a record that is longer */
		length = transfer_next(s->transfer, message, STREAM_OUT_BYTES - STREAM_FRAME_BYTES);

	if (length > 0)
		return send_message(s, length);
	if (!s->transfer->is_over)
		return STREAM_OVER; /* a record that fits no message; counted as failed */
	end_transfer(s);
	tcp_set(s->tcp, TCP_SEND_BYTES, ANSWER_SEND_BYTES);
	return STREAM_MOVED;
}

/* RFC 7828: our idle time, in tenths of a second, into the OPT that ends the message. */
static size_t add_keepalive(const struct dns_stream *s, uint8_t *message, size_t length)
{
	uint32_t tenths = s->owner->options->idle_ms / 100;

	be16_to(message + length - 2, DNS_OPTION_KEEPALIVE_BYTES);
	be16_to(message + length, DNS_OPTION_KEEPALIVE);
	be16_to(message + length + 2, 2);
	be16_to(message + length + 4, (uint16_t)(tenths < UINT16_MAX ? tenths : UINT16_MAX));
	return length + DNS_OPTION_KEEPALIVE_BYTES;
}

static enum stream_state answer(struct dns_stream *s, struct view query)
{
	struct dns_server *server = s->owner->server;
	uint8_t *message = s->owner->out + STREAM_FRAME_BYTES;
	size_t room = STREAM_OUT_BYTES - STREAM_FRAME_BYTES - DNS_OPTION_KEEPALIVE_BYTES;
	size_t length = dns_answer(server, query, message, room, DNS_LIMIT_TCP);

	if (length == 0)
		return fail(&bad_frames);
	if (server->query.is_transfer) {
		unsigned rcode = transfer_begin(s, be16_at(message));

		if (rcode == DNS_NOERROR)
			return STREAM_MOVED;
		message[3] = (uint8_t)((message[3] & 0xf0) | rcode);
	}
	if (server->query.wants_keepalive)
		length = add_keepalive(s, message, length);
	if (tcp_writable(s->tcp) < STREAM_FRAME_BYTES + length)
		return STREAM_WRITING;
	return send_message(s, length);
}

/* The end of the stream: a half message is an error, everything else is answered and sent. */
static enum stream_state at_end(struct dns_stream *s, enum status status)
{
	if (status == CLOSED && tcp_readable(s->tcp) == 0)
		return STREAM_ENDED;
	return status == CLOSED ? fail(&bad_frames) : STREAM_OVER;
}

static enum stream_state read_query(struct dns_stream *s)
{
	struct view bytes;
	enum status status = tcp_peek(s->tcp, STREAM_FRAME_BYTES, &bytes, AT_ONCE);
	enum stream_state state;
	size_t length;

	if (status == TIMED_OUT)
		return tcp_readable(s->tcp) > 0 ? STREAM_READING : STREAM_IDLE;
	if (status != OK)
		return at_end(s, status);
	length = be16_at(bytes.data);
	if (length < DNS_HEADER_BYTES || length > STREAM_QUERY_BYTES)
		return fail(&bad_frames);
	status = tcp_peek(s->tcp, STREAM_FRAME_BYTES + length, &bytes, AT_ONCE);
	if (status == TIMED_OUT)
		return STREAM_READING;
	if (status != OK)
		return at_end(s, status);
	state = answer(s, view_part(bytes, STREAM_FRAME_BYTES, length));
	if (state == STREAM_WRITING) /* no room for this one: asked again when there is */
		return state;
	tcp_consume(s->tcp, STREAM_FRAME_BYTES + length);
	return state;
}

/*
 * For one more message. Of a transfer that has none under way there may always be one, so that all get on;
 * and while memory is short, a client for whom nothing waits may try with what there is.
 */
static bool has_room(const struct dns_stream *s)
{
	const struct dns_streams *streams = s->owner;
	size_t queued = tcp_queued(s->tcp);
	size_t all = streams->held_bytes - s->held_bytes + queued;

	if (tcp_writable(s->tcp) < STREAM_OUT_BYTES)
		return s->transfer == NULL && queued == 0 && tcp_writable(s->tcp) > 0;
	return s->transfer == NULL || queued == 0 || all <= streams->held_max / 2;
}

/* One message, in or out; or what has to come first. */
static enum stream_state step(struct dns_stream *s)
{
	if (has_room(s))
		return s->transfer != NULL ? send_transfer(s) : read_query(s);
	/* Nothing can be written to a connection that has died, either. */
	if (tcp_write(s->tcp, view_of(NULL, 0), AT_ONCE) != OK)
		return STREAM_OVER;
	return STREAM_WRITING;
}

/* The clock runs on while nothing but the bytes of one message come. */
static void wait_for(struct dns_stream *s, enum stream_state state)
{
	const struct dns_options *options = s->owner->options;

	if (s->state == state && !s->has_moved)
		return;
	s->state = state;
	s->has_moved = false;
	task_at(&s->timer, in_ms(state == STREAM_IDLE	     ? options->idle_ms
				   : state == STREAM_READING ? options->message_ms
							     : options->write_ms));
}

/* Too much waits for clients that don't read: the one that has stood still longest goes. */
static void keep_within(struct dns_streams *streams)
{
	struct dns_stream *s = streams->oldest, *newer;

	for (; s != NULL && streams->held_bytes > streams->held_max; s = newer) {
		newer = s->newer;
		/* Who holds less than others do is not why. */
		if (s->held_bytes < streams->held_bytes / streams->count)
			continue;
		count(&greedy);
		stream_end(s, true);
	}
}

static void note_held(struct dns_stream *s)
{
	size_t held = tcp_held(s->tcp);

	s->owner->held_bytes += held;
	s->owner->held_bytes -= s->held_bytes;
	s->held_bytes = (uint32_t)held;
}

static void pump(struct tcp *tcp, void *argument)
{
	struct dns_stream *s = argument;
	struct dns_streams *streams = s->owner;
	enum stream_state state;

	while ((state = step(s)) == STREAM_MOVED)
		s->has_moved = true;
	/* In the end of all, who has no transfer has no future. */
	if (state == STREAM_IDLE && streams->is_finishing)
		state = STREAM_ENDED;
	if (state == STREAM_OVER || state == STREAM_ENDED) {
		stream_end(s, state == STREAM_OVER);
		return;
	}
	if (s->has_moved) {
		unlink_stream(s);
		link_newest(s);
	}
	note_held(s);
	wait_for(s, state);
	keep_within(streams);
}

/* --- the listener --- */

static void begin(struct dns_streams *streams, struct tcp *tcp)
{
	struct dns_stream *s;

	if (streams->count >= streams->options->connections) {
		count(&evicted);
		stream_end(streams->oldest, streams->oldest->state != STREAM_IDLE);
	}
	s = pool_alloc_zeroed(&pool);
	if (s == NULL) {
		count(&no_memory);
		tcp_abort(tcp);
		return;
	}
	count(&accepted);
	*s = (struct dns_stream){
		.tcp = tcp, .owner = streams, .timer = TASK(time_is_up), .has_moved = true
	};
	streams->count++;
	link_newest(s);
	tcp_set(tcp, TCP_NO_DELAY, 1);
	tcp_set(tcp, TCP_SEND_BYTES, ANSWER_SEND_BYTES);
	tcp_set(tcp, TCP_RECEIVE_BYTES, 2 * STREAM_QUERY_BYTES);
	tcp_set(tcp, TCP_USER_TIMEOUT_MS, streams->options->write_ms);
	wait_for(s, STREAM_IDLE);
	tcp_watch(tcp, pump, s);
}

static void accept_all(struct tcp_listener *listener, void *argument)
{
	struct tcp *tcp;

	while (tcp_accept(listener, &tcp, AT_ONCE) == OK)
		begin(argument, tcp);
}

enum status streams_open(struct dns_streams *streams, struct net *net)
{
	streams->held_max = memory_usage().heap_bytes / 16;
	streams->out = extent_alloc(STREAM_OUT_BYTES);
	if (streams->out == NULL)
		return NO_MEMORY;
	streams->listener = tcp_listen(net, streams->options->port);
	if (streams->listener == NULL) {
		extent_free(streams->out, STREAM_OUT_BYTES);
		return IN_USE;
	}
	tcp_listener_watch(streams->listener, accept_all, streams);
	return OK;
}

void streams_close(struct dns_streams *streams, instant deadline)
{
	struct dns_stream *s, *newer;

	tcp_unlisten(streams->listener);
	streams->is_finishing = true;
	for (s = streams->oldest; s != NULL; s = newer) {
		newer = s->newer;
		if (s->transfer == NULL)
			stream_end(s, false);
	}
	while (streams->count > 0 && wait_on(&streams->gone, deadline) == OK)
		;
	while (streams->oldest != NULL)
		stream_end(streams->oldest, true);
	extent_free(streams->out, STREAM_OUT_BYTES);
}
