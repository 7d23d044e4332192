/*
 * `diatom run`, in the order in which things can be refused: words, image, devices against the
 * manifest, then what costs something: files read, taps opened. Last the target, chosen before all
 * of it is started.
 */
#include "host/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/blob.h"
#include "host/image/image.h"
#include "host/monitor/monitor.h"
#include "host/options.h"
#include "host/process/process.h"
#include "host/qemu/qemu.h"
#include "host/report.h"
#include "host/tap.h"

#define MEMORY_MIB_DEFAULT 64
#define MIB		   (UINT64_C(1) << 20)

static const char help[] =
	"diatom run [OPTION ...] IMAGE [ARGUMENT ...]\n"
	"\n"
	"  --as vm|process|qemu   how to run it; without: a VM if /dev/kvm can be used, else a process\n"
	"  --mem MIB           memory; without: what the image wants, else 64\n"
	"  --net NAME=tap:TAP[,ip=ADDRESS/BITS][,gw=ADDRESS][,mac=MAC]\n"
	"                      connect the image's network interface NAME to the host's tap TAP\n"
	"  --file NAME=PATH    hand a file over, under the name that the image declares\n"
	"  --pcap FILE         record all frames of all interfaces\n"
	"  --timeout SECONDS   end it after that time, with exit code 124\n"
	"  --spin MICROSECONDS how long to look for news before each sleep: faster answers, busier CPU\n"
	"  --log LEVEL         error, warning (the default), info or debug: what its libraries print\n"
	"  --quiet, -q         nothing on standard error but errors\n"
	"  --dumpable          allow debuggers and core files (process only)\n"
	"  --machine microvm|q35, --accel tcg|kvm, --cpu MODEL\n"
	"                      what QEMU is to be (--as qemu)\n"
	"  --print             show the QEMU command instead of running it\n"
	"\n"
	"INT and TERM ask the image to finish; a second one ends it. The exit code is that of main, or\n"
	"  2 wrong usage            120 image refused, device missing  121 host lacks something\n"
	"  122 out of memory        123 crashed                        124 timed out\n";

static int64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* What people call the image: by its manifest, else the file's own name. */
static void name_image(struct run_config *config, const struct image *image, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
	const char *name = image->about.name[0] != '\0' ? image->about.name : base;

	snprintf(config->name, sizeof(config->name), "%s", name);
}

static const struct options_net *find_net(const struct options *options, const char *name)
{
	for (unsigned i = 0; i < options->net_count; i++)
		if (strcmp(options->nets[i].name, name) == 0)
			return &options->nets[i];
	return NULL;
}

static const struct options_file *find_file(const struct options *options, const char *name)
{
	for (unsigned i = 0; i < options->file_count; i++)
		if (strcmp(options->files[i].name, name) == 0)
			return &options->files[i];
	return NULL;
}

static int complain_missing_net(const struct options *options, const char *image, const char *name)
{
	char remedy[160];

	snprintf(remedy, sizeof(remedy), "give it one:  diatom run --net %s=tap:TAP %s", name,
		options->image);
	return report_error(EXIT_REFUSED, remedy,
		"%s needs a network interface \"%s\" that nothing provides", image, name);
}

static int complain_missing_file(const struct options *options, const char *image, const char *name)
{
	char remedy[160];

	snprintf(remedy, sizeof(remedy), "give it one:  diatom run --file %s=PATH %s", name,
		options->image);
	return report_error(
		EXIT_REFUSED, remedy, "%s needs a file \"%s\" that nothing provides", image, name);
}

/* An option for something that the image does not declare. `names` is the list of what it does. */
static int complain_extra(
	const struct run_config *config, const char *option, const char *name, const char *names)
{
	char remedy[320];

	if (names[0] != '\0')
		snprintf(remedy, sizeof(remedy), "it declares: %s", names);
	else
		snprintf(remedy, sizeof(remedy), "it declares none: leave --%s out", option);
	return report_error(EXIT_REFUSED, remedy, "--%s %s: %s has nothing of that name", option,
		name, config->name);
}

