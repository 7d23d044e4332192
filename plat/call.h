/*
 * Calls of code that the host put into the body's address space: the platform call stub of
 * abi/call.h and the clock function of boot info. Written in assembly (call.S), because
 * control-flow integrity rightly refuses such targets in C.
 */
#ifndef DIATOM_PLAT_CALL_H
#define DIATOM_PLAT_CALL_H

#include <stdint.h>

/* Calls `entry` with edi = first, rsi = second, rdx = third, and returns its rax. */
long call_entry(uint64_t entry, uint32_t first, uint64_t second, uint64_t third);

#endif
