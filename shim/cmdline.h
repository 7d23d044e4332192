/*
 * The command line (grammar: abi/shim.h), parsed in place: texts of the result point into it.
 */
#ifndef DIATOM_SHIM_CMDLINE_H
#define DIATOM_SHIM_CMDLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/boot.h"

struct cmdline_net {
	const char *name;
	const char *ip, *gateway, *ip6, *gateway6; /* "" when not given */
	uint8_t mac[6];
	bool has_mac;
	uint16_t mtu; /* 0: not given */
};

struct cmdline_file {
	const char *name;
	uint64_t bytes;
};

struct cmdline_mmio {
	uint64_t address;
	uint32_t interrupt;
};

struct cmdline {
	struct cmdline_net nets[BOOT_DEVICES_MAX];
	struct cmdline_file files[BOOT_BLOBS_MAX];
	struct cmdline_mmio mmio[BOOT_DEVICES_MAX];
	const char *arguments[BOOT_ARGUMENTS_MAX]; /* the first is the image's name */
	unsigned net_count, file_count, mmio_count, argument_count;
	uint32_t log_level;
	int64_t spin_ns;
	int64_t wall_ns; /* 0: not given */
	/* When it is wrong: */
	const char *word;   /* which word */
	const char *remedy; /* what would be right */
};

/* False: `word` and `remedy` say why. `text` is NUL-ended, and changed. */
bool cmdline_parse(struct cmdline *line, char *text);

#endif
