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
#include <unistd.h>

#include "host/blob.h"
#include "host/clock.h"
#include "host/crash/core.h"
#include "host/gdb/link.h"
#include "host/image/image.h"
#include "host/monitor/monitor.h"
#include "host/named/counters.h"
#include "host/named/start.h"
#include "host/named/state.h"
#include "host/net/open.h"
#include "host/net/user.h"
#include "host/nettext.h"
#include "host/options.h"
#include "host/process/process.h"
#include "host/qemu/qemu.h"
#include "host/report.h"

#define MEMORY_MIB_DEFAULT 64
#define MIB		   (UINT64_C(1) << 20)

static const char help[] =
	"diatom run [OPTION ...] IMAGE [ARGUMENT ...]\n"
	"\n"
	"  --as vm|process|qemu   how to run it; without: a VM if /dev/kvm can be used, else a process\n"
	"  --mem MIB           memory; without: what the image wants, else 64\n"
	"  -p [ADDRESS:]HOSTPORT:PORT[/tcp|/udp], --publish\n"
	"                      let a port of the host (at 127.0.0.1, unless ADDRESS is given, as\n"
	"                      0.0.0.0 or [::1]) lead to\n"
	"                      the image's; TCP and UDP, unless one is named\n"
	"  --net [NAME=]KIND[,ip=ADDRESS/BITS][,gw=ADDRESS][,ip6=ADDRESS/BITS|auto|off]\n"
	"        [,gw6=ADDRESS][,mac=MAC][,offload=on|off]\n"
	"                      connect the image's network interface NAME to\n"
	"                        user              the world, through passt: without root (the default)\n"
	"                        tap:TAP           a tap of the host\n"
	"                        packet:INTERFACE  the network of an interface of the host\n"
	"                        fd:N              a tap or socket that diatom inherits\n"
	"  --name NAME         call the run so: diatom ps, logs, stop and stats know it then\n"
	"  --detach            return once it is up; what it prints goes to its log (diatom logs)\n"
	"  --file NAME=PATH    hand a file over, under the name that the image declares\n"
	"  --pcap FILE         record all frames of all interfaces\n"
	"  --core FILE         leave a core file for gdb when it crashes\n"
	"  --timeout SECONDS   end it after that time, with exit code 124\n"
	"  --spin MICROSECONDS how long to look for news before each sleep: faster answers, busier CPU\n"
	"  --log LEVEL         error, warning (the default), info or debug: what its libraries print\n"
	"  --quiet, -q         nothing on standard error but errors\n"
	"  --gdb PORT          wait for gdb on that TCP port of this machine (0: any that is free), or on\n"
	"                      unix:PATH, before the first instruction; diatom gdb does all that\n"
	"  --dumpable          allow debuggers and core files (process only)\n"
	"  --machine microvm|q35, --accel tcg|kvm, --cpu MODEL\n"
	"                      what QEMU is to be (--as qemu)\n"
	"  --print             show the QEMU command instead of running it\n"
	"\n"
	"INT and TERM ask the image to finish; a second one ends it. The exit code is that of main, or\n"
	"  2 wrong usage            120 image refused, device missing  121 host lacks something\n"
	"  122 out of memory        123 crashed                        124 timed out\n";

static int64_t started_ns; /* when main began */
static const struct observer *given_observer;
static struct gdb_link *given_gdb; /* of `diatom gdb`; NULL: --gdb decides */

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
	char remedy[256];

	snprintf(remedy, sizeof(remedy), "give it one:  diatom run --net %s=tap:TAP %s    (or %s)",
		name, options->image,
		user_is_there() ? "by passt: NAME=user" : "install passt: it needs no root");
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

static int read_blobs(
	struct run_config *config, const struct options *options, const struct image *image)
{
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

/* The debug file is found now, for a jailed process may not look for it; it is read after a crash. */
static void open_debug(
	struct run_config *config, const struct options *options, const struct image *image)
{
	static struct debug_file file;

