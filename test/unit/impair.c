/*
 * The relay of test/impair: what a seed does to frames, its delay line, its settings, its segments.
 */
#include <stdlib.h>

#include "test/check.h"
#include "test/impair/offload.h"
#include "test/impair/path.h"

#define FRAMES 100000
#define MS     UINT64_C(1000000)

static const uint8_t ip_frame[60] = { [12] = 8, [14] = 0x45 };

static struct path path;

static void begin(const char *text, uint64_t seed)
{
	struct path_settings settings;

	CHECK(path_settings_parse(&settings, text));
	CHECK(path_start(&path, &settings, seed));
}

static size_t drain(uint64_t now)
{
	struct path_frame *frame;
	size_t count = 0;

	for (; (frame = path_take(&path, now)) != NULL; count++)
		free(frame);
	return count;
}

static void end(void)
{
	drain(UINT64_MAX);
	free(path.heap);
}

/* FRAMES frames, a microsecond apart. */
static void run(const char *text, uint64_t seed)
{
	begin(text, seed);
	for (uint64_t i = 0; i < FRAMES; i++) {
		path_put(&path, ip_frame, sizeof(ip_frame), i * 1000);
		drain(i * 1000);
	}
	end();
}

/* --- settings --- */

static void settings_are_judged(void)
{
	static const char *const bad[] = { "", "loss", "loss=", "loss=101", "loss=-1", "loss=x",
		"loss=1x", "loss=nan", "los=1", "loss=1,", "burst_begin=1", "rate_mbit=10",
		"mtu=70000" };
	struct path_settings settings;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (path_settings_parse(&settings, bad[i]))
			CHECK_FAIL("%s is taken", bad[i]);
	CHECK(path_settings_parse(
		&settings, "loss=1.5,delay_ms=2.5,rate_mbit=8,queue_kib=4,mtu=900"));
	CHECK_EQUAL(settings.loss, 15000);
	CHECK_EQUAL(settings.delay_ns, 2500000);
	CHECK_EQUAL(settings.bytes_a_second, 1000000);
	CHECK_EQUAL(settings.queue_bytes, 4096);
	CHECK_EQUAL(settings.mtu, 900);
}

/* --- what happens --- */

static void chances_hold(void)
{
	const struct path_counters *c = &path.counters;

	run("loss=1,duplicate=2,corrupt=3,reorder=4,reorder_ms=1", 1);
	CHECK_EQUAL(c->frames, FRAMES);
	CHECK(c->lost > 900 && c->lost < 1100);
	CHECK(c->duplicated > 1800 && c->duplicated < 2200);
	CHECK(c->corrupted > 2750 && c->corrupted < 3250);
	CHECK(c->reordered > 3700 && c->reordered < 4300);
	CHECK_EQUAL(c->carried, c->frames - c->lost + c->duplicated);
}

/* In the long run begin / (begin + end) of all frames are lost, 1 / end at a time. */
static void bursts_are_gilbert_s(void)
{
	run("burst_begin=1,burst_end=25", 1);
	CHECK(path.counters.lost > 3300 && path.counters.lost < 4400);
	CHECK_EQUAL(path.counters.lost, path.counters.lost_in_bursts);
}

static void a_seed_loses_the_same_frames(void)
{
	uint64_t lost;

	run("loss=1", 7);
	lost = path.counters.lost;
	run("loss=1,delay_ms=5,jitter_ms=1,duplicate=1,corrupt=1", 7);
	CHECK_EQUAL(path.counters.lost, lost);
	run("loss=1", 8);
	CHECK(path.counters.lost != lost);
}

static void delay_keeps_order_and_jitter_does_not(void)
{
	begin("delay_ms=10", 1);
	path_put(&path, ip_frame, sizeof(ip_frame), 0);
	path_put(&path, ip_frame, sizeof(ip_frame), 1 * MS);
	CHECK_EQUAL(drain(10 * MS - 1), 0);
	CHECK_EQUAL(path_next(&path), 10 * MS);
	CHECK_EQUAL(drain(10 * MS), 1);
	CHECK_EQUAL(drain(11 * MS), 1);
	CHECK(path_next(&path) == UINT64_MAX);
	end();
	begin("jitter_ms=10", 1);
	for (unsigned i = 0; i < 1000; i++)
		path_put(&path, ip_frame, sizeof(ip_frame), 0);
	for (uint64_t last = 0, order = 0, turned = 0, i = 0; i < 1000; i++) {
		struct path_frame *frame = path_take(&path, 10 * MS);

		CHECK(frame != NULL && frame->when >= last && frame->when <= 10 * MS);
		if (frame == NULL)
			break;
		turned += frame->order < order;
		last = frame->when;
		order = frame->order;
		free(frame);
		CHECK(i < 999 || turned > 300);
	}
	end();
}

