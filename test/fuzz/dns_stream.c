/*
 * DNS over TCP with state: the input is a script for some clients of one server (test/tools/tcp_puppet.h).
 *
 *     +---------+----------------------------------------------------------------
 *     | command | arguments, by command
 *     +---------+----------------------------------------------------------------
 *       bits 0-2: 0, 1  bytes for the stream, as they are: length 1, bytes
 *                 2     a framed query: type 1 (0: AXFR, 1: IXFR), serial 1, name of 0 .. 3
 *                 3     the client reads on: 1 byte times 1024
 *                 4     it ends its half, or resets, by 1 byte
 *                 5     a pause: 1 byte times 200 ms
 *                 6     another connection, in place of the one chosen
 *                 7     a frame of that length, as if the query above were padded: length 2
 *       bits 4-6: which client
 *
 * After each step: what was written to a client is whole messages; each answers one of its queries, in their order; no
 * limit is passed. In the end nothing is left.
 */
#include <stdlib.h>

#include "core/loop.h"
#include "diatom/assert.h"
#include "lib/dns/serving.h"
#include "lib/dns/stream.h"
#include "plat/hosted.h"
#include "test/tools/tcp_puppet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 8, PLACES = 5, TRANSFERS = 2, IN_MAX = 1 << 16 };

struct client {
	struct tcp *tcp;
	uint8_t *sent; /* all that was fed */
	size_t sent_bytes;
	size_t checked, asked; /* up to where answers, and the queries they answer, were walked */
};

static const char zone_text[] =
	"$TTL 60\n@ SOA ns host 7 2 3 4 5\n NS ns\nns A 192.0.2.1\n*.w TXT \"any\"\n"
	"$GENERATE 1-4000 host$ TXT \"some text that fills the zone and messages $\"\n";
static const char *const names[] = { "\7example\3org", "\2ns\7example\3org", "\1a\1w\7example\3org",
	"\7another\3org" };
static const uint8_t name_bytes[] = { 13, 16, 17, 13 };

static struct dns_streams streams;
static struct client clients[CLIENTS];

static void start(void)
{
	static struct dns_zone *zone;
	static struct dns_server *server;
	static struct prefix allowed;
	static struct dns_options options;

	if (server == NULL) {
		ASSERT(dns_zone_parse(&zone, "example.org", view_text(zone_text)) == OK);
		ASSERT(dns_server_create(&server, &zone, 1, DNS_MEMO_DEFAULT) == OK);
		ASSERT(prefix_parse(&allowed, "10.0.0.0/31") == OK);
		plat_hosted_use_virtual_time(MILLISECONDS(1));
	}
	options = (struct dns_options){ .zones = &zone,
		.zone_count = 1,
		.transfer_to = &allowed,
		.transfer_count = 1,
		.port = 53,
		.connections = PLACES,
		.transfers = TRANSFERS,
		.idle_ms = 30000,
		.message_ms = 5000,
		.write_ms = 10000 };
	streams = (struct dns_streams){ .server = server, .options = &options };
	ASSERT(streams_open(&streams, NULL) == OK);
	streams.held_max = KIBIBYTES(600);
}

/* The id of the next whole query in what the client sent; false: there is none. */
static bool next_query(struct client *client, uint16_t *id)
{
	const uint8_t *frame = client->sent + client->asked;
	size_t left = client->sent_bytes - client->asked, length;

	if (left < STREAM_FRAME_BYTES)
		return false;
	length = be16_at(frame);
	if (length < DNS_HEADER_BYTES || left - STREAM_FRAME_BYTES < length)
		return false;
	*id = be16_at(frame + STREAM_FRAME_BYTES);
	client->asked += STREAM_FRAME_BYTES + length;
	return true;
}

static void check_client(struct client *client)
{
	static uint16_t ids[CLIENTS]; /* of the query that the last answer was for */
	uint16_t *id = &ids[client - clients];

	while (client->checked < client->tcp->out_bytes) {
		const uint8_t *frame = client->tcp->out + client->checked;
		size_t left = client->tcp->out_bytes - client->checked;
		size_t length = left >= STREAM_FRAME_BYTES ? be16_at(frame) : 0;
		bool is_first = client->checked == 0;

		ASSERT(length >= DNS_HEADER_BYTES && length <= left - STREAM_FRAME_BYTES);
		ASSERT(frame[STREAM_FRAME_BYTES + 2] & 0x80);
		/* A transfer's messages have one id; each query is answered, so the next id is the next one's,
		 * but for queries with the same id as the last. */
		if (is_first || be16_at(frame + STREAM_FRAME_BYTES) != *id) {
			uint16_t last = *id;

			do
				ASSERT(next_query(client, id));
			while (!is_first && *id == last);
			ASSERT(*id == be16_at(frame + STREAM_FRAME_BYTES));
		}
		client->checked += STREAM_FRAME_BYTES + length;
	}
}