	debug_file_open(&file, image, options->image);
	if (file.fd >= 0 || file.why[0] != '\0')
		config->debug = &file;
}

static int open_core(struct run_config *config, const char *path)
{
	static struct core_file core;

	if (path == NULL)
		return 0;
	core.path = path;
	core.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0600);
	if (core.fd < 0)
		return report_error(EXIT_USAGE, "name a file that you may write", "--core: %s: %s",
			path, strerror(errno));
	config->core = &core;
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

static int open_gdb(struct run_config *config, const char *where)
{
	static struct gdb_link link;

	config->gdb = &link;
	return gdb_link_listen(&link, where);
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

static int prepare(struct run_config *config, struct options *options, const struct image *image)
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
	config->qemu.forwards = options->forwards;
	config->qemu.forward_count = options->forward_count;
	code = net_choose(options, image, config->name);
	if (code == 0)
		code = check_missing(options, image, config);
	if (code == 0)
		code = check_extra(options, image, config);
	if (code == 0)
		code = choose_memory(config, options, image);
	if (code == 0)
		code = read_blobs(config, options, image);
	if (code == 0)
		code = open_pcap(config, config->qemu.is_printed ? NULL : options->pcap);
	if (code == 0)
		code = open_core(config, options->core);
	if (code == 0)
		open_debug(config, options, image);
	if (code == 0 && options->gdb != NULL && config->gdb == NULL)
		code = open_gdb(config, options->gdb);
	/* The last, since it may start processes. */
	if (code == 0)
		code = net_open(config, options, image);
	return code;
}

/* What others may ask of a run that has a name is written down before it starts. */
static int describe(struct run_config *config, const struct options *options,
	const struct image *image, enum options_target target)
{
	const struct named_run *named = config->named;
	const struct debug *debug = NULL;

	if (named != NULL && config->debug != NULL && debug_file_read(config->debug, image))
		debug = &config->debug->debug;
	if (named == NULL || (counters_describe(&named->place, image, debug, named->data) &&
				     state_write(&named->place, config, image, options->image,
					     target == TARGET_PROCESS ? "process"
					     : target == TARGET_QEMU  ? "QEMU"
								      : "VM",
					     named->is_detached)))
		return 0;
	return report_error(EXIT_HOST_LACKS, "make room where runs keep their state",
		"the state of run \"%s\" can't be written: %s", named->place.name, strerror(errno));
}

/* All but the reading of the command line: in a process of its own if the run has a name. */
static int run_image(struct options *options, const struct named_run *named)
{
	static struct run_config config;
	static struct image image;
	struct image_error error;
	enum options_target target;
	int code;

	config.started_ns = started_ns;
	config.named = named;
	config.gdb = given_gdb;
	config.observer = given_observer;
	if (!image_open(&image, options->image, &error))
		return report_error(error.code, error.remedy, "%s: %s", options->image, error.what);
	code = prepare(&config, options, &image);
	if (code != 0)
		return code;
	target = choose_target(options);
	code = describe(&config, options, &image, target);
	if (code != 0)
		return code;
	switch (target) {
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

int run_with_gdb(struct gdb_link *gdb, int argc, char **argv)
{
	static struct options options;
	int code;

	started_ns = clock_ns(CLOCK_MONOTONIC);
	given_gdb = gdb;
	code = options_parse(&options, argc, argv);
	if (code != 0)
		return code;
	if (options.wants_help) {
		report_write(STDOUT_FILENO, help, sizeof(help) - 1);
		return 0;
	}
	if (options.name[0] != '\0')
		return named_start(&options, run_image);
	return run_image(&options, NULL);
}

int run_command(int argc, char **argv)
{
	return run_with_gdb(NULL, argc, argv);
}

int run_observed(struct options *options, const struct observer *observer, int64_t began_ns)
{
	started_ns = began_ns;
	given_observer = observer;
	return run_image(options, NULL);
}

static void tell_supervisor(const struct run_config *config)
{
	if (config->named != NULL)
		report_write(config->named->ready, "", 1);
}

void run_announce(const struct run_config *config, const char *target)
{
	char text[1024 + BOOT_DEVICES_MAX * 640], took[REPORT_TIME_BYTES];
	int64_t waited = config->gdb != NULL ? config->gdb->waited_ns : 0;
	int used;

	if (config->is_quiet) {
		tell_supervisor(config);
		return;
	}
	used = snprintf(text, sizeof(text), "%s: %s, %u MiB, sealed, up in %s\n", config->name,
		target, (unsigned)(config->memory_bytes / MIB),
		report_time(took, clock_ns(CLOCK_MONOTONIC) - config->started_ns - waited));
	for (unsigned i = 0; i < config->net_count; i++) {
		const struct run_net *net = &config->nets[i];

		bool has_ip6 = nettext_names_address6(net->ip6.ip);

		used += snprintf(text + used, sizeof(text) - (size_t)used,
			"%s: %s%s%s (%02x:%02x:%02x:%02x:%02x:%02x) %s\n", net->name,
			net->ip[0] != '\0' ? net->ip
			: has_ip6	   ? ""
					   : "no address",
			net->ip[0] != '\0' && has_ip6 ? ", " : "", has_ip6 ? net->ip6.ip : "",
			net->mac[0], net->mac[1], net->mac[2], net->mac[3], net->mac[4],
			net->mac[5], net->way);
	}
	report_write(STDERR_FILENO, text, (size_t)used);
	tell_supervisor(config);
}

void run_announce_end(const struct run_config *config, int exit_code)
{
	char took[REPORT_TIME_BYTES];

	/* The others were reported already, as errors. */
	if (config->is_quiet || (exit_code >= EXIT_REFUSED && exit_code <= EXIT_INTERNAL))
		return;
	report_line("%s: finished, exit %d after %s", config->name, exit_code,
		report_time(took, clock_ns(CLOCK_MONOTONIC) - config->started_ns));
}

void run_announce_orphan(const struct run_config *config, int status)
{
	report_error(EXIT_HOST_LACKS, "start it again",
		"%s: a process that carries its network was ended by signal %d", config->name,
		status);
}

void run_announce_timeout(const struct run_config *config)
{
	char took[REPORT_TIME_BYTES];

	report_error(EXIT_TIMED_OUT, NULL, "%s: time is up (--timeout), ended after %s",
		config->name, report_time(took, config->timeout_ns));
}
