/*
 * The picture:
 *
 *     title
 *     subtitle                                         legend
 *                 0 ms       10 ms      20 ms          axis
 *     monitor     ######    ##   ##                    boxes
 *     loop           ~~~~~~~~~      ~~~~~
 *     main        ##                   ##
 *     worker      ..##   ##                            .. ready
 *                   answer                             its spans, one row for each depth
 *     queue       _--__---                             counters
 */
#include "host/observe/picture.h"

#include <stdlib.h>
#include <string.h>

#include "host/xml.h"

static const char style[] =
	"<style>\n"
	"svg { background: #fffdf8; }\n"
	"text { font-family: 'DejaVu Sans', Helvetica, Arial, sans-serif; font-size: 11px; "
	"fill: #1c1c1c; }\n"
	".title { font-size: 17px; font-weight: bold; }\n"
	".sub, .axis { fill: #666; }\n"
	".in { font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 10px; "
	"pointer-events: none; }\n"
	".lane { fill: #f3efe6; }\n"
	".grid { stroke: #e2dccf; stroke-width: 1; }\n"
	".wake { stroke: #b0407a; stroke-width: 0.8; fill: none; opacity: 0.55; }\n"
	"rect.b { stroke: #fffdf8; stroke-width: 0.4; } rect.b:hover { stroke: #1c1c1c; }\n"
	".run { fill: #5b9bd5; } .ready { fill: #f2c84b; } .turn { fill: #58b09c; }\n"
	".sleep { fill: #c9c5bb; } .span { fill: #f0a35e; } .exit { fill: #b99bd8; }\n"
	".serve { fill: #7a58b0; } .counter { fill: #e7a7b4; stroke: #b0407a; }\n"
	".instant { stroke: #c0392b; stroke-width: 1; }\n"
	"</style>\n";

const struct picture_look picture_looks[] = {
	[TIMELINE_RUN] = { "run", "runs" },
	[TIMELINE_READY] = { "ready", "ready" },
	[TIMELINE_TURN] = { "turn", "loop at work" },
	[TIMELINE_SLEEP] = { "sleep", "asleep" },
	[TIMELINE_SPAN] = { "span", "span" },
	[TIMELINE_EXIT] = { "exit", "exit" },
	[TIMELINE_SERVE] = { "serve", "devices" },
	[TIMELINE_WAIT] = { "sleep", NULL },
	[TIMELINE_INSTANT] = { "instant", NULL },
	[TIMELINE_COUNTER] = { "counter", NULL },
	[TIMELINE_WAKE] = { "wake", NULL },
};

void lanes_add(struct lanes *lanes, const struct timeline_event *event)
{
	if (lanes->count == lanes->capacity) {
		uint64_t wanted = lanes->capacity == 0 ? 4096 : lanes->capacity * 2;
		void *grown = lanes->count < LANES_EVENTS_MAX
				      ? reallocarray(lanes->events, wanted, sizeof(*event))
				      : NULL;

		if (grown == NULL) {
			lanes->left_out++;
			return;
		}
		lanes->events = grown;
		lanes->capacity = wanted;
	}
	lanes->events[lanes->count++] = *event;
}

/* --- what goes where --- */

static void find_times(struct picture *p)
{
	p->start = TIMELINE_TIME_MAX;
	for (uint64_t i = 0; i < p->lanes->count; i++) {
		const struct timeline_event *e = &p->lanes->events[i];

		if (e->start < p->start)
			p->start = e->start;
		if (e->start + e->duration > p->end)
			p->end = e->start + e->duration;
	}
	if (p->end <= p->start)
		p->end = p->start + 1;
}

static void note_counter(struct picture *p, const char *name)
{
	for (unsigned i = 0; i < p->counter_count; i++)
		if (strcmp(p->counters[i], name) == 0)
			return;
	if (p->counter_count < COUNTERS)
		p->counters[p->counter_count++] = name;
}

static int by_busy(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->busy < y->busy ? 1 : x->busy > y->busy ? -1 : 0;
}

static int by_lane(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->lane < y->lane ? -1 : x->lane > y->lane;
}

/* The busiest lanes get a row; monitor, loop and main come first whatever they did. */
static void choose_rows(struct picture *p)
{
	static struct row all[TIMELINE_LANES_MAX];
	unsigned used = 0;

	memset(all, 0, sizeof(all));
	for (unsigned i = 0; i < TIMELINE_LANES_MAX; i++)
		all[i].lane = i;
	for (uint64_t i = 0; i < p->lanes->count; i++) {
		const struct timeline_event *e = &p->lanes->events[i];
		struct row *row = &all[e->lane];

		row->busy += 1 + (e->kind != TIMELINE_READY ? e->duration : 0);
		if (e->lane < LANE_FIRST_FIBER)
			row->busy = TIMELINE_TIME_MAX;
		if (e->kind == TIMELINE_SPAN && e->depth + 1 > row->depth)
			row->depth = e->depth + 1 < SPAN_DEPTH ? e->depth + 1 : SPAN_DEPTH;
		if (e->kind == TIMELINE_COUNTER)
			note_counter(p, e->name);
	}
	qsort(all, TIMELINE_LANES_MAX, sizeof(all[0]), by_busy);
	while (used < TIMELINE_LANES_MAX && all[used].busy > 0)
		used++;
	p->row_count = used < LANES_SHOWN ? used : LANES_SHOWN;
	p->rows_left_out = used - p->row_count;
	memcpy(p->rows, all, p->row_count * sizeof(all[0]));
	qsort(p->rows, p->row_count, sizeof(p->rows[0]), by_lane);
}

