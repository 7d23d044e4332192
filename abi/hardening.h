/*
 * What an image was hardened with: a note of owner "Harden" that `diatom build` fills in, for those
 * who look into an image (`diatom inspect`). Nothing depends on it when an image starts.
 *
 * It is the compiler's word. What can be seen in the code itself is counted there.
 */
#ifndef DIATOM_ABI_HARDENING_H
#define DIATOM_ABI_HARDENING_H

#include <stdint.h>

#define HARDENING_OWNER "Harden"
#define HARDENING_NOTE	1

enum hardening_compiler {
	HARDENING_UNKNOWN = 0, /* not linked by diatom build */
	HARDENING_CLANG = 1,
	HARDENING_GCC = 2,
};

/* Each is set when it holds for all of the image: the libraries and the program's own sources. */
enum hardening_measure {
	HARDENING_STACK_PROTECTOR = 1 << 0,
	HARDENING_ZERO_INIT = 1 << 1, /* locals start as zero */
	HARDENING_CFI = 1 << 2,	      /* calls through pointers reach functions of that type only */
	HARDENING_BOUNDS = 1 << 3,    /* the rest: traps on array bounds, */
	HARDENING_OVERFLOW = 1 << 4,  /* signed overflow */
	HARDENING_SHIFT = 1 << 5,     /* and impossible shifts */
	HARDENING_SHUFFLED = 1 << 6,  /* functions and data laid out by a seed */
};

struct hardening {
	uint32_t compiler; /* enum hardening_compiler */
	uint32_t measures; /* enum hardening_measure */
};

struct hardening_note {
	uint32_t namesz, descsz, type;
	char owner[8];
	struct hardening desc;
};

_Static_assert(sizeof(struct hardening_note) == 28, "hardening_note is a wire format");

#endif
