/*
 * The initial ramdisk: the files that the image is handed, one after the other, each from a page on.
 */
#ifndef DIATOM_QEMU_FILES_H
#define DIATOM_QEMU_FILES_H

#include "host/run.h"

/* A descriptor of it in memory, not inherited; -1: there are no files. 0 in *code, or the exit code after
 * having said what failed. */
int files_ramdisk(const struct run_config *config, int *code);

#endif