static void place_rows(struct picture *p)
{
	unsigned y = HEAD;

	for (unsigned i = 0; i < p->row_count; i++) {
		p->rows[i].y = y;
		p->row_of[p->rows[i].lane] = i + 1;
		y += ROW + p->rows[i].depth * SPAN_ROW + GAP;
	}
	p->counters_y = y + (p->counter_count > 0 ? 8 : 0);
	p->height = p->counters_y + p->counter_count * (COUNTER_ROW + GAP) + 26;
}

/* --- drawing --- */

void picture_write_time(FILE *file, int64_t ns)
{
	if (ns < 1000)
		fprintf(file, "%lld ns", (long long)ns);
	else if (ns < 1000000)
		fprintf(file, "%.4g us", (double)ns / 1e3);
	else if (ns < INT64_C(1000000000))
		fprintf(file, "%.4g ms", (double)ns / 1e6);
	else
		fprintf(file, "%.4g s", (double)ns / 1e9);
}

/* A step of 1, 2 or 5 times a power of ten, at most ten in the picture. */
static int64_t step_of(int64_t span)
{
	static const int64_t steps[] = { 1, 2, 5 };

	for (int64_t power = 1;; power *= 10)
		for (unsigned i = 0; i < 3; i++)
			if (power * steps[i] * 10 >= span)
				return power * steps[i];
}

static void write_axis(const struct picture *p)
{
	int64_t step = step_of(p->end - p->start);

	for (int64_t at = 0; at <= p->end - p->start; at += step) {
		double x = picture_x(p, p->start + at);

		fprintf(p->file,
			"<line class=\"grid\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%u\"/>"
			"<text class=\"axis\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">",
			x, HEAD - 6, x, p->height - 20, x, HEAD - 11,
			x > WIDTH - RIGHT - 20 ? "end" : "middle");
		if (at > 0)
			picture_write_time(p->file, at);
		else
			fputc('0', p->file);
		fputs("</text>\n", p->file);
	}
}

static void write_legend(const struct picture *p)
{
	double x = LEFT;

	for (unsigned i = 0; i < BOX_KINDS; i++) {
		if (picture_looks[i].what == NULL)
			continue;
		fprintf(p->file,
			"<rect class=\"%s\" x=\"%.0f\" y=\"50\" width=\"10\" height=\"10\"/>"
			"<text class=\"sub\" x=\"%.0f\" y=\"59\">%s</text>\n",
			picture_looks[i].style, x, x + 14, picture_looks[i].what);
		x += 34 + 6.4 * (double)strlen(picture_looks[i].what);
	}
	fprintf(p->file,
		"<path class=\"wake\" d=\"M%.0f,50 l8,10\"/><text class=\"sub\" x=\"%.0f\" y=\"59\">"
		"wake-up</text>\n<line class=\"instant\" x1=\"%.0f\" y1=\"51\" x2=\"%.0f\" y2=\"59\"/>"
		"<text class=\"sub\" x=\"%.0f\" y=\"59\">instant</text>\n",
		x, x + 14, x + 80, x + 80, x + 88);
}

static void write_lane_names(const struct picture *p)
{
	for (unsigned i = 0; i < p->row_count; i++) {
		const struct row *row = &p->rows[i];
		char name[24];

		snprintf(name, sizeof(name), "%.20s", p->timeline->lanes[row->lane].name);
		fprintf(p->file,
			"<rect class=\"lane\" x=\"%d\" y=\"%u\" width=\"%d\" height=\"%u\"/>"
			"<text x=\"12\" y=\"%u\">",
			LEFT, row->y, PIXELS, ROW + row->depth * SPAN_ROW, row->y + 14);
		xml_write(p->file, name, SIZE_MAX);
		fputs("</text>\n", p->file);
	}
	if (p->rows_left_out > 0)
		fprintf(p->file,
			"<text class=\"sub\" x=\"12\" y=\"%u\">and %u lanes more, less busy"
			"</text>\n",
			p->height - 6, p->rows_left_out);
}

static void write_head(const struct picture *p, const char *title, const char *subtitle)
{
	fprintf(p->file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\">\n",
		WIDTH, p->height, WIDTH, p->height);
	fputs(style, p->file);
	fputs("<text class=\"title\" x=\"12\" y=\"24\">", p->file);
	xml_write(p->file, title, SIZE_MAX);
	fputs("</text>\n<text class=\"sub\" x=\"12\" y=\"42\">", p->file);
	xml_write(p->file, subtitle, SIZE_MAX);
	fputs("</text>\n", p->file);
}

void lanes_write(const struct lanes *lanes, const struct timeline *timeline, const char *title,
	const char *subtitle, FILE *file)
{
	static struct picture p;

	p = (struct picture){ .lanes = lanes, .timeline = timeline, .file = file };
	find_times(&p);
	choose_rows(&p);
	place_rows(&p);
	write_head(&p, title, subtitle);
	write_legend(&p);
	write_lane_names(&p);
	write_axis(&p);
	picture_draw(&p);
	fputs("</svg>\n", file);
}
