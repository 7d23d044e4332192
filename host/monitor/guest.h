/*
 * A running guest: all that the monitor knows of it. Made by monitor.c; the other files of the run
 * loop (signals, sleep, calls, crash) each look after a part of it.
 */
#ifndef DIATOM_MONITOR_GUEST_H
#define DIATOM_MONITOR_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/boot.h"
#include "host/monitor/console.h"
#include "host/monitor/entropy.h"
#include "host/monitor/layout.h"
#include "host/monitor/memory.h"
#include "host/monitor/net.h"
#include "host/monitor/vcpu.h"

struct debugger;
struct image;
struct debug_file;
struct core_file;
struct ring;

struct guest {
	const char *name; /* for messages */
	const struct image *image;
	uint8_t *host; /* guest-physical 0 */
	struct layout layout;
	struct guest_memory memory; /* what devices may reach */
	struct vcpu vcpu;
	struct boot_info *boot;
	struct boot_host_page *page;
	int64_t spin_ns;
	bool has_helper; /* struct run_config */

	unsigned device_count;
	struct device *devices[BOOT_DEVICES_MAX];
	struct pcap *pcap;	   /* NULL: none */
	struct debug_file *debug;  /* for crashes; NULL: none */
	struct core_file *core;	   /* NULL: none */
	struct debugger *debugger; /* NULL: no gdb */
	struct ring *trace;	   /* of the monitor's own doings; NULL: none */

	bool is_ended;
	int exit_code;
	uint64_t exits, sleeps;
};

/* Ends the run loop. */
static inline void guest_end(struct guest *guest, int code)
{
	guest->is_ended = true;
	guest->exit_code = code;
}

#endif
