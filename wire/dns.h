/*
 * DNS messages (RFC 1035 section 4, RFC 6891 for OPT).
 *
 *     0      2       4         6         8         10        12
 *     +------+-------+---------+---------+---------+---------+----------+---------+----
 *     |  id  | flags | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT | question | records | ...
 *     +------+-------+---------+---------+---------+---------+----------+---------+----
 *
 *     flags:  QR | opcode 4 | AA | TC | RD | RA | 0 | AD | CD | rcode 4
 *
 *     question:  name, type 2, class 2
 *     record:    name, type 2, class 2, TTL 4, length 2, data
 *     name:      labels (length 1..63, bytes), then a zero byte; or a pointer to a former one,
 *                two bytes that begin with the bits 11. At most 255 bytes when written in full.
 *
 * Reading: a query has one name that matters, in the question; it is taken apart once, into a struct
 * dns_name. Writing: struct dns_writer appends records and compresses names; what does not fit is
 * taken back as a whole (RFC 2181 section 9), never cut.
 */
#ifndef DIATOM_WIRE_DNS_H
#define DIATOM_WIRE_DNS_H

#include "wire/cursor.h"

#define DNS_HEADER_BYTES   12
#define DNS_QUESTION_BYTES 4  /* of a question behind its name */
#define DNS_RECORD_BYTES   10 /* of a record between its name and its data */
#define DNS_OPT_BYTES	   11 /* an OPT record without options */
#define DNS_SOA_NUMBERS	   20 /* at the end of an SOA's data: serial first */
#define DNS_NAME_BYTES	   255
#define DNS_LABEL_BYTES	   63
#define DNS_LABELS	   127
#define DNS_POINTER_MAX	   0x3fff
#define DNS_MESSAGE_BYTES  65535

enum dns_flag {
	DNS_QR = 0x8000,
	DNS_OPCODE = 0x7800,
	DNS_AA = 0x0400,
	DNS_TC = 0x0200,
	DNS_RD = 0x0100,
	DNS_RA = 0x0080,
	DNS_CD = 0x0010,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
	DNS_YXDOMAIN = 6,
	DNS_NOTAUTH = 9,
	DNS_BADVERS = 16, /* extended: 4 bits in the header, 8 in OPT */
};

/* Opcodes, in their place of the flags. */
enum dns_opcode { DNS_QUERY = 0, DNS_NOTIFY = 4 << 11 };

#define DNS_OPTION_KEEPALIVE	   11 /* of EDNS (RFC 7828) */
#define DNS_OPTION_KEEPALIVE_BYTES 6  /* with its time */

enum dns_class { DNS_CLASS_IN = 1, DNS_CLASS_ANY = 255 };

enum dns_section { DNS_ANSWER, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

/* A name in full, in lower case (RFC 4343), with the places of its labels. */
struct dns_name {
	uint8_t length; /* bytes, the root's zero included: 1 .. 255 */
	uint8_t labels; /* without the root: 0 .. 127 */
	uint8_t at[DNS_LABELS +
		   1]; /* where label i starts, the leftmost is 0; at[labels]: the root */
	_Alignas(8) uint8_t bytes[256 + 8]; /* followed by at least 8 zero bytes */
};

/*
 * Takes apart the uncompressed name at the start of `bytes`; false if it is cut, longer than 255
 * bytes, or has a pointer or an unknown label type (a question's name can point nowhere).
 */
bool dns_name_read(struct dns_name *name, struct view bytes);

/*
 * Reads a possibly compressed name at message + *offset into `name`, and moves *offset past it.
 * False as above, and for a pointer that does not point backwards. For tests and tools.
 */
bool dns_name_expand(struct dns_name *name, struct view message, size_t *offset);

/* Lower case for the ASCII letters of 8 bytes at once; length bytes (0 .. 63) stay. */
static inline uint64_t dns_lower8(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t low = word & 0x7f * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones, beyond_z = low + (0x7f - 'Z') * ones;
	uint64_t upper = ~word & (from_a ^ beyond_z) & 0x80 * ones;

	return word | upper >> 2;
}

static inline uint8_t dns_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* Bytes of the uncompressed name at `name`, which is known to be well formed. */
static inline size_t dns_name_length(const uint8_t *name)
{
	size_t length = 0;

	while (name[length] != 0)
		length += (size_t)name[length] + 1;
	return length + 1;
}

#define DNS_ANCHORS	     64 /* names that later names may point to; further ones are not kept */
#define DNS_QUESTION_ANCHORS 24

struct dns_writer {
	uint8_t *start, *next, *end;
	uint16_t counts[DNS_SECTIONS];
	unsigned anchors;
	struct dns_anchor {
		uint16_t offset; /* of the name in the message */
		uint16_t length; /* of the name in full */
	} anchor[DNS_ANCHORS];
};

/*
 * Starts a reply in [start, start + limit), whose first `offset` bytes (header and question with
 * that name) are there, or will be: the name is `question`, and lies at byte 12.
 */
void dns_writer_start(struct dns_writer *w, uint8_t *start, size_t limit, size_t offset,
	const struct dns_name *question);

/* The place up to which all is written: for taking back what came after. */
struct dns_mark {
	uint8_t *next;
	unsigned anchors;
};
static inline struct dns_mark dns_mark(const struct dns_writer *w)
{
	return (struct dns_mark){ w->next, w->anchors };
}
static inline void dns_rewind(struct dns_writer *w, struct dns_mark mark)
{
	w->next = mark.next;
	w->anchors = mark.anchors;
}

/* Is the name at that place of a message of ours, perhaps compressed, the same as the one in full? */
bool dns_name_equals(const uint8_t *message, size_t offset, const uint8_t *name);

/* Writes a name, as a pointer as far as possible; false if it does not fit. */
bool dns_write_name(struct dns_writer *w, const uint8_t *name);

/* Lets later names point to one that lies in the message in full. */
void dns_anchor_name(struct dns_writer *w, size_t offset, const uint8_t *name);

/* Which bytes of a record's data are names that may be compressed: `skip` bytes, then `names` names. */
struct dns_shape {
	uint8_t skip, names;
};

struct dns_record {
	uint16_t owner_pointer;	    /* 0xc000 | offset; 0: write `owner` */
	const uint8_t *owner_label; /* with a pointer: one label before it, or NULL */
	uint16_t type;
	uint32_t ttl;
	const uint8_t *owner; /* in full */
	struct dns_shape shape;
	struct view data; /* its names in full */
};

/* Appends one record of class IN; false, and nothing is written, if it does not fit. */
bool dns_write_record(struct dns_writer *w, const struct dns_record *record);

#endif