static void check(void)
{
	uint32_t count = 0, transfers = 0;
	size_t queued = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		if (clients[i].tcp != NULL)
			check_client(&clients[i]);
	for (struct dns_stream *s = streams.newest; s != NULL; s = s->older) {
		ASSERT(puppet_is_open(s->tcp) && task_is_set(&s->timer));
		ASSERT(s->older == NULL || s->older->newer == s);
		count++;
		transfers += s->transfer != NULL;
		queued += s->held_bytes;
	}
	ASSERT(count == streams.count && count <= PLACES);
	ASSERT(transfers == streams.transfers && transfers <= TRANSFERS);
	ASSERT(queued == streams.held_bytes && queued <= streams.held_max);
}

static uint8_t take(struct view *script)
{
	uint8_t byte = script->length > 0 ? script->data[0] : 0;

	*script = view_part(*script, 1, script->length);
	return byte;
}

static void feed(struct client *client, struct view bytes)
{
	size_t room = IN_MAX - client->sent_bytes;

	if (bytes.length > room)
		return;
	memcpy(client->sent + client->sent_bytes, bytes.data, bytes.length);
	client->sent_bytes += bytes.length; /* the answers come within the call that feeds */
	client->sent_bytes -= bytes.length - puppet_feed(client->tcp, bytes);
}

static void feed_query(struct client *client, struct view *script, size_t padded)
{
	static uint16_t id;
	uint8_t bytes[STREAM_QUERY_BYTES + 64] = { 0 }, type = take(script),
					   name = take(script) % 4;
	size_t length = STREAM_FRAME_BYTES + DNS_HEADER_BYTES + name_bytes[name];

	be16_to(bytes + 2, ++id);
	be16_to(bytes + 6, 1);
	memcpy(bytes + STREAM_FRAME_BYTES + DNS_HEADER_BYTES, names[name], name_bytes[name]);
	be16_to(bytes + length, type == 0 ? DNS_AXFR : type == 1 ? DNS_IXFR : type);
	be16_to(bytes + length + 2, DNS_CLASS_IN);
	length += DNS_QUESTION_BYTES - STREAM_FRAME_BYTES;
	if (padded > length && padded <= STREAM_QUERY_BYTES + 1)
		length = padded;
	be16_to(bytes, (uint16_t)length);
	feed(client, view_of(bytes, STREAM_FRAME_BYTES + length));
}

static void leave(struct client *client)
{
	if (client->tcp != NULL)
		puppet_free(client->tcp);
	client->tcp = NULL;
}

static void come(struct client *client)
{
	leave(client);
	if (client->sent == NULL)
		client->sent = malloc(IN_MAX);
	client->sent_bytes = client->checked = client->asked = 0;
	client->tcp = puppet_connect(0x0a000000 + (uint32_t)(client - clients) % 4);
}

static void pause_for(uint8_t byte)
{
	plat_hosted_set_time(in_ms(byte * 200));
	loop_turn(false);
	loop_turn(false);
}

static void step(struct client *client, uint8_t command, struct view *script)
{
	size_t length;

	switch (command & 7) {
	case 0:
	case 1:
		length = take(script);
		feed(client, view_part(*script, 0, length));
		*script = view_part(*script, length, script->length);
		break;
	case 2:
		feed_query(client, script, 0);
		break;
	case 3:
		puppet_acknowledge(client->tcp, take(script) * (size_t)1024);
		break;
	case 4:
		(take(script) & 1 ? puppet_shut : puppet_die)(client->tcp);
		break;
	case 5:
		pause_for(take(script));
		break;
	case 6:
		come(client);
		break;
	default:
		length = take(script);
		feed_query(client, script, length << 8 | take(script));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view script = view_of(data, size);

	start();
	while (script.length > 0) {
		uint8_t command = take(&script);
		struct client *client = &clients[command >> 4 & 7];

		if (client->tcp == NULL)
			come(client);
		step(client, command, &script);
		check();
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		leave(&clients[i]);
	streams_close(&streams, AT_ONCE);
	ASSERT(streams.count == 0 && streams.transfers == 0 && streams.held_bytes == 0);
	return 0;
}