/* A bottleneck of 60 bytes in a millisecond whose queue holds three such frames. */
static void queue_drops_its_tail(void)
{
	begin("rate_mbit=0.48,queue_kib=0.17578125", 1);
	for (unsigned i = 0; i < 5; i++)
		path_put(&path, ip_frame, sizeof(ip_frame), 0);
	CHECK_EQUAL(path.counters.queue_full, 2);
	CHECK_EQUAL(drain(1 * MS), 1);
	CHECK_EQUAL(drain(2 * MS), 1);
	CHECK_EQUAL(drain(3 * MS), 1);
	path_put(&path, ip_frame, sizeof(ip_frame), 3 * MS);
	CHECK_EQUAL(path_next(&path), 4 * MS);
	end();
}

static void mtu_and_other_protocols(void)
{
	uint8_t arp[60] = { [12] = 8, [13] = 6 };

	begin("mtu=45,loss=100,delay_ms=1", 1);
	path_put(&path, ip_frame, sizeof(ip_frame), 0);
	CHECK_EQUAL(path.counters.too_long, 1);
	path_put(&path, ip_frame, 59, 0);
	CHECK_EQUAL(path.counters.lost, 1);
	path_put(&path, arp, sizeof(arp), 0);
	CHECK_EQUAL(drain(1 * MS), 1);
	end();
}

/* --- segments --- */

struct cut {
	unsigned count;
	uint32_t text;
	uint8_t flags[8];
	bool is_bad;
};

static uint32_t sum_of(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* A segment of the frame below: text is the low byte of its number. */
static void judge(void *argument, const uint8_t *bytes, size_t length)
{
	struct cut *cut = argument;
	const uint8_t *ip = bytes + 14, *tcp = ip + 20;
	uint32_t tcp_bytes = (uint32_t)length - 34, text = tcp_bytes - 20;
	uint32_t sequence = (uint32_t)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7];

	cut->is_bad |= sequence != 0xfffffff0u + cut->text;
	cut->is_bad |= (uint32_t)(ip[2] << 8 | ip[3]) != length - 14;
	cut->is_bad |= sum_of(ip, 20, 0) != 0xffff;
	cut->is_bad |= sum_of(tcp, tcp_bytes, sum_of(ip + 12, 8, 6 + tcp_bytes)) != 0xffff;
	for (uint32_t i = 0; i < text; i++)
		cut->is_bad |= tcp[20 + i] != (uint8_t)(cut->text + i);
	cut->flags[cut->count++ % 8] = tcp[13];
	cut->text += text;
}

static void a_large_frame_is_cut(void)
{
	uint8_t frame[54 + 250] = { [12] = 8,
		[14] = 0x45,
		[22] = 64,
		[23] = 6,
		[26] = 10,
		[30] = 10,
		[38] = 0xff,
		0xff,
		0xff,
		0xf0,
		[46] = 0x50,
		0x98 | 1 };
	struct virtio_net_hdr header = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN,
		.gso_size = 100,
		.csum_start = 34,
		.csum_offset = 16 };
	struct cut cut = { 0 };

	for (unsigned i = 0; i < 250; i++)
		frame[54 + i] = (uint8_t)i;
	CHECK(offload_finish(&header, frame, sizeof(frame), judge, &cut));
	CHECK_EQUAL(cut.count, 3);
	CHECK_EQUAL(cut.text, 250);
	CHECK(!cut.is_bad);
	CHECK_EQUAL(cut.flags[0], 0x90); /* CWR on the first, PSH and FIN on the last */
	CHECK_EQUAL(cut.flags[1], 0x10);
	CHECK_EQUAL(cut.flags[2], 0x19);
	header.csum_start = 300;
	CHECK(!offload_finish(&header, frame, sizeof(frame), judge, &cut));
	header.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	CHECK(!offload_finish(&header, frame, sizeof(frame), judge, &cut));
}

int main(void)
{
	return RUN(TEST(settings_are_judged), TEST(chances_hold), TEST(bursts_are_gilbert_s),
		TEST(a_seed_loses_the_same_frames), TEST(delay_keeps_order_and_jitter_does_not),
		TEST(queue_drops_its_tail), TEST(mtu_and_other_protocols),
		TEST(a_large_frame_is_cut));
}