static int check_missing(
	const struct options *options, const struct image *image, const struct run_config *config)
{
	for (unsigned i = 0; i < image->net_count; i++)
		if (!image->nets[i].optional && find_net(options, image->nets[i].name) == NULL)
			return complain_missing_net(options, config->name, image->nets[i].name);
	for (unsigned i = 0; i < image->blob_count; i++)
		if (!image->blobs[i].optional && find_file(options, image->blobs[i].name) == NULL)
			return complain_missing_file(options, config->name, image->blobs[i].name);
	for (unsigned i = 0; i < image->block_count; i++)
		if (!image->blocks[i].optional)
			return report_error(EXIT_REFUSED,
				"this diatom has no block devices to give",
				"%s needs a block device \"%s\" that nothing provides",
				config->name, image->blocks[i].name);
	return 0;
}

static void list_name(char *list, size_t room, const char *name)
{
	size_t used = strlen(list);

	snprintf(list + used, room - used, "%s%s", used > 0 ? ", " : "", name);
}

static int check_extra(
	const struct options *options, const struct image *image, const struct run_config *config)
{
	char nets[BOOT_DEVICES_MAX * 18] = "", blobs[BOOT_BLOBS_MAX * 18] = "";

	for (unsigned i = 0; i < image->net_count; i++)
		list_name(nets, sizeof(nets), image->nets[i].name);
	for (unsigned i = 0; i < image->blob_count; i++)
		list_name(blobs, sizeof(blobs), image->blobs[i].name);
	for (unsigned i = 0; i < options->net_count; i++) {
		bool is_declared = false;

		for (unsigned j = 0; j < image->net_count; j++)
			is_declared |= strcmp(options->nets[i].name, image->nets[j].name) == 0;
		if (!is_declared)
			return complain_extra(config, "net", options->nets[i].name, nets);
	}
	for (unsigned i = 0; i < options->file_count; i++) {
		bool is_declared = false;

		for (unsigned j = 0; j < image->blob_count; j++)
			is_declared |= strcmp(options->files[i].name, image->blobs[j].name) == 0;
		if (!is_declared)
			return complain_extra(config, "file", options->files[i].name, blobs);
	}
	return 0;
}

static int choose_memory(
	struct run_config *config, const struct options *options, const struct image *image)
{
	uint64_t mib = options->memory_mib, least = image->about.memory_min_mib;
	char remedy[64];

	if (mib == 0)
		mib = image->about.memory_mib != 0 ? image->about.memory_mib : MEMORY_MIB_DEFAULT;
	if (mib < least && options->memory_mib == 0)
		mib = least;
	config->memory_bytes = mib * MIB;
	if (mib >= least)
		return 0;
	snprintf(remedy, sizeof(remedy), "give it more:  --mem %u", (unsigned)least);
	return report_error(EXIT_REFUSED, remedy, "%s needs at least %u MiB of memory, not %u",
		config->name, (unsigned)least, (unsigned)mib);
}

/* Fills in a device from the manifest, overridden by the command line, and opens its tap, unless it is
 * only to be looked at. QEMU would record offload headers as if they were the frames' own bytes. */
static int open_net(struct run_net *net, const struct manifest_net *wanted,
	const struct options_net *given, const struct run_qemu *qemu)
{
	memcpy(net->name, wanted->name, sizeof(net->name));
	memcpy(net->tap, given->tap, sizeof(net->tap));
	memcpy(net->ip, given->ip[0] != '\0' ? given->ip : wanted->ip, sizeof(net->ip));
	/* The manifest's gateway belongs to the manifest's network. */
	if (given->gateway[0] != '\0' || given->ip[0] != '\0')
		memcpy(net->gateway, given->gateway, sizeof(net->gateway));
	else
		memcpy(net->gateway, wanted->gateway, sizeof(net->gateway));
	if (given->has_mac)
		memcpy(net->mac, given->mac, sizeof(net->mac));
	int code = 0;

	if (qemu->is_printed)
		tap_look(net);
	else
		code = tap_open(net, qemu->pcap != NULL);
	if (code == 0 && wanted->mtu != 0 && wanted->mtu < net->mtu)
		net->mtu = (uint16_t)wanted->mtu;
	return code;
}

static int open_devices(
	struct run_config *config, const struct options *options, const struct image *image)
{
	for (unsigned i = 0; i < image->net_count; i++) {
		const struct options_net *given = find_net(options, image->nets[i].name);
		int code;

		if (given == NULL)
			continue;
		code = open_net(
			&config->nets[config->net_count], &image->nets[i], given, &config->qemu);
		if (code != 0)
			return code;
		config->net_count++;
	}
	for (unsigned i = 0; i < image->blob_count; i++) {
		const struct options_file *given = find_file(options, image->blobs[i].name);
		int code;

		if (given == NULL)
			continue;
		code = blob_read(&config->blobs[config->blob_count], given->name, given->path);
		if (code != 0)
			return code;
		config->blob_count++;
	}
	return 0;
}

