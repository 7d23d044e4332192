/*
 * The end: of the image with its exit code, or of a start that can't be.
 */
#ifndef DIATOM_SHIM_POWER_H
#define DIATOM_SHIM_POWER_H

#include <stddef.h>
#include <stdint.h>

/* Ends the virtual machine with an exit code as whoever started it can get it (abi/shim.h). */
_Noreturn void power_off(uint8_t code);

/* Says "diatom: WHAT DETAIL" and what to do, and ends with that code of enum diatom_exit. `detail` may
 * be NULL; it is foreign text. */
_Noreturn void refuse(uint8_t code, const char *what, const char *detail, const char *remedy);

#endif
