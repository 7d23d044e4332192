/*
 * Each hypervisor has its own way out. They are tried in an order in which none does harm where it is
 * not the way: a port that nobody serves swallows what is written.
 */
#include "shim/power.h"

#include "shim/console.h"
#include "shim/machine.h"

#define PM1_CONTROL	 0x604	    /* QEMU: ACPI of q35 and pc */
#define PM1_SLEEP	 0x2000	    /* S5 is type 0 there */
#define CLOUD_HYPERVISOR 0x600	    /* its ACPI sleep register */
#define MICROVM_SLEEP	 0xfea00200 /* QEMU microvm: ACPI's generic event device */
#define ACPI_SLEEP	 0x34	    /* type 5, enable */
#define KEYBOARD_COMMAND 0x64	    /* Firecracker, and any PC: reset */
#define KEYBOARD_RESET	 0xfe

_Noreturn void power_off(uint8_t code)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_exceptions;

	report_mark(SHIM_ENDS);
	report_byte(code);
	port_write32(SHIM_EXIT_PORT, code);
	port_write16(PM1_CONTROL, PM1_SLEEP);
	port_write8(CLOUD_HYPERVISOR, ACPI_SLEEP);
	*(volatile uint8_t *)MICROVM_SLEEP = ACPI_SLEEP;
	port_write8(KEYBOARD_COMMAND, KEYBOARD_RESET);
	/* A triple fault. */
	__asm__ volatile("lidt %0; ud2" : : "m"(no_exceptions));
	__builtin_unreachable();
}

_Noreturn void refuse(uint8_t code, const char *what, const char *detail, const char *remedy)
{
	say("diatom: ");
	say(what);
	if (detail != NULL) {
		uint64_t length = 0;

		while (detail[length] != '\0')
			length++;
		say(" \"");
		say_bytes(detail, length);
		say("\"");
	}
	say("\n  ");
	say(remedy);
	say("\n");
	power_off(code);
}
