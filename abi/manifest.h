/*
 * Manifest: what an image asks for, as ELF notes that the host reads before it starts anything.
 *
 * DIATOM_NET(eth0, ...) and its kin in the program's source each become one note of owner "Diatom".
 * The linker gathers them in one PT_NOTE segment:
 *
 *     +--------+--------+--------+-------------+-----------------------------+
 *     | namesz | descsz | type   | "Diatom\0"  | one struct manifest_...     |
 *     |  7     |        |        |  padded to 8|                             |
 *     +--------+--------+--------+-------------+-----------------------------+
 *
 * All fields are little-endian, all alignment is 4, there are no pointers, and unused text is NUL.
 * The host treats a manifest as hostile: lengths, NUL ends and ranges are checked (host/image).
 */
#ifndef DIATOM_ABI_MANIFEST_H
#define DIATOM_ABI_MANIFEST_H

#include <stdint.h>

#define MANIFEST_OWNER	     "Diatom"
#define MANIFEST_ABI_VERSION 1

enum manifest_type {
	MANIFEST_ABI = 1,     /* struct manifest_abi: exactly one, put there by the start code */
	MANIFEST_IMAGE = 2,   /* struct manifest_image: at most one */
	MANIFEST_NET = 3,     /* struct manifest_net */
	MANIFEST_BLOCK = 4,   /* struct manifest_block */
	MANIFEST_CONSOLE = 5, /* struct manifest_console: an input/output console, at most one */
	MANIFEST_ENTROPY =
		6,	   /* struct manifest_entropy: fresh entropy while running, at most one */
	MANIFEST_BLOB = 7, /* struct manifest_blob: a file handed over at start, read-only */
	MANIFEST_STACKS =
		8, /* struct manifest_stacks: fiber stacks; several: the largest values win */
	MANIFEST_INSIDE = 9, /* struct manifest_inside: data that a host may look at */
};

#define MANIFEST_NAME_BYTES    16 /* device names, NUL included */
#define MANIFEST_ADDRESS_BYTES 56 /* "2001:db8::1/64" as text, NUL included */

struct manifest_abi {
	uint32_t version; /* MANIFEST_ABI_VERSION */
};

struct manifest_image {
	char name[32];
	char version[32];
	uint32_t memory_mib;	 /* wanted when the user says nothing; 0: the host's default, 64 */
	uint32_t memory_min_mib; /* the host refuses to start with less; 0: no opinion */
};

struct manifest_net {
	char name[MANIFEST_NAME_BYTES];
	char ip[MANIFEST_ADDRESS_BYTES];      /* "192.0.2.53/24"; empty: from the command line */
	char gateway[MANIFEST_ADDRESS_BYTES]; /* "192.0.2.1"; empty: none */
	uint32_t mtu;			      /* 0: the device's */
	uint32_t dhcp;			      /* nonzero: ask DHCP when no address is given */
	uint32_t optional;		      /* nonzero: the image runs without it */
	char ip6[MANIFEST_ADDRESS_BYTES]; /* "2001:db8::53/64"; "off"; empty, "auto": by routers */
	char gateway6[MANIFEST_ADDRESS_BYTES]; /* "2001:db8::1"; empty: as routers advertise */
};

/* Images from before there was IPv6 have notes that end before ip6. */
#define MANIFEST_NET_BYTES_V4 140

struct manifest_block {
	char name[MANIFEST_NAME_BYTES];
	uint32_t read_only;
	uint32_t optional;
};

struct manifest_console {
	char name[MANIFEST_NAME_BYTES];
};

struct manifest_entropy {
	char name[MANIFEST_NAME_BYTES];
};

struct manifest_blob {
	char name[MANIFEST_NAME_BYTES];
	uint32_t optional;
};

struct manifest_stacks {
	uint32_t
		stack_bytes; /* of each fiber stack: a power of two, 4 KiB .. 1 MiB; 0: no opinion */
	uint32_t count_max;  /* fibers at once; 0: no opinion */
};

/*
 * Where named data of the body lies (abi/inside.h has the names): each field is the distance to its
 * target from the field's own address, which the linker knows. Empty when end == start, or when both
 * lead to the image's first byte (the data's section isn't there). At most MANIFEST_INSIDE_MAX.
 */
struct manifest_inside {
	char name[MANIFEST_NAME_BYTES];
	int32_t start, end;
};

#define MANIFEST_INSIDE_MAX	     16

#define MANIFEST_STACK_BYTES_DEFAULT 16384
#define MANIFEST_STACK_COUNT_DEFAULT 4096

/*
 * One note. `desc_type` is the struct, the rest its designated initialisers. The object is
 * `symbol`_note; its `.desc` is the struct.
 */
#define MANIFEST_NOTE(symbol, note_type, desc_type, ...)                                           \
	extern const struct symbol##_note_layout {                                                 \
		uint32_t namesz, descsz, type;                                                     \
		char owner[8];                                                                     \
		desc_type desc;                                                                    \
	} symbol##_note;                                                                           \
	__attribute__((used, aligned(4), section(".note.diatom")))                                 \
	const struct symbol##_note_layout symbol##_note = { sizeof(MANIFEST_OWNER),                \
		sizeof(desc_type), note_type, MANIFEST_OWNER, { __VA_ARGS__ } }

/*
 * A MANIFEST_INSIDE note: `name` and the two symbols (or expressions of the assembler) are string
 * literals. It belongs into the .c file that defines the data, which must be `used` and not static:
 *
 *     MANIFEST_INSIDE_NOTE("log", "log_ring", "log_ring + 3848");
 */
#define MANIFEST_INSIDE_NOTE(name, start, end)                                                     \
	__asm__(".pushsection .note.diatom, \"a\", @note\n"                                        \
		"	.balign 4\n"                                                                     \
		"	.long 7, 24, 9\n"                                                                \
		"	.asciz \"Diatom\"\n"                                                             \
		"	.byte 0\n"                                                                       \
		"771:	.ascii \"" name "\"\n"                                                     \
		"	.zero 16 - (. - 771b)\n"                                                         \
		"	.long " start " - .\n"                                                     \
		"	.long " end " - .\n"                                                       \
		"	.popsection")

_Static_assert(sizeof(struct manifest_inside) == 24, "manifest_inside is a wire format");
_Static_assert(sizeof(struct manifest_image) == 72, "manifest_image is a wire format");
_Static_assert(sizeof(struct manifest_net) == 252, "manifest_net is a wire format");
_Static_assert(sizeof(struct manifest_block) == 24, "manifest_block is a wire format");
_Static_assert(sizeof(struct manifest_blob) == 20, "manifest_blob is a wire format");
_Static_assert(sizeof(struct manifest_stacks) == 8, "manifest_stacks is a wire format");

#endif
