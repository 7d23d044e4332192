/*
 * Each option is a row: its name and the function that takes its value. "--name value" and
 * "--name=value" are the same. Options end at the first word that is none: the image.
 */
#include "host/options.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "abi/call.h"
#include "abi/log.h"
#include "host/nettext.h"
#include "host/report.h"

#define MEMORY_MIB_MAX (1 << 20)
#define TIMEOUT_S_MAX  100000000 /* three years */
#define SPIN_US_MAX    1000000
#define SEE_HELP       "all options:  diatom run --help"
#define NET_FORM       "the form is:  --net NAME=tap:TAP[,ip=ADDRESS/BITS][,gw=ADDRESS][,mac=MAC]"

static int complain(const char *option, const char *value, const char *remedy)
{
	return report_error(EXIT_USAGE, remedy, "--%s: \"%s\" won't do", option, value);
}

/* A decimal number with at most `decimals` digits after a point, scaled by 10^decimals. */
static bool parse_decimal(const char *text, unsigned decimals, int64_t most, int64_t *out)
{
	int64_t value = 0;
	const char *start = text;

	for (; *text >= '0' && *text <= '9'; text++) {
		value = value * 10 + (*text - '0');
		if (value > most)
			return false;
	}
	if (text == start)
		return false;
	if (*text == '.' && decimals > 0 && text[1] != '\0')
		text++;
	else if (*text != '\0')
		return false;
	for (; decimals > 0; decimals--)
		value = value * 10 + (*text >= '0' && *text <= '9' ? *text++ - '0' : 0);
	*out = value;
	return *text == '\0';
}

static int take_as(struct options *options, const char *value)
{
	if (strcmp(value, "vm") == 0)
		options->target = TARGET_VM;
	else if (strcmp(value, "process") == 0)
		options->target = TARGET_PROCESS;
	else if (strcmp(value, "qemu") == 0)
		options->target = TARGET_QEMU;
	else
		return complain("as", value, "say --as vm, --as process or --as qemu");
	return 0;
}

static int take_machine(struct options *options, const char *value)
{
	if (strcmp(value, "microvm") == 0)
		options->qemu.machine = RUN_MICROVM;
	else if (strcmp(value, "q35") == 0)
		options->qemu.machine = RUN_Q35;
	else
		return complain("machine", value, "say --machine microvm or --machine q35");
	options->needs_qemu = "machine";
	return 0;
}

static int take_accel(struct options *options, const char *value)
{
	if (strcmp(value, "tcg") == 0)
		options->qemu.accel = RUN_ACCEL_TCG;
	else if (strcmp(value, "kvm") == 0)
		options->qemu.accel = RUN_ACCEL_KVM;
	else
		return complain("accel", value, "say --accel tcg or --accel kvm");
	options->needs_qemu = "accel";
	return 0;
}

static int take_cpu(struct options *options, const char *value)
{
	if (value[0] == '\0')
		return complain(
			"cpu", value, "name a model of QEMU's:  qemu-system-x86_64 -cpu help");
	options->qemu.cpu = value;
	options->needs_qemu = "cpu";
	return 0;
}

static int take_print(struct options *options, const char *value)
{
	options->qemu.is_printed = true;
	options->needs_qemu = "print";
	return 0;
}

static int take_mem(struct options *options, const char *value)
{
	int64_t mib;

	if (!parse_decimal(value, 0, MEMORY_MIB_MAX, &mib) || mib == 0)
		return complain("mem", value, "say how many MiB of memory, for instance --mem 64");
	options->memory_mib = (uint64_t)mib;
	return 0;
}

/* Copies [start, start + length) into a field; false if it is empty or too long. */
static bool keep(char *field, size_t room, const char *start, size_t length)
{
	if (length == 0 || length >= room)
		return false;
	memcpy(field, start, length);
	field[length] = '\0';
	return true;
}

static bool has_key(const char *word, size_t length, const char *key)
{
	return length > strlen(key) && strncmp(word, key, strlen(key)) == 0;
}

