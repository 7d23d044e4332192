/*
 * Packet capture, one writev a frame, so that a record is never torn by others that append.
 */
#include "drv/pcap.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#include "diatom/counter.h"
#include "diatom/time.h"
#include "plat/plat.h"

#define PIECES_MAX 65

COUNTER(pcap_failed, "pcap.failed", "frames not captured: the write failed");

struct pcap_record {
	uint32_t seconds, nanoseconds, captured, original;
};

_Static_assert(sizeof(struct pcap_record) == 16, "pcap record header");

void pcap_record(int fd, const struct packet *frame)
{
	int64_t now = time_wall_ns();
	struct pcap_record record = {
		.seconds = (uint32_t)(now / 1000000000),
		.nanoseconds = (uint32_t)(now % 1000000000),
		.original = frame->total_length,
	};
	struct iovec pieces[PIECES_MAX] = { { .iov_base = &record, .iov_len = sizeof(record) } };
	int n = 1;

	for (; frame != NULL && n < PIECES_MAX; frame = frame->fragment) {
		pieces[n++] = (struct iovec){ .iov_base = frame->data, .iov_len = frame->length };
		record.captured += frame->length;
	}
	if (plat_syscall(SYS_writev, fd, (long)pieces, n, 0, 0, 0) < 0)
		count(&pcap_failed);
}
