/*
 * The floor of what a program behind a tap can do: read a frame, answer it in place, write it.
 *
 *     tap-responder TAP ADDRESS [--spin]
 *
 * Answers ARP for ADDRESS, ping and UDP echo on any port, with no checks beyond what keeps it from
 * reading astray: no stack, no sockets, no timers.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const uint8_t mac[6] = { 0x02, 0xd1, 0xa7, 0, 0, 1 };

static void swap(uint8_t *a, uint8_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint8_t kept = a[i];

		a[i] = b[i];
		b[i] = kept;
	}
}

/* Turns the frame into its answer; 0: none. */
static int answer(uint8_t *f, ssize_t n, const uint8_t *address)
{
	if (n >= 42 && f[12] == 8 && f[13] == 6 && f[21] == 1 && memcmp(f + 38, address, 4) == 0) {
		memcpy(f, f + 6, 6);
		memcpy(f + 6, mac, 6);
		f[21] = 2;
		swap(f + 22, f + 32, 10);
		memcpy(f + 22, mac, 6);
		return 1;
	}
	if (n < 42 || f[12] != 8 || f[13] != 0 || f[14] != 0x45 || memcmp(f + 30, address, 4) != 0)
		return 0;
	if (f[23] == 1 && f[34] == 8) {
		unsigned sum = (f[36] << 8 | f[37]) + 0x0800;

		f[34] = 0;
		sum += sum >> 16;
		f[36] = sum >> 8;
		f[37] = sum;
	} else if (f[23] == 17) {
		swap(f + 34, f + 36, 2);
	} else {
		return 0;
	}
	swap(f, f + 6, 6);
	swap(f + 26, f + 30, 4);
	return 1;
}

int main(int argc, char **argv)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	uint8_t frame[2048], address[4];
	int spins = argc > 3, tap = open("/dev/net/tun", O_RDWR | (spins ? O_NONBLOCK : 0));

	if (argc < 3 || inet_pton(AF_INET, argv[2], address) != 1) {
		fprintf(stderr, "tap-responder TAP ADDRESS [--spin]\n");
		return 2;
	}
	strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0) {
		perror("tap-responder");
		return 1;
	}
	for (;;) {
		ssize_t n = read(tap, frame, sizeof(frame));

		if (n > 0 && answer(frame, n, address) && write(tap, frame, n) < 0)
			perror("tap-responder: write");
	}
}
