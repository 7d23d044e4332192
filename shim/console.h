/*
 * The serial console, and the words of the shim's own (abi/shim.h: console, report).
 */
#ifndef DIATOM_SHIM_CONSOLE_H
#define DIATOM_SHIM_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/shim.h"

/* Finds out what is there. */
void console_begin(void);

/* The body's bytes. Waits while the other side doesn't take them. Nothing when there is no COM1. */
void console_write(const void *bytes, uint64_t length);

/* True once for each SHIM_FINISH that came. */
bool console_wants_finish(void);

/* Set by the interrupt of COM1. */
extern volatile bool console_has_input;

/* A mark to the report port; nothing where there is none. */
void report_mark(enum shim_mark mark);
void report_byte(uint8_t byte);

/* To the report port, or the console. */
void say(const char *text);
void say_bytes(const char *bytes, uint64_t length); /* foreign: what no terminal obeys */
void say_number(uint64_t value);
void say_hex(uint64_t value, unsigned least_digits);

#endif
