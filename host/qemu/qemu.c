/* The QEMU target, step by step: see qemu.h. */
#include "host/qemu/qemu.h"

#include <stdio.h>
#include <unistd.h>

#include "host/qemu/command.h"
#include "host/qemu/guest.h"
#include "host/qemu/machine.h"
#include "host/qemu/shell.h"
#include "host/report.h"

static int print(
	const struct run_config *config, const struct image *image, struct command *command)
{
	static const struct command_ends none = { -1, -1, -1, -1, -1, -1 };
	int code = qemu_command(command, config, image, &none);

	if (code == 0 && !shell_print(command))
		code = report_error(EXIT_HOST_LACKS, NULL, "--print: standard output: %m");
	return code;
}

int qemu_run(const struct run_config *config, struct image *image)
{
	static struct command command;
	static struct guest guest;
	static char target[64];
	enum run_accel accel;
	int code;

	if (config->qemu.is_printed)
		return print(config, image, &command);
	code = machine_accel(config, &accel);
	if (code == 0)
		code = guest_open(&guest, config, image);
	if (code == 0)
		code = qemu_command(&command, config, image, &guest.ends);
	if (code != 0)
		return code;
	snprintf(target, sizeof(target), "QEMU %s (%s)", machine_of(config->qemu.machine)->name,
		accel == RUN_ACCEL_KVM ? "KVM" : "TCG");
	guest.target = target;
	if (config->pcap_fd >= 0)
		close(config->pcap_fd); /* it can be written: QEMU opens it itself */
	return guest_run(&guest, config, &command);
}