/* One ",key=value" of --net. NULL, or what to do. */
static const char *take_net_part(struct options_net *net, const char *word, size_t length)
{
	char mac[32];

	if (has_key(word, length, "ip=")) {
		if (!keep(net->ip, sizeof(net->ip), word + 3, length - 3) ||
			!nettext_is_prefix(net->ip))
			return "ip= takes an address and its network's length: ip=10.0.0.2/24";
	} else if (has_key(word, length, "gw=")) {
		if (!keep(net->gateway, sizeof(net->gateway), word + 3, length - 3) ||
			!nettext_is_address(net->gateway))
			return "gw= takes an address: gw=10.0.0.1";
	} else if (has_key(word, length, "mac=")) {
		net->has_mac = true;
		if (!keep(mac, sizeof(mac), word + 4, length - 4) || !nettext_to_mac(mac, net->mac))
			return "mac= takes a unicast address: mac=52:54:00:12:34:56";
	} else {
		return NET_FORM;
	}
	return NULL;
}

static int take_net(struct options *options, const char *value)
{
	struct options_net *net = &options->nets[options->net_count];
	const char *equals = strchr(value, '='), *word, *wrong;
	size_t length;

	if (options->net_count == BOOT_DEVICES_MAX - 2)
		return report_error(EXIT_USAGE, NULL, "--net: at most %d network interfaces",
			BOOT_DEVICES_MAX - 2);
	memset(net, 0, sizeof(*net));
	if (equals == NULL || strncmp(equals, "=tap:", 5) != 0 ||
		!keep(net->name, sizeof(net->name), value, (size_t)(equals - value)))
		return complain("net", value, NET_FORM);
	word = equals + strlen("=tap:");
	length = strcspn(word, ",");
	if (!keep(net->tap, sizeof(net->tap), word, length))
		return complain("net", value, "a tap's name has 1 to 15 characters");
	while (word[length] == ',') {
		word += length + 1;
		length = strcspn(word, ",");
		wrong = take_net_part(net, word, length);
		if (wrong != NULL)
			return complain("net", value, wrong);
	}
	for (unsigned i = 0; i < options->net_count; i++)
		if (strcmp(options->nets[i].name, net->name) == 0)
			return report_error(
				EXIT_USAGE, NULL, "--net: \"%s\" is given twice", net->name);
	options->net_count++;
	return 0;
}

static int take_file(struct options *options, const char *value)
{
	struct options_file *file = &options->files[options->file_count];
	const char *equals = strchr(value, '=');

	if (options->file_count == BOOT_BLOBS_MAX)
		return report_error(EXIT_USAGE, NULL, "--file: at most %d files", BOOT_BLOBS_MAX);
	if (equals == NULL || equals[1] == '\0' ||
		!keep(file->name, sizeof(file->name), value, (size_t)(equals - value)))
		return complain("file", value, "the form is:  --file NAME=PATH");
	for (unsigned i = 0; i < options->file_count; i++)
		if (strcmp(options->files[i].name, file->name) == 0)
			return report_error(
				EXIT_USAGE, NULL, "--file: \"%s\" is given twice", file->name);
	file->path = equals + 1;
	options->file_count++;
	return 0;
}

static int take_pcap(struct options *options, const char *value)
{
	if (value[0] == '\0')
		return complain("pcap", value, "name the file to write");
	options->pcap = value;
	return 0;
}

static int take_timeout(struct options *options, const char *value)
{
	if (!parse_decimal(value, 9, TIMEOUT_S_MAX, &options->timeout_ns) ||
		options->timeout_ns == 0)
		return complain(
			"timeout", value, "say how many seconds, for instance --timeout 2.5");
	return 0;
}

static int take_spin(struct options *options, const char *value)
{
	if (!parse_decimal(value, 3, SPIN_US_MAX, &options->spin_ns))
		return complain(
			"spin", value, "say how many microseconds (at most a second): --spin 50");
	return 0;
}

static int take_log(struct options *options, const char *value)
{
	static const char *const levels[] = {
		[LOG_ERROR] = "error",
		[LOG_WARNING] = "warning",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	for (uint32_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(value, levels[i]) == 0) {
			options->log_level = i;
			return 0;
		}
	}
	return complain("log", value, "say error, warning, info or debug");
}

