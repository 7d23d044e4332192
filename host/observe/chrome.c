/*
 * One event a line. Times are microseconds with three decimals.
 */
#include "host/observe/chrome.h"

#include "host/json.h"

enum { PROCESS_IMAGE = 1, PROCESS_MONITOR = 2 };

static const char *const categories[] = {
	[TIMELINE_RUN] = "run",
	[TIMELINE_READY] = "ready",
	[TIMELINE_TURN] = "loop",
	[TIMELINE_SLEEP] = "sleep",
	[TIMELINE_SPAN] = "span",
	[TIMELINE_EXIT] = "exit",
	[TIMELINE_SERVE] = "device",
	[TIMELINE_WAIT] = "sleep",
	[TIMELINE_INSTANT] = "instant",
	[TIMELINE_COUNTER] = "counter",
	[TIMELINE_WAKE] = "wake",
};

static unsigned process_of(uint32_t lane)
{
	return lane == LANE_MONITOR ? PROCESS_MONITOR : PROCESS_IMAGE;
}

/* Spans have the thread behind their lane's. */
static unsigned thread_of(uint32_t lane, bool is_span)
{
	return 2 * (lane + 1) + is_span;
}

static void add_head(struct chrome *chrome, char phase, const char *name, enum timeline_kind kind,
	uint32_t lane, int64_t time)
{
	FILE *file = chrome->file;

	fprintf(file, "{\"ph\":\"%c\",\"name\":\"", phase);
	json_write_escaped(file, name);
	chrome->bytes += (uint64_t)fprintf(file,
		"\",\"cat\":\"%s\",\"pid\":%u,\"tid\":%u,\"ts\":%lld.%03lld", categories[kind],
		process_of(lane), thread_of(lane, kind == TIMELINE_SPAN), (long long)time / 1000,
		(long long)time % 1000);
	chrome->bytes += 64; /* what else a line has */
}

static void add_slice(struct chrome *chrome, const struct timeline_event *e)
{
	add_head(chrome, 'X', e->name, e->kind, e->lane, e->start);
	fprintf(chrome->file, ",\"dur\":%lld.%03lld", (long long)e->duration / 1000,
		(long long)e->duration % 1000);
	if (e->kind == TIMELINE_EXIT)
		fprintf(chrome->file, ",\"args\":{\"kvm_exit_reason\":%lld}", (long long)e->value);
	fputs("},\n", chrome->file);
	if (e->kind == TIMELINE_SPAN)
		chrome->span_lanes[e->lane / 64] |= UINT64_C(1) << e->lane % 64;
}

static void add_wake(struct chrome *chrome, const struct timeline_event *e)
{
	unsigned long long id = ++chrome->flows;

	add_head(chrome, 's', e->name, e->kind, e->lane, e->start);
	fprintf(chrome->file, ",\"id\":%llu},\n", id);
	add_head(chrome, 'f', e->name, e->kind, e->to_lane, e->start + e->duration);
	fprintf(chrome->file, ",\"bp\":\"e\",\"id\":%llu},\n", id);
}

void chrome_begin(struct chrome *chrome)
{
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", chrome->file);
}

void chrome_add(struct chrome *chrome, const struct timeline_event *e)
{
	if (chrome->bytes > chrome->bytes_max) {
		chrome->left_out++;
		return;
	}
	switch (e->kind) {
	case TIMELINE_WAKE:
		add_wake(chrome, e);
		break;
	case TIMELINE_INSTANT:
		add_head(chrome, 'i', e->name, e->kind, e->lane, e->start);
		fprintf(chrome->file, ",\"s\":\"t\",\"args\":{\"value\":%lld}},\n",
			(long long)e->value);
		break;
	case TIMELINE_COUNTER:
		add_head(chrome, 'C', e->name, e->kind, e->lane, e->start);
		fprintf(chrome->file, ",\"args\":{\"value\":%lld}},\n", (long long)e->value);
		break;
	default:
		add_slice(chrome, e);
	}
}

static void name_process(const struct chrome *chrome, unsigned process, const char *name)
{
	fprintf(chrome->file,
		"{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%u,\"tid\":0,\"args\":{\"name\":\"",
		process);
	json_write_escaped(chrome->file, name);
	fprintf(chrome->file,
		"\"}},\n{\"ph\":\"M\",\"name\":\"process_sort_index\",\"pid\":%u,\"tid\":0,"
		"\"args\":{\"sort_index\":%u}},\n",
		process, process);
}

static void name_thread(const struct chrome *chrome, uint32_t lane, bool is_span, const char *name)
{
	unsigned process = process_of(lane), thread = thread_of(lane, is_span);

	fprintf(chrome->file,
		"{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":\"",
		process, thread);
	json_write_escaped(chrome->file, name);
	fprintf(chrome->file,
		"%s\"}},\n{\"ph\":\"M\",\"name\":\"thread_sort_index\",\"pid\":%u,\"tid\":%u,"
		"\"args\":{\"sort_index\":%u}},\n",
		is_span ? ": spans" : "", process, thread, thread);
}

void chrome_end(
	struct chrome *chrome, const struct timeline *timeline, const char *image, uint64_t dropped)
{
	name_process(chrome, PROCESS_IMAGE, image);
	name_process(chrome, PROCESS_MONITOR, "diatom (monitor)");
	for (uint32_t i = 0; i < timeline->lane_count; i++) {
		name_thread(chrome, i, false, timeline->lanes[i].name);
		if ((chrome->span_lanes[i / 64] >> i % 64 & 1) != 0)
			name_thread(chrome, i, true, timeline->lanes[i].name);
	}
	/* An event without a comma behind it ends the list. */
	fprintf(chrome->file,
		"{\"ph\":\"M\",\"name\":\"process_labels\",\"pid\":1,\"tid\":0,"
		"\"args\":{\"labels\":\"diatom trace\"}}\n"
		"],\"otherData\":{\"dropped\":%llu,\"left_out\":%llu}}\n",
		(unsigned long long)dropped, (unsigned long long)chrome->left_out);
}
