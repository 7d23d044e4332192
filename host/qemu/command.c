/*
 * QEMU's own syntax: a value's parts stand between commas, and a comma in a part is doubled. -kernel and
 * -append take their word as it is.
 */
#include "host/qemu/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/shim.h"
#include "host/options.h"
#include "host/qemu/line.h"
#include "host/qemu/machine.h"
#include "host/report.h"

#define MIB (UINT64_C(1) << 20)

static void add_all(struct command *command, const char *const *words)
{
	for (; *words != NULL; words++)
		command_add(command, "%s", *words);
}

/* A copy with its commas doubled; for the rest of the process. */
static char *double_commas(const char *text)
{
	char *copy = malloc(2 * strlen(text) + 1), *at = copy;

	if (copy == NULL)
		exit(report_error(EXIT_OUT_OF_MEMORY, NULL, "out of memory"));
	for (; *text != '\0'; text++) {
		if (*text == ',')
			*at++ = ',';
		*at++ = *text;
	}
	*at = '\0';
	return copy;
}

static void add_machine(struct command *command, const struct run_config *config,
	enum run_accel accel, const struct command_ends *ends)
{
	static const char *const always[] = { "-nodefaults", "-no-user-config", "-no-reboot",
		"-display", "none", NULL };
	const struct machine *machine = machine_of(config->qemu.machine);
	const char *cpu = config->qemu.cpu != NULL ? config->qemu.cpu : machine_cpu(accel);

	command_add(command, QEMU_PROGRAM);
	command_add(command, "-machine");
	command_add(command, "%s%s", machine->option,
		ends->memory >= 0 ? ",memory-backend=memory" : "");
	command_add(command, "-accel");
	command_add(command, accel == RUN_ACCEL_KVM ? "kvm" : "tcg");
	command_add(command, "-cpu");
	command_add(command, "%s", cpu);
	command_add(command, "-m");
	command_add(command, "%lluM", (unsigned long long)(config->memory_bytes / MIB));
	if (ends->memory >= 0) {
		command_add(command, "-object");
		command_add(command,
			"memory-backend-file,id=memory,share=on,mem-path=/proc/self/fd/%d,size=%lluM",
			ends->memory, (unsigned long long)(config->memory_bytes / MIB));
	}
	add_all(command, always);
	add_all(command, machine->more);
}

/*
 * What an emulator that was taken over can't do any more: it needs none of it. As root it changes to
 * nobody, once all is open, which the stricter sandbox would forbid.
 */
static void add_jail(struct command *command, const struct run_config *config)
{
	bool drops_root = geteuid() == 0 && !config->qemu.is_printed;

	command_add(command, "-sandbox");
	command_add(command,
		"on,obsolete=deny,elevateprivileges=%s,spawn=deny,resourcecontrol=deny",
		drops_root ? "allow" : "deny");
	if (!drops_root)
		return;
	command_add(command, "-runas");
	command_add(command, "nobody");
}

/* The ports of abi/shim.h. */
static void add_ports(struct command *command, const struct command_ends *ends)
{
	if (ends->console < 0) {
		command_add(command, "-serial");
		command_add(command, "mon:stdio");
	} else {
		command_add(command, "-chardev");
		command_add(command, "socket,id=console,fd=%d", ends->console);
		command_add(command, "-serial");
		command_add(command, "chardev:console");
		command_add(command, "-chardev");
		command_add(command, "socket,id=report,fd=%d", ends->report);
		command_add(command, "-device");
		command_add(command, "isa-debugcon,chardev=report,iobase=%#x", SHIM_REPORT_PORT);
	}
	command_add(command, "-device");
	command_add(command, "isa-debug-exit,iobase=%#x,iosize=4", SHIM_EXIT_PORT);
}

/* It stands until its gdb server says otherwise. */
static void add_gdb(struct command *command, const struct command_ends *ends)
{
	if (ends->gdb < 0)
		return;
	command_add(command, "-chardev");
	command_add(command, "socket,id=gdb,fd=%d", ends->gdb);
	command_add(command, "-gdb");
	command_add(command, "chardev:gdb");
	command_add(command, "-S");
}

static void add_capture(struct command *command, const struct run_config *config, unsigned i)
{
	char *path = double_commas(config->qemu.pcap);

	command_add(command, "-object");
	/* One file an interface: the others' names end with theirs. */
	if (i == 0)
		command_add(command, "filter-dump,id=dump%u,netdev=net%u,file=%s", i, i, path);
	else
		command_add(command, "filter-dump,id=dump%u,netdev=net%u,file=%s.%s", i, i, path,
			double_commas(config->nets[i].name));
	free(path);
}

