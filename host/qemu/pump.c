/*
 * Either the piece is empty and the source is asked, or it isn't and the target is.
 */
#include "host/qemu/pump.h"

#include <errno.h>
#include <unistd.h>

void pump_start(struct pump *pump, int from, int to)
{
	*pump = (struct pump){ .from = from, .to = to };
}

struct pollfd pump_wish(const struct pump *pump)
{
	if (pump->length > 0)
		return (struct pollfd){ .fd = pump->to, .events = POLLOUT };
	return (struct pollfd){ .fd = pump->from, .events = POLLIN };
}

static void read_piece(struct pump *pump)
{
	ssize_t n = read(pump->from, pump->piece, sizeof(pump->piece));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		pump->from = -1;
	pump->at = 0;
	pump->length = n > 0 ? (size_t)n : 0;
}

static void write_piece(struct pump *pump)
{
	ssize_t n = write(pump->to, pump->piece + pump->at, pump->length);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* nobody reads any more */
		pump->length = 0;
		return;
	}
	pump->at += (size_t)n;
	pump->length -= (size_t)n;
}

void pump_move(struct pump *pump)
{
	if (pump->length > 0)
		write_piece(pump);
	else
		read_piece(pump);
}

void pump_drain(struct pump *pump, bool is_hurried)
{
	while (pump->from >= 0 || pump->length > 0) {
		struct pollfd place = pump_wish(pump);

		if (is_hurried && (poll(&place, 1, 0) <= 0 || (place.revents & POLLIN) == 0))
			return;
		pump_move(pump);
	}
}
