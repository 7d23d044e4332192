/*
 * Text is only ever appended, and what does not fit any more is remembered, to be said once.
 */
#include "host/qemu/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "abi/log.h"
#include "abi/shim.h"
#include "host/clock.h"
#include "host/report.h"

#define HYPERVISORS_WORD "virtio_mmio.device="

struct line {
	char *text;
	size_t used, room;
	bool is_cut;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line->text + line->used, line->room - line->used, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= line->room - line->used)
		line->is_cut = true;
	else
		line->used += (size_t)length;
}

/* As abi/shim.h has it: what could end a word or a value is written %XX. */
static void put_escaped(struct line *line, const char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte <= ' ' || byte >= 0x7f || strchr("%,\"", byte) != NULL)
			put(line, "%%%02x", byte);
		else
			put(line, "%c", byte);
	}
}

static void put_net(struct line *line, const struct run_net *net)
{
	put(line, " net=");
	put_escaped(line, net->name);
	put(line, ",mac=%02x:%02x:%02x:%02x:%02x:%02x,mtu=%u", net->mac[0], net->mac[1],
		net->mac[2], net->mac[3], net->mac[4], net->mac[5], net->mtu);
	if (net->ip[0] != '\0')
		put(line, ",ip=%s", net->ip);
	if (net->gateway[0] != '\0')
		put(line, ",gw=%s", net->gateway);
	if (net->ip6.ip[0] != '\0')
		put(line, ",ip6=%s", net->ip6.ip);
	if (net->ip6.gateway[0] != '\0')
		put(line, ",gw6=%s", net->ip6.gateway);
}

static void put_files(struct line *line, const struct run_config *config)
{
	for (unsigned i = 0; i < config->blob_count; i++) {
		put(line, " file=");
		put_escaped(line, config->blobs[i].name);
		put(line, ",%llu", (unsigned long long)config->blobs[i].length);
	}
}

static void put_start(struct line *line, const struct run_config *config)
{
	static const char *const levels[] = {
		[LOG_ERROR] = "error",
		[LOG_WARNING] = "warning",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	put(line, "name=");
	put_escaped(line, config->arguments[0]);
	put(line, " log=%s", levels[config->log_level]);
	if (config->spin_ns > 0)
		put(line, " spin=%lld", (long long)config->spin_ns);
	/* Printed commands are for later. */
	if (config->qemu.is_printed)
		return;
	put(line, " wall=%lld", (long long)clock_ns(CLOCK_REALTIME));
}

/* One that looks like what QEMU appends must not pass for it. */
static void put_argument(struct line *line, const char *text)
{
	bool is_strange = strncmp(text, HYPERVISORS_WORD, strlen(HYPERVISORS_WORD)) == 0;

	put(line, text[0] == '\0' ? " %%00" : " ");
	if (is_strange)
		put(line, "%%%02x", *text++);
	put_escaped(line, text);
}

int line_write(const struct run_config *config, char *text, size_t room)
{
	struct line line = { .text = text, .room = room };

	put_start(&line, config);
	for (unsigned i = 0; i < config->net_count; i++)
		put_net(&line, &config->nets[i]);
	put_files(&line, config);
	if (config->argument_count > 1)
		put(&line, " --");
	for (int i = 1; i < config->argument_count; i++)
		put_argument(&line, config->arguments[i]);
	if (line.is_cut)
		return report_error(EXIT_USAGE, "hand long texts over as a file:  --file NAME=PATH",
			"the arguments don't fit a kernel command line (%zu bytes)", room - 1);
	return 0;
}
