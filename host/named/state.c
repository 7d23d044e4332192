/*
 * Escapes are undone only as far as they are made here: quotes and backslashes.
 */
#include "host/named/state.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/file.h"
#include "host/image/image.h"
#include "host/json.h"
#include "host/report.h"

#define MIB_SHIFT   20
#define START_FIELD 20 /* of /proc/PID/stat, counted behind the command's name */

int64_t state_process_start(int pid)
{
	char path[32], text[1024], *at;
	int64_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	length = file_read(fd, (uint8_t *)text, sizeof(text) - 1);
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	at = strrchr(text, ')');
	for (int i = 0; i < START_FIELD && at != NULL; i++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoll(at + 1, NULL, 10) : -1;
}

static void put_nets(struct json *json, const struct run_config *config)
{
	json_put(json, "\t\"networks\": [");
	for (unsigned i = 0; i < config->net_count; i++) {
		const struct run_net *net = &config->nets[i];

		json_put(json, "%s{\"name\": ", i > 0 ? ", " : "");
		json_put_text(json, net->name);
		json_put(json, ", \"address\": ");
		json_put_text(json, net->ip);
		json_put(json, ", \"way\": ");
		json_put_text(json, net->way);
		json_put(json, "}");
	}
	json_put(json, "],\n");
}

/* The first network in one text, for `diatom ps`. */
static void put_network(struct json *json, const struct run_config *config)
{
	char text[STATE_TEXT_BYTES] = "";

	if (config->net_count > 0)
		snprintf(text, sizeof(text), "%s %s", config->nets[0].ip, config->nets[0].way);
	json_put(json, "\t\"network\": ");
	json_put_text(json, text);
	json_put(json, ",\n");
}

static void put_build_id(struct json *json, const struct image *image)
{
	json_put(json, "\t\"build_id\": \"");
	for (unsigned i = 0; i < image->build_id_bytes; i++)
		json_put(json, "%02x", image->build_id[i]);
	json_put(json, "\",\n");
}

bool state_write(const struct place *place, const struct run_config *config,
	const struct image *image, const char *path, const char *target, bool is_detached)
{
	char text[STATE_BYTES], real[PATH_MAX];
	struct json json;

	json_begin(&json, text, sizeof(text));
	json_put(&json, "{\n\t\"name\": \"%s\",\n\t\"image\": ", place->name);
	json_put_text(&json, realpath(path, real) != NULL ? real : path);
	json_put(&json, ",\n\t\"program\": ");
	json_put_text(&json, config->name);
	json_put(&json, ",\n");
	put_build_id(&json, image);
	put_network(&json, config);
	put_nets(&json, config);
	json_put(&json, "\t\"target\": \"%s\",\n\t\"memory_mib\": %u,\n\t\"detached\": %s,\n",
		target, (unsigned)(config->memory_bytes >> MIB_SHIFT),
		is_detached ? "true" : "false");
	json_put(&json, "\t\"started_at\": %lld,\n\t\"pid\": %d,\n\t\"pid_start\": %lld\n}\n",
		(long long)time(NULL), (int)getpid(), (long long)state_process_start(getpid()));
	return place_write(place, "state.json", text, json.used);
}

void state_read(const struct place *place, struct state *state)
{
	char code[16];

	place_read(place, "state.json", state->text, sizeof(state->text));
	/* In this order: a run that ends meanwhile has written its exit code before it counts as dead. */
	state->is_alive = place_is_alive(place);
	state->has_exit = !state->is_alive && place_read(place, "exit", code, sizeof(code)) &&
			  code[0] != '\0';
	state->exit_code = state->has_exit ? atoi(code) : -1;
}

/* What stands behind "key": in its line; NULL if there is no such line. */
static const char *find(const struct state *state, const char *key)
{
	char start[48];
	const char *at;

	snprintf(start, sizeof(start), "\n\t\"%s\": ", key);
	at = strstr(state->text, start);
	return at != NULL ? at + strlen(start) : NULL;
}

void state_text(const struct state *state, const char *key, char *out, size_t room)
{
	const char *at = find(state, key);
	size_t used = 0;

	out[0] = '\0';
	if (at == NULL || *at++ != '"')
		return;
	for (; *at != '\0' && *at != '\n' && *at != '"' && used < room - 1; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		out[used++] = (unsigned char)*at < 32 || *at == 127 ? '?' : *at;
	}
	out[used] = '\0';
}

int64_t state_number(const struct state *state, const char *key)
{
	const char *at = find(state, key);

	return at != NULL && *at >= '0' && *at <= '9' ? strtoll(at, NULL, 10) : -1;
}

void state_print_json(const struct place *place, const struct state *state)
{
	char text[STATE_BYTES + 512];
	const char *members = state->text;
	size_t length = strlen(members);
	struct json json;

	json_begin(&json, text, sizeof(text));
	json_put(&json, "\t{\n\t\"status\": \"%s\"", state->is_alive ? "running" : "ended");
	if (state->has_exit)
		json_put(&json, ",\n\t\"exit_code\": %d", state->exit_code);
	if (length > 4 && strncmp(members, "{\n", 2) == 0 &&
		strcmp(members + length - 3, "\n}\n") == 0)
		json_put(&json, ",%.*s", (int)(length - 2), members + 1);
	else
		json_put(&json, ",\n\t\"name\": \"%s\"\n\t}", place->name);
	report_write(STDOUT_FILENO, text, json.used);
}
