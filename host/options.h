/*
 * The command line of `diatom run`, taken apart and checked word by word. What it says about the
 * image (names of devices) is checked later, against the manifest.
 */
#ifndef DIATOM_HOST_OPTIONS_H
#define DIATOM_HOST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/boot.h"
#include "abi/manifest.h"
#include "host/run.h"

enum options_target {
	TARGET_ANY, /* a VM if it can be, else a process */
	TARGET_VM,
	TARGET_PROCESS,
	TARGET_QEMU,
};

enum options_net_kind { NET_USER, NET_TAP, NET_PACKET, NET_FD };

/* --net [NAME=]KIND[:WHAT][,ip=PREFIX][,gw=ADDRESS][,ip6=PREFIX|auto|off][,gw6=ADDRESS][,mac=MAC]
 * [,offload=on|off] */
struct options_net {
	char name[MANIFEST_NAME_BYTES]; /* empty: the image's only one */
	enum options_net_kind kind;
	char interface[16]; /* NET_TAP, NET_PACKET: of the host */
	int fd;		    /* NET_FD: inherited */
	char ip[MANIFEST_ADDRESS_BYTES];
	char gateway[MANIFEST_ADDRESS_BYTES];
	char ip6[MANIFEST_ADDRESS_BYTES]; /* or "auto", "off" */
	char gateway6[MANIFEST_ADDRESS_BYTES];
	uint8_t mac[6];
	bool has_mac;
	bool is_plain; /* NET_TAP: frames as on a wire, without offloads */
};

#define OPTIONS_FORWARDS_MAX 32

/* -p [ADDRESS:]HOST:GUEST[/tcp|/udp] */
struct options_forward {
	char address[46]; /* of the host, of either family, without brackets */
	uint16_t host, guest;
	bool is_tcp, is_udp;
};

/* --file NAME=PATH */
struct options_file {
	char name[MANIFEST_NAME_BYTES];
	const char *path;
};

struct options {
	enum options_target target;
	uint64_t memory_mib; /* 0: not said */
	struct options_net nets[BOOT_DEVICES_MAX];
	unsigned net_count;
	struct options_forward forwards[OPTIONS_FORWARDS_MAX];
	unsigned forward_count;
	struct options_file files[BOOT_BLOBS_MAX];
	unsigned file_count;
	const char *pcap;     /* NULL: none */
	const char *gdb;      /* NULL: none; a port or unix:PATH */
	const char *core;     /* NULL: none */
	struct run_qemu qemu; /* but for pcap and forwards */
	int64_t timeout_ns;
	int64_t spin_ns; /* -1: not said */
	uint32_t log_level;
	char name[64]; /* empty: none */
	bool is_detached;
	bool is_quiet, is_dumpable, wants_help;
	const char *needs_qemu; /* an option that was given and has a meaning for QEMU alone */
	const char *image;
	int argument_count; /* with the image's path as [0] */
	char **arguments;
};

/* The value of one --net, of one -p: taken apart and added. 0, or the exit code after having said what
 * is wrong. */
int options_take_net(struct options *options, const char *value);
int options_take_forward(struct options *options, const char *value);

/* A whole decimal number of at most `most`, filling the text. */
bool options_parse_number(const char *text, uint32_t most, uint32_t *out);

/* Copies [start, start + length) into a field as text; false if it is empty or too long. */
bool options_keep(char *field, size_t room, const char *start, size_t length);

/* Reads the words after "run". 0, or the exit code after having said what is wrong. */
int options_parse(struct options *options, int argc, char **argv);

/* Does the next word belong to this one ("--mem", but not "--mem=64", "--quiet" or "-q")? For commands
 * that have options of their own among these. */
bool options_takes_next(const char *word);

#endif
