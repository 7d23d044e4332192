/*
 * Platform calls of an image: the same image runs in a VM and in a process, so each call asks boot
 * info where it is. In a VM it is the host's stub (abi/call.h); in a process, plat/process.c.
 */
#include <string.h>

#include "abi/call.h"
#include "diatom/assert.h"
#include "plat/call.h"
#include "plat/plat.h"
#include "plat/process.h"

static void vm_call(enum platform_call number, uint64_t first, uint64_t second)
{
	call_entry(plat_boot->call, number, first, second);
}

void plat_shim_call(uint32_t number, uint64_t first, uint64_t second)
{
	vm_call((enum platform_call)number, first, second);
}

void plat_sleep(instant deadline)
{
	if (plat_is_vm())
		vm_call(CALL_SLEEP, (uint64_t)deadline, 0);
	else
		process_sleep(deadline);
}

_Noreturn void plat_exit(int code)
{
	if (!plat_is_vm())
		process_exit(code);
	for (;;)
		vm_call(CALL_EXIT, (uint8_t)code, 0);
}

void plat_console_write(const void *data, size_t length)
{
	if (plat_is_vm())
		vm_call(CALL_CONSOLE, (uint64_t)data, length);
	else
		process_console_write(data, length);
}

_Noreturn void plat_crash(const char *why, size_t length)
{
	if (!plat_is_vm())
		process_crash(why, length);
	for (;;)
		vm_call(CALL_CRASH, (uint64_t)why, length);
}

unsigned plat_finish_requests(void)
{
	const struct boot_host_page *page = (const struct boot_host_page *)plat_boot->host_page;

	return __atomic_load_n(&page->finish_requested, __ATOMIC_ACQUIRE);
}

uint64_t plat_physical(const void *address)
{
	const struct boot_memory *memory = &plat_boot->memory;
	uint64_t virtual = (uint64_t)address;

	if (virtual - memory->heap < memory->heap_bytes)
		return memory->heap_physical + (virtual - memory->heap);
	if (virtual - memory->image < memory->image_bytes)
		return memory->image_physical + (virtual - memory->image);
	image_crash("plat_physical: the address is neither in the heap nor in the image");
}

void plat_guard_install(void *page)
{
	if (!plat_is_vm())
		process_guard_install(page);
}

void plat_watch(int fd)
{
	if (!plat_is_vm())
		process_watch(fd);
}

void plat_unwatch(int fd)
{
	if (!plat_is_vm())
		process_unwatch(fd);
}