static int take_quiet(struct options *options, const char *value)
{
	options->is_quiet = true;
	return 0;
}

static int take_dumpable(struct options *options, const char *value)
{
	options->is_dumpable = true;
	return 0;
}

static int take_help(struct options *options, const char *value)
{
	options->wants_help = true;
	return 0;
}

static const struct option {
	const char *name;
	bool has_value;
	int (*take)(struct options *options, const char *value);
} table[] = {
	{ "as", true, take_as },
	{ "machine", true, take_machine },
	{ "accel", true, take_accel },
	{ "cpu", true, take_cpu },
	{ "print", false, take_print },
	{ "mem", true, take_mem },
	{ "net", true, take_net },
	{ "file", true, take_file },
	{ "pcap", true, take_pcap },
	{ "timeout", true, take_timeout },
	{ "spin", true, take_spin },
	{ "log", true, take_log },
	{ "quiet", false, take_quiet },
	{ "dumpable", false, take_dumpable },
	{ "help", false, take_help },
};

#define OPTION_COUNT (sizeof(table) / sizeof(table[0]))

static int unknown(const char *word, const char *name)
{
	const char *names[OPTION_COUNT + 1] = { 0 }, *near;
	char remedy[96];

	for (size_t i = 0; i < OPTION_COUNT; i++)
		names[i] = table[i].name;
	near = report_nearest(name, names);
	snprintf(remedy, sizeof(remedy), "did you mean --%s?  " SEE_HELP, near ? near : "");
	return report_error(
		EXIT_USAGE, near ? remedy : SEE_HELP, "there is no option \"%s\"", word);
}

/* Takes the option at argv[*at] and its value; moves *at past both. */
static int take_option(struct options *options, int argc, char **argv, int *at)
{
	const char *word = argv[(*at)++], *equals = strchr(word, '=');
	char name[24] = "";

	if (strcmp(word, "-h") == 0)
		return take_help(options, NULL);
	if (strcmp(word, "-q") == 0)
		return take_quiet(options, NULL);
	if (word[1] != '-' || !keep(name, sizeof(name), word + 2,
				      equals ? (size_t)(equals - word - 2) : strlen(word + 2)))
		return unknown(word, name);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *option = &table[i];

		if (strcmp(option->name, name) != 0)
			continue;
		if (!option->has_value && equals != NULL)
			return report_error(EXIT_USAGE, SEE_HELP, "--%s takes no value", name);
		if (option->has_value && equals == NULL && *at == argc)
			return report_error(EXIT_USAGE, SEE_HELP, "--%s needs a value", name);
		if (!option->has_value)
			return option->take(options, NULL);
		return option->take(options, equals ? equals + 1 : argv[(*at)++]);
	}
	return unknown(word, name);
}

int options_parse(struct options *options, int argc, char **argv)
{
	int at = 0;

	memset(options, 0, sizeof(*options));
	options->spin_ns = -1;
	options->log_level = LOG_WARNING;
	while (at < argc && argv[at][0] == '-') {
		int code;

		if (strcmp(argv[at], "--") == 0) {
			at++;
			break;
		}
		code = take_option(options, argc, argv, &at);
		if (code != 0)
			return code;
	}
	if (options->wants_help)
		return 0;
	if (options->needs_qemu != NULL && options->target != TARGET_QEMU)
		return report_error(
			EXIT_USAGE, "say --as qemu, too", "--%s is for QEMU", options->needs_qemu);
	if (at == argc)
		return report_error(EXIT_USAGE, SEE_HELP, "which image? say:  diatom run IMAGE");
	options->image = argv[at];
	options->arguments = argv + at;
	options->argument_count = argc - at;
	if (options->argument_count > BOOT_ARGUMENTS_MAX)
		return report_error(EXIT_USAGE, NULL, "more than %d arguments for the image",
			BOOT_ARGUMENTS_MAX - 1);
	return 0;
}
