/*
 * A call's memory must be the body's, in one piece. Anything else is the body's crash, not an error
 * to return: a correct body can't make such a call.
 */
#include "host/monitor/calls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi/call.h"
#include "host/monitor/crash.h"
#include "host/monitor/sleep.h"

#define CRASH_TEXT_MAX 1024

/* The host's address of the body's bytes, or NULL after the guest was ended. */
static void *body_bytes(struct guest *guest, uint64_t address, uint64_t length)
{
	uint64_t physical = layout_physical(&guest->layout, address, length);

	if (physical != UINT64_MAX)
		return guest->host + physical;
	crash_call(guest, "platform call with memory that is not the body's");
	return NULL;
}

static void write_console(struct guest *guest, uint64_t address, uint64_t length)
{
	struct iovec part = { body_bytes(guest, address, length), length };

	if (part.iov_base != NULL)
		console_write(STDOUT_FILENO, &part, 1);
}

static void crash(struct guest *guest, uint64_t address, uint64_t length)
{
	uint64_t shown = length < CRASH_TEXT_MAX ? length : CRASH_TEXT_MAX;
	const char *bytes = body_bytes(guest, address, shown);
	char text[CRASH_TEXT_MAX + 1];

	if (bytes == NULL)
		return;
	memcpy(text, bytes, shown);
	text[shown] = 0;
	crash_told(guest, text);
}

void calls_act(struct guest *guest)
{
	const struct kvm_regs *registers = &guest->vcpu.run->s.regs.regs;
	uint32_t number = (uint32_t)registers->rdi;

	switch (number) {
	case CALL_SLEEP:
		sleep_until(guest, (int64_t)registers->rsi);
		break;
	case CALL_EXIT:
		sleep_serve(guest);
		guest_end(guest, (int)(registers->rsi & 0xff));
		break;
	case CALL_CONSOLE:
		write_console(guest, registers->rsi, registers->rdx);
		break;
	case CALL_CRASH:
		crash(guest, registers->rsi, registers->rdx);
		break;
	default:
		crash_call(guest, "platform call that does not exist");
	}
}
