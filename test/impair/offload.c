/*
 * Checksums (RFC 1071) and TCP segments, over IPv4 and IPv6 without options of Ethernet.
 */
#include "test/impair/offload.h"

#include <string.h>

#define ETHERNET_BYTES 14
#define TCP_BYTES      20
#define TCP_CHECKSUM   16 /* offset of the field */
#define TCP_FIN_PSH    0x09
#define TCP_CWR	       0x80

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint64_t add(uint64_t sum, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += (uint64_t)(bytes[i] << 8 | bytes[i + 1]);
	return length % 2 ? sum + (uint64_t)(bytes[length - 1] << 8) : sum;
}

static void store(uint8_t *at, uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(at, (uint32_t)~sum);
}

/* The field holds the pseudo header's sum. */
static bool complete(const struct virtio_net_hdr *header, uint8_t *bytes, size_t length)
{
	size_t start = header->csum_start, field = start + header->csum_offset;

	if (start >= length || field + 2 > length)
		return false;
	store(bytes + field, add(0, bytes + start, length - start));
	return true;
}

/* Length and sum of an IP header before a TCP segment of so many bytes; the segment's pseudo header. */
static uint64_t finish_ip(uint8_t *ip, size_t ip_bytes, size_t tcp_bytes, unsigned number)
{
	if (ip[0] >> 4 == 6) {
		put16(ip + 4, (uint32_t)(ip_bytes - 40 + tcp_bytes));
		return add(6 + tcp_bytes, ip + 8, 32);
	}
	put16(ip + 2, (uint32_t)(ip_bytes + tcp_bytes));
	put16(ip + 4, (get32(ip + 4) >> 16) + number);
	put16(ip + 10, 0);
	store(ip + 10, add(0, ip, ip_bytes));
	return add(6 + tcp_bytes, ip + 12, 8);
}

static bool is_sane(const struct virtio_net_hdr *header, const uint8_t *bytes, size_t length)
{
	size_t tcp = header->csum_start;
	uint8_t version = length > ETHERNET_BYTES ? bytes[ETHERNET_BYTES] >> 4 : 0;

	return header->gso_size > 0 && header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	       tcp >= ETHERNET_BYTES + (version == 6 ? 40u : 20u) && tcp + TCP_BYTES <= length &&
	       bytes[tcp + 12] >> 4 >= 5 && tcp + (bytes[tcp + 12] >> 4) * 4u < length;
}

static bool cut(const struct virtio_net_hdr *header, const uint8_t *bytes, size_t length,
	void (*take)(void *argument, const uint8_t *bytes, size_t length), void *argument)
{
	static uint8_t wire[OFFLOAD_FRAME_MAX];
	size_t tcp_at = header->csum_start, headers, at;
	unsigned number = 0;

	if (!is_sane(header, bytes, length))
		return false;
	headers = tcp_at + (bytes[tcp_at + 12] >> 4) * 4u;
	for (at = headers; at < length; number++) {
		size_t text = length - at < header->gso_size ? length - at : header->gso_size;
		size_t tcp_bytes = headers - tcp_at + text;
		uint32_t sequence = get32(bytes + tcp_at + 4) + (uint32_t)(at - headers);
		uint8_t *tcp = wire + tcp_at;
		uint64_t sum;

		memcpy(wire, bytes, headers);
		memcpy(wire + headers, bytes + at, text);
		at += text;
		put16(tcp + 4, sequence >> 16);
		put16(tcp + 6, sequence);
		if (at < length)
			tcp[13] &= (uint8_t)~TCP_FIN_PSH;
		if (number > 0)
			tcp[13] &= (uint8_t)~TCP_CWR;
		sum = finish_ip(wire + ETHERNET_BYTES, tcp_at - ETHERNET_BYTES, tcp_bytes, number);
		put16(tcp + TCP_CHECKSUM, 0);
		store(tcp + TCP_CHECKSUM, add(sum, tcp, tcp_bytes));
		take(argument, wire, headers + text);
	}
	return true;
}

bool offload_finish(const struct virtio_net_hdr *header, uint8_t *bytes, size_t length,
	void (*take)(void *argument, const uint8_t *bytes, size_t length), void *argument)
{
	switch (header->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
	case VIRTIO_NET_HDR_GSO_NONE:
		break;
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return cut(header, bytes, length, take, argument);
	default:
		return false;
	}
	if (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && !complete(header, bytes, length))
		return false;
	take(argument, bytes, length);
	return true;
}
