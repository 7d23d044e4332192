/*
 * The floor of sending TCP through a tap without offloads: a write for each frame of 1,500 bytes, and nothing
 * else that could be left out.
 *
 *     tap-writer TAP ADDRESS
 *
 * Answers ARP for ADDRESS and takes one connection at a time, to any port; then it sends the same bytes for ever,
 * as far as the peer's window goes. It resends nothing and has no congestion control: the other end is the
 * kernel's, a memory away. Checksums are of constant text, so they cost an addition.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT  1460
#define SCALE 7
#define BATCH 32 /* frames between two looks at what was acknowledged */

/* Offsets in a frame: Ethernet 14, IPv4 20, TCP 20. */
enum { IP = 14, TCP = 34, HEADERS = 54 };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

static const uint8_t mac[6] = { 0x02, 0xd1, 0xa7, 0, 0, 2 };
static uint8_t frame[HEADERS + TEXT], in[2048], own[4];
static uint32_t text_sum; /* of the text, not folded */
static uint32_t next, unacknowledged, window;
static unsigned scale;
static int tap, is_open;

static uint32_t get32(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, 4);
	return ntohl(word);
}

static void put32(uint8_t *p, uint32_t value)
{
	value = htonl(value);
	memcpy(p, &value, 4);
}

static void put16(uint8_t *p, unsigned value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *p, unsigned length)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < length; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static unsigned fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return 0xffff & ~(sum + (sum >> 16));
}

static void answer_arp(void)
{
	uint8_t out[42];

	memcpy(out, in, sizeof(out));
	memcpy(out, in + 6, 6);
	memcpy(out + 6, mac, 6);
	out[21] = 2;
	memcpy(out + 22, mac, 6);
	memcpy(out + 28, own, 4);
	memcpy(out + 32, in + 22, 10);
	if (write(tap, out, sizeof(out)) < 0)
		perror("tap-writer: write");
}

/* Headers for the peer of the segment in hand; those of text differ in number and checksum alone. */
static void make_headers(void)
{
	memcpy(frame, in + 6, 6);
	memcpy(frame + 6, mac, 6);
	put16(frame + 12, 0x0800);
	memset(frame + IP, 0, 40);
	frame[IP] = 0x45;
	frame[IP + 6] = 0x40; /* don't fragment */
	frame[IP + 8] = 64;
	frame[IP + 9] = 6;
	memcpy(frame + IP + 12, own, 4);
	memcpy(frame + IP + 16, in + IP + 12, 4);
	memcpy(frame + TCP, in + TCP + 2, 2);
	memcpy(frame + TCP + 2, in + TCP, 2);
	put32(frame + TCP + 8, get32(in + TCP + 4) + 1);
	put16(frame + TCP + 14, 65535);
}

static void send_segment(uint8_t flags, unsigned options, unsigned text)
{
	unsigned length = 20 + options + text;

	put16(frame + IP + 2, 20 + length);
	put16(frame + IP + 10, 0);
	put16(frame + IP + 10, fold(sum_of(frame + IP, 20)));
	put32(frame + TCP + 4, next);
	frame[TCP + 12] = (uint8_t)((20 + options) << 2);
	frame[TCP + 13] = flags;
	put16(frame + TCP + 16, 0);
	put16(frame + TCP + 16,
		fold(sum_of(frame + TCP, 20 + options) + sum_of(frame + IP + 12, 8) + 6 + length +
			(text ? text_sum : 0)));
	if (write(tap, frame, IP + 20 + length) < 0)
		perror("tap-writer: write");
}

static void open_connection(void)
{
	static const uint8_t options[8] = { 2, 4, TEXT >> 8, TEXT & 255, 1, 3, 3, SCALE };
	unsigned end = TCP + (in[TCP + 12] >> 4) * 4u;

	scale = 0;
	for (unsigned i = TCP + 20; i + 2 < end && in[i] != 0; i += in[i] == 1 ? 1 : in[i + 1])
		if (in[i] == 3)
			scale = in[i + 2];
		else if (in[i] != 1 && in[i + 1] < 2)
			break;
	make_headers();
	next = 1000;
	memcpy(frame + HEADERS, options, sizeof(options));
	send_segment(SYN | ACK, sizeof(options), 0);
	memset(frame + HEADERS, 'x', sizeof(options));
	next++;
	unacknowledged = next;
	window = 0; /* until its ACK */
	is_open = 1;
}

/* Reads one frame; 0: there is none. */
static int take(void)
{
	ssize_t n = read(tap, in, sizeof(in));

	if (n <= 0)
		return 0;
	if (n >= 42 && in[12] == 8 && in[13] == 6 && in[21] == 1 && memcmp(in + 38, own, 4) == 0)
		answer_arp();
	if (n < HEADERS || in[12] != 8 || in[13] != 0 || in[IP] != 0x45 || in[IP + 9] != 6)
		return 1;
	if (in[TCP + 13] & SYN) {
		open_connection();
	} else if (memcmp(in + TCP, frame + TCP + 2, 2) == 0) {
		if (in[TCP + 13] & (RST | FIN))
			is_open = 0;
		unacknowledged = get32(in + TCP + 8);
		window = (uint32_t)(in[TCP + 14] << 8 | in[TCP + 15]) << scale;
	}
	return 1;
}

int main(int argc, char **argv)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct pollfd polled = { .events = POLLIN };

	if (argc != 3 || inet_pton(AF_INET, argv[2], own) != 1) {
		fprintf(stderr, "tap-writer TAP ADDRESS\n");
		return 2;
	}
	strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
	polled.fd = tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0 || ioctl(tap, TUNSETOFFLOAD, 0UL) < 0) {
		perror("tap-writer");
		return 1;
	}
	memset(frame + HEADERS, 'x', TEXT);
	text_sum = sum_of(frame + HEADERS, TEXT);
	for (;;) {
		unsigned sent = 0;

		while (take())
			;
		for (; is_open && sent < BATCH && next - unacknowledged + TEXT <= window; sent++) {
			send_segment(ACK, 0, TEXT);
			next += TEXT;
		}
		if (sent == 0)
			poll(&polled, 1, -1);
	}
}
