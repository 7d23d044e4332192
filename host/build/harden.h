/*
 * Which hardening an image gets, told from the compiler's flags: those of every image, in mk/, and
 * the user's after them. As compilers have it, the last word counts.
 */
#ifndef DIATOM_HOST_BUILD_HARDEN_H
#define DIATOM_HOST_BUILD_HARDEN_H

#include <stdint.h>

#include "host/build/work.h"

/* enum hardening_measure */
uint32_t harden_measures(const struct work *work);

/* Takes one flag into account. */
uint32_t harden_flag(uint32_t measures, const char *flag);

#endif
