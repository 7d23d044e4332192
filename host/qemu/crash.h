/*
 * A crash in QEMU, told from the memory that the machine left behind: as VM and process tell theirs
 * (host/crash/report.h).
 */
#ifndef DIATOM_QEMU_CRASH_H
#define DIATOM_QEMU_CRASH_H

#include <stdbool.h>

#include "host/image/image.h"
#include "host/qemu/memory.h"
#include "host/run.h"

/* Prints the report and writes the core file. False: memory shows no crash of the body; nothing is said
 * then, and the shim's own words are all there is. */
bool crash_tell(struct memory *memory, const struct run_config *config, const struct image *image);

#endif
