/*
 * COM1 is a 16550: when its transmitter is empty, its FIFO takes 16 bytes at once.
 */
#include "shim/console.h"

#include "shim/machine.h"

#define FIFO_BYTES 16

/* Registers, from the port on. */
enum {
	DATA = 0,
	INTERRUPTS = 1,
	FIFO = 2,
	LINE_CONTROL = 3,
	MODEM_CONTROL = 4,
	LINE_STATUS = 5,
};

enum { HAS_INPUT = 1, IS_EMPTY = 0x20, ABSENT = 0xff };

volatile bool console_has_input;
static bool has_report, has_console;

static uint8_t line_status(void)
{
	return port_read8(SHIM_CONSOLE_PORT + LINE_STATUS);
}

void console_begin(void)
{
	has_report = port_read8(SHIM_REPORT_PORT) == SHIM_REPORT_PORT;
	has_console = line_status() != ABSENT;
	if (!has_console)
		return;
	port_write8(SHIM_CONSOLE_PORT + LINE_CONTROL, 3); /* 8 bits, no parity */
	port_write8(SHIM_CONSOLE_PORT + FIFO, 1);
	port_write8(SHIM_CONSOLE_PORT + INTERRUPTS, 1); /* input */
	port_write8(
		SHIM_CONSOLE_PORT + MODEM_CONTROL, 0xb); /* DTR, RTS, interrupts reach the CPU */
}

void console_write(const void *bytes, uint64_t length)
{
	const uint8_t *at = bytes;

	while (has_console && length > 0) {
		uint64_t now = length < FIFO_BYTES ? length : FIFO_BYTES;

		while ((line_status() & IS_EMPTY) == 0)
			__builtin_ia32_pause();
		port_write_bytes(SHIM_CONSOLE_PORT + DATA, at, now);
		at += now;
		length -= now;
	}
}

bool console_wants_finish(void)
{
	if (!console_has_input)
		return false;
	console_has_input = false;
	while ((line_status() & HAS_INPUT) != 0 && has_console)
		if (port_read8(SHIM_CONSOLE_PORT + DATA) == SHIM_FINISH) {
			console_has_input = true; /* there may be more */
			return true;
		}
	return false;
}

void report_byte(uint8_t byte)
{
	if (has_report)
		port_write8(SHIM_REPORT_PORT, byte);
}

void report_mark(enum shim_mark mark)
{
	report_byte((uint8_t)mark);
}

static void put(const char *bytes, uint64_t length)
{
	if (has_report)
		port_write_bytes(SHIM_REPORT_PORT, bytes, length);
	else
		console_write(bytes, length);
}

void say(const char *text)
{
	uint64_t length = 0;

	while (text[length] != '\0')
		length++;
	put(text, length);
}

void say_bytes(const char *bytes, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		char one = bytes[i];

		if ((one < ' ' || one > '~') && one != '\n')
			one = '?';
		put(&one, 1);
	}
}

static void say_digits(uint64_t value, unsigned base, unsigned least)
{
	char digits[24];
	unsigned n = sizeof(digits);

	do {
		digits[--n] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0 || sizeof(digits) - n < least);
	put(digits + n, sizeof(digits) - n);
}

void say_number(uint64_t value)
{
	say_digits(value, 10, 1);
}

void say_hex(uint64_t value, unsigned least_digits)
{
	say_digits(value, 16, least_digits);
}