static int open_pcap(struct run_config *config, const char *path)
{
	config->pcap_fd = -1;
	if (path == NULL)
		return 0;
	config->pcap_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (config->pcap_fd < 0)
		return report_error(EXIT_USAGE, "name a file that you may write", "--pcap: %s: %s",
			path, strerror(errno));
	return 0;
}

/* Decides for VM or process and says so when it is not what one would expect. */
static enum options_target choose_target(const struct options *options)
{
	if (options->target != TARGET_ANY)
		return options->target;
	if (access("/dev/kvm", R_OK | W_OK) == 0)
		return TARGET_VM;
	if (!options->is_quiet)
		report_line("%s: running as process",
			errno == ENOENT ? "no /dev/kvm" : "no permission for /dev/kvm");
	return TARGET_PROCESS;
}

static int prepare(
	struct run_config *config, const struct options *options, const struct image *image)
{
	int code;

	name_image(config, image, options->image);
	config->argument_count = options->argument_count;
	config->arguments = options->arguments;
	config->timeout_ns = options->timeout_ns;
	config->spin_ns = options->spin_ns;
	config->log_level = options->log_level;
	config->is_quiet = options->is_quiet;
	config->is_dumpable = options->is_dumpable;
	config->qemu = options->qemu;
	config->qemu.pcap = options->target == TARGET_QEMU ? options->pcap : NULL;
	code = check_missing(options, image, config);
	if (code == 0)
		code = check_extra(options, image, config);
	if (code == 0)
		code = choose_memory(config, options, image);
	if (code == 0)
		code = open_devices(config, options, image);
	if (code == 0)
		code = open_pcap(config, config->qemu.is_printed ? NULL : options->pcap);
	return code;
}

int run_command(int argc, char **argv)
{
	static struct options options;
	static struct run_config config;
	static struct image image;
	struct image_error error;
	int code;

	config.started_ns = monotonic_ns();
	code = options_parse(&options, argc, argv);
	if (code != 0)
		return code;
	if (options.wants_help) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (!image_open(&image, options.image, &error))
		return report_error(error.code, error.remedy, "%s: %s", options.image, error.what);
	code = prepare(&config, &options, &image);
	if (code != 0)
		return code;
	switch (choose_target(&options)) {
	case TARGET_PROCESS:
		return process_run(&config, &image);
	case TARGET_QEMU:
		code = qemu_run(&config, &image);
		if (config.qemu.is_printed)
			return code;
		break;
	default:
		code = monitor_run(&config, &image);
	}
	run_announce_end(&config, code);
	return code;
}

void run_announce(const struct run_config *config, const char *target)
{
	char text[2048], took[REPORT_TIME_BYTES];
	int used;

	if (config->is_quiet)
		return;
	used = snprintf(text, sizeof(text), "%s: %s, %u MiB, sealed, up in %s\n", config->name,
		target, (unsigned)(config->memory_bytes / MIB),
		report_time(took, monotonic_ns() - config->started_ns));
	for (unsigned i = 0; i < config->net_count; i++) {
		const struct run_net *net = &config->nets[i];

		used += snprintf(text + used, sizeof(text) - (size_t)used,
			"%s: %s (%02x:%02x:%02x:%02x:%02x:%02x) on %s\n", net->name,
			net->ip[0] != '\0' ? net->ip : "no address", net->mac[0], net->mac[1],
			net->mac[2], net->mac[3], net->mac[4], net->mac[5], net->tap);
	}
	report_write(STDERR_FILENO, text, (size_t)used);
}

void run_announce_end(const struct run_config *config, int exit_code)
{
	char took[REPORT_TIME_BYTES];

	/* The others were reported already, as errors. */
	if (config->is_quiet || (exit_code >= EXIT_REFUSED && exit_code <= EXIT_INTERNAL))
		return;
	report_line("%s: finished, exit %d after %s", config->name, exit_code,
		report_time(took, monotonic_ns() - config->started_ns));
}

void run_announce_timeout(const struct run_config *config)
{
	char took[REPORT_TIME_BYTES];

	report_error(EXIT_TIMED_OUT, NULL, "%s: time is up (--timeout), ended after %s",
		config->name, report_time(took, config->timeout_ns));
}