/* "10.0.2.15/24": the address alone. */
static const char *address_of(const struct run_net *net)
{
	static char address[sizeof(net->ip)];

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(net->ip, "/"), net->ip);
	return address;
}

/* QEMU's own user network, with the ports of -p. */
static void add_user(struct command *command, const struct run_config *config,
	const struct run_net *net, unsigned i)
{
	char text[64 + OPTIONS_FORWARDS_MAX * 2 * 96];
	size_t used = (size_t)snprintf(text, sizeof(text), "user,id=net%u,ipv6=off,net=%s,host=%s",
		i, net->ip, net->gateway);

	for (unsigned n = 0; n < config->qemu.forward_count; n++) {
		const struct options_forward *f = &config->qemu.forwards[n];

		for (int udp = 0; udp < 2; udp++)
			if (udp ? f->is_udp : f->is_tcp)
				used += (size_t)snprintf(text + used, sizeof(text) - used,
					",hostfwd=%s:%s:%u-%s:%u", udp ? "udp" : "tcp", f->address,
					f->host, address_of(net), f->guest);
	}
	command_add(command, "%s", text);
}

static void add_backend(struct command *command, const struct run_config *config,
	const struct run_net *net, unsigned i)
{
	command_add(command, "-netdev");
	if (net->tap[0] == '\0')
		add_user(command, config, net, i);
	else if (net->fd >= 0)
		command_add(command, "tap,id=net%u,fd=%d", i, net->fd);
	else
		command_add(command, "tap,id=net%u,ifname=%s,script=no,downscript=no%s", i,
			double_commas(net->tap), net->is_plain ? ",vnet_hdr=off" : "");
}

static void add_nets(struct command *command, const struct run_config *config)
{
	const struct machine *machine = machine_of(config->qemu.machine);

	for (unsigned i = 0; i < config->net_count; i++) {
		const struct run_net *net = &config->nets[i];

		add_backend(command, config, net, i);
		command_add(command, "-device");
		command_add(command, "%s,netdev=net%u,mac=%02x:%02x:%02x:%02x:%02x:%02x",
			machine->net, i, net->mac[0], net->mac[1], net->mac[2], net->mac[3],
			net->mac[4], net->mac[5]);
		if (config->qemu.pcap != NULL)
			add_capture(command, config, i);
	}
}

static void add_others(struct command *command, const struct run_config *config,
	const struct image *image, const struct command_ends *ends)
{
	const struct machine *machine = machine_of(config->qemu.machine);

	if (image->console.name[0] != '\0') {
		command_add(command, "-chardev");
		if (ends->input >= 0)
			command_add(command, "socket,id=input,fd=%d", ends->input);
		else
			command_add(command, "null,id=input");
		command_add(command, "-device");
		command_add(command, "%s,max_ports=1", machine->serial);
		command_add(command, "-device");
		command_add(command, "virtconsole,chardev=input");
	}
	if (image->entropy.name[0] != '\0') {
		command_add(command, "-device");
		command_add(command, "%s", machine->entropy);
	}
}

static int add_files(
	struct command *command, const struct run_config *config, const struct command_ends *ends)
{
	if (config->blob_count == 0)
		return 0;
	if (ends->files < 0 && config->blob_count > 1)
		return report_error(EXIT_USAGE, "leave --print out, or hand over one file",
			"--print: a ramdisk of %u files can't be said in a command",
			config->blob_count);
	command_add(command, "-initrd");
	if (ends->files >= 0)
		command_add(command, "/proc/self/fd/%d", ends->files);
	else
		command_add(command, "%s", config->blobs[0].path);
	return 0;
}

int qemu_command(struct command *command, const struct run_config *config,
	const struct image *image, const struct command_ends *ends)
{
	static char line[SHIM_COMMAND_LINE_MAX];
	enum run_accel accel;
	int code = machine_accel(config, &accel);

	if (code == 0)
		code = line_write(config, line, sizeof(line));
	if (code != 0)
		return code;
	add_machine(command, config, accel, ends);
	add_jail(command, config);
	add_ports(command, ends);
	add_gdb(command, ends);
	add_nets(command, config);
	add_others(command, config, image, ends);
	code = add_files(command, config, ends);
	command_add(command, "-kernel");
	command_add(command, "%s", config->arguments[0]);
	command_add(command, "-append");
	command_add(command, "%s", line);
	return code;
}
