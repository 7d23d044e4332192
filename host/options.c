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
#include "host/named/place.h"
#include "host/report.h"

#define MEMORY_MIB_MAX (1 << 20)
#define TIMEOUT_S_MAX  100000000 /* three years */
#define SPIN_US_MAX    1000000
#define SEE_HELP       "all options:  diatom run --help"

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

bool options_parse_number(const char *text, uint32_t most, uint32_t *out)
{
	int64_t value;

	if (!parse_decimal(text, 0, most, &value))
		return false;
	*out = (uint32_t)value;
	return true;
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

bool options_keep(char *field, size_t room, const char *start, size_t length)
{
	if (length == 0 || length >= room)
		return false;
	memcpy(field, start, length);
	field[length] = '\0';
	return true;
}

static int take_file(struct options *options, const char *value)
{
	struct options_file *file = &options->files[options->file_count];
	const char *equals = strchr(value, '=');

	if (options->file_count == BOOT_BLOBS_MAX)
		return report_error(EXIT_USAGE, NULL, "--file: at most %d files", BOOT_BLOBS_MAX);
	if (equals == NULL || equals[1] == '\0' ||
		!options_keep(file->name, sizeof(file->name), value, (size_t)(equals - value)))
		return complain("file", value, "the form is:  --file NAME=PATH");
	for (unsigned i = 0; i < options->file_count; i++)
		if (strcmp(options->files[i].name, file->name) == 0)
			return report_error(
				EXIT_USAGE, NULL, "--file: \"%s\" is given twice", file->name);
	file->path = equals + 1;
	options->file_count++;
	return 0;
}

static int take_name(struct options *options, const char *value)
{
	if (!place_is_name(value))
		return complain("name", value,
			"a name has at most 63 letters, digits, '.', '_' and '-', and starts with "
			"a letter or digit");
	options_keep(options->name, sizeof(options->name), value, strlen(value));
	return 0;
}

static int take_detach(struct options *options, const char *value)
{
	options->is_detached = true;
	return 0;
}

static int take_pcap(struct options *options, const char *value)
{
	if (value[0] == '\0')
		return complain("pcap", value, "name the file to write");
	options->pcap = value;
	return 0;
}

static int take_core(struct options *options, const char *value)
{
	if (value[0] == '\0')
		return complain("core", value, "name the file to write");
	options->core = value;
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

static int take_gdb(struct options *options, const char *value)
{
	int64_t port;

	if (!parse_decimal(value, 0, UINT16_MAX, &port) &&
		(strncmp(value, "unix:", 5) != 0 || value[5] == '\0'))
		return complain("gdb", value,
			"say a port of this machine, for instance --gdb 1234, or --gdb unix:PATH");
	options->gdb = value;
	return 0;
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
	{ "net", true, options_take_net },
	{ "publish", true, options_take_forward },
	{ "file", true, take_file },
	{ "name", true, take_name },
	{ "detach", false, take_detach },
	{ "pcap", true, take_pcap },
	{ "core", true, take_core },
	{ "timeout", true, take_timeout },
	{ "spin", true, take_spin },
	{ "log", true, take_log },
	{ "gdb", true, take_gdb },
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
	if (strcmp(word, "-p") == 0)
		word = "--publish";
	if (word[1] != '-' || !options_keep(name, sizeof(name), word + 2,
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

/* A detached run that has no name is called as its image's file. */
static bool take_file_name(struct options *options)
{
	const char *slash = strrchr(options->image, '/');
	const char *name = slash != NULL ? slash + 1 : options->image;

	return place_is_name(name) &&
	       options_keep(options->name, sizeof(options->name), name, strlen(name));
}

bool options_takes_next(const char *word)
{
	if (strcmp(word, "-p") == 0)
		return true;
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strncmp(word, "--", 2) == 0 && strcmp(table[i].name, word + 2) == 0)
			return table[i].has_value;
	return false;
}

/* What a command that is only shown can't do; NULL: nothing of it was asked for. */
static const char *not_for_print(const struct options *options)
{
	if (options->gdb != NULL)
		return "gdb";
	if (options->core != NULL)
		return "core";
	if (options->is_detached)
		return "detach";
	return options->name[0] != '\0' ? "name" : NULL;
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
	if (options->qemu.is_printed && not_for_print(options) != NULL)
		return report_error(EXIT_USAGE, "leave one of the two out",
			"--%s does not go with --print", not_for_print(options));
	if (at == argc)
		return report_error(EXIT_USAGE, SEE_HELP, "which image? say:  diatom run IMAGE");
	options->image = argv[at];
	options->arguments = argv + at;
	if (options->is_detached && options->name[0] == '\0' && !take_file_name(options))
		return report_error(EXIT_USAGE, "give it a name:  --name NAME",
			"--detach: \"%s\" can't be its name", options->image);
	if (options->is_detached && options->gdb != NULL)
		return report_error(EXIT_USAGE,
			"leave --detach out: the run stands until gdb comes",
			"--gdb and --detach don't go together");
	options->argument_count = argc - at;
	if (options->argument_count > BOOT_ARGUMENTS_MAX)
		return report_error(EXIT_USAGE, NULL, "more than %d arguments for the image",
			BOOT_ARGUMENTS_MAX - 1);
	return 0;
}
