/*
 * Measures round trips, one at a time: UDP echo or ping.
 *
 *     rtt udp|ping ADDRESS PORT SECONDS [--spin]
 *
 * --spin polls for the answer instead of blocking. Prints: count p50 p99 mean lost, in
 * microseconds. An answer that takes over a second is lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 64, SAMPLES_MAX = 4000000 };

static float samples[SAMPLES_MAX];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static uint16_t checksum(const void *data, size_t length)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < length / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

struct probe {
	int socket;
	bool is_ping, spins;
	uint32_t number;
	uint8_t message[PAYLOAD];
};

static bool probe_open(struct probe *p, const char *address, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct timeval second = { .tv_sec = 1 };
	int type = p->is_ping ? SOCK_RAW : SOCK_DGRAM;

	inet_pton(AF_INET, address, &to.sin_addr);
	p->socket = socket(AF_INET, type, p->is_ping ? IPPROTO_ICMP : 0);
	setsockopt(p->socket, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	return p->socket >= 0 && connect(p->socket, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static void probe_send(struct probe *p)
{
	p->number++;
	if (p->is_ping) {
		struct icmphdr header = { .type = ICMP_ECHO };

		header.un.echo.id = htons(getpid() & 0xffff);
		header.un.echo.sequence = htons(p->number & 0xffff);
		memcpy(p->message, &header, sizeof(header));
		header.checksum = checksum(p->message, sizeof(p->message));
		memcpy(p->message, &header, sizeof(header));
	} else {
		memcpy(p->message, &p->number, sizeof(p->number));
	}
	if (send(p->socket, p->message, sizeof(p->message), 0) < 0)
		perror("rtt: send");
}

/* Whether this datagram is the answer to the last probe. */
static bool is_answer(const struct probe *p, const uint8_t *got, ssize_t length)
{
	struct icmphdr header;
	size_t skip;

	if (!p->is_ping)
		return length == PAYLOAD && memcmp(got, p->message, PAYLOAD) == 0;
	if (length < 20)
		return false;
	skip = (got[0] & 15) * 4;
	if ((size_t)length < skip + sizeof(header))
		return false;
	memcpy(&header, got + skip, sizeof(header));
	return header.type == ICMP_ECHOREPLY && ntohs(header.un.echo.id) == (getpid() & 0xffff) &&
	       ntohs(header.un.echo.sequence) == (p->number & 0xffff);
}

static bool probe_receive(struct probe *p, double sent)
{
	uint8_t got[2048];

	for (;;) {
		ssize_t n = recv(p->socket, got, sizeof(got), p->spins ? MSG_DONTWAIT : 0);

		if (n >= 0 && is_answer(p, got, n))
			return true;
		if (n < 0 && !p->spins && errno != EINTR && errno != ECONNREFUSED)
			return false;
		if (now_us() - sent > 1e6)
			return false;
	}
}

static int compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct probe p = { 0 };
	unsigned count = 0, lost = 0;
	double end, sum = 0;

	if (argc < 5) {
		fprintf(stderr, "rtt udp|ping ADDRESS PORT SECONDS [--spin]\n");
		return 2;
	}
	p.is_ping = strcmp(argv[1], "ping") == 0;
	p.spins = argc > 5;
	if (!probe_open(&p, argv[2], atoi(argv[3]))) {
		perror("rtt");
		return 1;
	}
	end = now_us() + atof(argv[4]) * 1e6;
	while (now_us() < end && count < SAMPLES_MAX && lost < 5) {
		double sent = now_us();

		probe_send(&p);
		if (!probe_receive(&p, sent)) {
			lost++;
			continue;
		}
		samples[count] = now_us() - sent;
		sum += samples[count++];
	}
	if (count == 0) {
		fprintf(stderr, "rtt: no answer\n");
		return 1;
	}
	qsort(samples, count, sizeof(samples[0]), compare);
	printf("%u %.3f %.3f %.3f %u\n", count, samples[count / 2], samples[count / 100 * 99],
		sum / count, lost);
	return 0;
}
