/*
 * A crash in QEMU as its host reads it, from memory in which anything may be forged: a true world, made as
 * the shim makes it, in which the fuzzer then writes words. A report must come out whole and printable, or
 * none; core file and walks must end, and nothing but the machine's memory is read.
 *
 *     input   page (1) | word in it (2) | value (8), again and again
 */
#define _GNU_SOURCE /* memfd_create */
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/crash/core.h"
#include "host/qemu/crash.h"
#include "test/machine.h"

#define CHANGES_MAX  64
#define CHANGE_BYTES 11
#define REPORT_MAX   65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct memory memory;
static uint8_t *bytes;
static struct image image;
static int report, nowhere, errors;

static void expect(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	bytes = machine_make(&memory, &image);
	expect(bytes != NULL);
	report = memfd_create("report", MFD_CLOEXEC);
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	expect(report >= 0 && nowhere >= 0 && errors >= 0);
	__sanitizer_set_report_fd((void *)(intptr_t)errors);
	return 0;
}

struct change {
	uint64_t *at, old;
};

/* Writes a word; what was there is put back by the caller, in reverse. */
static struct change forge(const uint8_t *data)
{
	static const uint64_t pages[] = { SHIM_STATE_AT, FRAME_AT, BOOT_AT, BOOT_AT + 4096,
		TABLES_AT, TABLES_AT + 0x1000, TABLES_AT + 0x2000, TABLES_AT + 0x3000,
		TABLES_AT + 0x4000, IMAGE_AT, IMAGE_AT + 0x1000, IMAGE_AT + 0x3000,
		STACK_AT + 0x1000, HEAP_AT + 0x3000 };
	uint64_t page = pages[data[0] % (sizeof(pages) / sizeof(pages[0]))];
	uint64_t word = (data[1] | (uint64_t)data[2] << 8) % (PAGE_BYTES / 8);
	struct change change = { (uint64_t *)(void *)(bytes + page) + word, 0 };

	change.old = *change.at;
	memcpy(change.at, data + 3, sizeof(*change.at));
	return change;
}

static void check_report(bool is_told)
{
	static char text[REPORT_MAX];
	ssize_t length = pread(report, text, sizeof(text), 0);

	expect(length >= 0 && (size_t)length < sizeof(text) && is_told == (length > 0));
	for (ssize_t i = 0; i < length; i++)
		expect(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run_config config = { .name = "fuzz" };
	struct core_file core = { "core", nowhere };
	struct change changes[CHANGES_MAX];
	unsigned count = 0;
	bool is_told;

	config.core = &core;
	for (; size >= CHANGE_BYTES && count < CHANGES_MAX;
		data += CHANGE_BYTES, size -= CHANGE_BYTES)
		changes[count++] = forge(data);
	expect(ftruncate(report, 0) == 0 && lseek(report, 0, SEEK_SET) == 0);
	dup2(report, STDERR_FILENO);
	is_told = crash_tell(&memory, &config, &image);
	dup2(errors, STDERR_FILENO);
	check_report(is_told);
	expect(count > 0 || is_told);
	while (count > 0) {
		count--;
		*changes[count].at = changes[count].old;
	}
	return 0;
}
