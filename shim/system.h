/*
 * What the CPU and the interrupt controllers are told once: descriptor tables, control registers,
 * which interrupts may end a sleep.
 */
#ifndef DIATOM_SHIM_SYSTEM_H
#define DIATOM_SHIM_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>

/* The local APIC's registers: where, and their offsets. */
#define APIC UINT64_C(0xfee00000)

enum {
	APIC_SPURIOUS = 0x0f0,
	APIC_TIMER = 0x320,
	APIC_LINT0 = 0x350,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_COUNT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

/* Interrupt vectors. Each ends `hlt`; those of devices and console leave word who it was. */
enum {
	VECTOR_WAKE = 32,
	VECTOR_CONSOLE = 33,
	VECTOR_TIMER = 34,
	VECTOR_SPURIOUS = 47,
	VECTORS = 48,
};

/* Address and data of a message-signalled interrupt that wakes the shim. */
#define MESSAGE_ADDRESS 0xfee00000U
#define MESSAGE_DATA	VECTOR_WAKE

/* Descriptor tables, and the local APIC with its timer; legacy interrupts off. */
void system_begin(void);

/* Turns on what the CPU has of protections and wide registers; returns enum boot_cpu_feature. */
uint64_t system_protect(void);

/* A line of an I/O APIC (the number is global: two APICs of 24 lines), edge or level triggered. */
void system_route(uint32_t line, uint8_t vector, bool is_level);

/* Is there an I/O APIC for this line? */
bool system_has_lines(uint32_t line);

#endif
