/*
 * A core file's notes: process, threads, auxiliary vector, as Linux writes them (elfcore(5) of the
 * kernel's struct elf_prstatus and elf_prpsinfo).
 */
#ifndef DIATOM_HOST_CRASH_CORE_NOTES_H
#define DIATOM_HOST_CRASH_CORE_NOTES_H

#include "host/crash/core_out.h"
#include "host/crash/report.h"

/* Puts them; the same every time for the same report. */
void core_notes_put(struct core_out *out, const struct crash_report *report);

#endif
