/*
 * dns_answer behind an ordinary socket of the host, so that real clients can ask the hosted build.
 *
 *     dns_answerer PORT ORIGIN=FILE ...        127.0.0.1, UDP
 *
 * With "check" for PORT it only reads the zones. The exit code is 1 when one of them is refused.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "diatom/dns.h"

#define ZONES_MAX 16

static struct view file_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t length = 0, room = 1 << 16;
	char *bytes = malloc(room);

	if (file == NULL || bytes == NULL) {
		perror(path);
		exit(2);
	}
	for (size_t n; (n = fread(bytes + length, 1, room - length, file)) > 0;) {
		char *more = bytes;

		length += n;
		if (length == room)
			more = realloc(bytes, room *= 2);
		if (more == NULL) {
			perror(path);
			exit(2);
		}
		bytes = more;
	}
	fclose(file);
	return view_of(bytes, length);
}

static struct dns_zone *zone_read(char *argument)
{
	char *equals = strchr(argument, '=');
	struct dns_zone *zone;
	struct dns_source source = { .origin = argument };

	if (equals == NULL)
		exit(2);
	*equals = 0;
	source.file = equals + 1;
	source.text = file_read(equals + 1);
	if (dns_zone_read(&zone, &source) != OK)
		exit(1);
	free((void *)(uintptr_t)source.text.data);
	return zone;
}

static void serve(struct dns_server *server, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	static uint8_t query[65536], answer[4096];

	if (fd < 0 || bind(fd, (void *)&address, sizeof(address)) != 0) {
		perror("bind");
		exit(2);
	}
	for (;;) {
		struct sockaddr_in from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, query, sizeof(query), 0, (void *)&from, &size);
		size_t length;

		if (n < 0)
			continue;
		length = dns_answer(
			server, view_of(query, (size_t)n), answer, sizeof(answer), DNS_LIMIT_UDP);
		if (length > 0)
			sendto(fd, answer, length, 0, (void *)&from, size);
	}
}

int main(int argc, char **argv)
{
	struct dns_zone *zones[ZONES_MAX];
	struct dns_server *server;
	size_t count = 0;

	if (argc < 3 || argc - 2 > ZONES_MAX) {
		fprintf(stderr, "usage: dns_answerer PORT|check ORIGIN=FILE ...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		zones[count++] = zone_read(argv[i]);
	if (dns_server_create(&server, zones, count, DNS_MEMO_DEFAULT) != OK)
		return 1;
	if (strcmp(argv[1], "check") != 0)
		serve(server, (uint16_t)atoi(argv[1]));
	return 0;
}
