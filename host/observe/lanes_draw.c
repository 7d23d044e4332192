/*
 * What fills the rows. Boxes narrower than a pixel would be a smear of thousands: their time is added up
 * for each pixel of each lane instead, and drawn as a box whose height is the share.
 */
#include "host/observe/picture.h"

#include <string.h>

#include "host/xml.h"

#define ARROWS_MAX   400
#define INSTANTS_MAX 2000

/* As many letters as there is room for. */
static void write_cut(FILE *file, const char *name, int room)
{
	char shown[64];

	snprintf(shown, sizeof(shown), "%.*s", room < 63 ? room : 63, name);
	xml_write(file, shown, SIZE_MAX);
}

static void write_box(const struct picture *p, const struct timeline_event *e,
	const struct row *row, double x, double width)
{
	bool is_span = e->kind == TIMELINE_SPAN;
	/* What the monitor does during an exit lies upon it. */
	unsigned inset = e->kind == TIMELINE_SERVE || e->kind == TIMELINE_WAIT ? 4 : 1;
	unsigned y = is_span ? row->y + ROW + e->depth * SPAN_ROW : row->y + inset;
	unsigned height = is_span ? SPAN_ROW - 1 : ROW - 2 * inset;
	int room = (int)((width - 6) / LETTER);

	if (is_span && e->depth >= SPAN_DEPTH)
		return;
	fprintf(p->file,
		"<rect class=\"b %s\" x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%u\"><title>",
		picture_looks[e->kind].style, x, y, width, height);
	xml_write(p->file, e->name, SIZE_MAX);
	fputs(", ", p->file);
	picture_write_time(p->file, e->duration);
	fputs(" at ", p->file);
	picture_write_time(p->file, e->start - p->start);
	fputs("</title></rect>\n", p->file);
	if (room < 3 || e->kind == TIMELINE_READY)
		return;
	fprintf(p->file, "<text class=\"in\" x=\"%.1f\" y=\"%u\">", x + 3,
		is_span ? y + 10 : row->y + 14);
	write_cut(p->file, e->name, room);
	fputs("</text>\n", p->file);
}

/* What is too narrow to draw: nanoseconds for each pixel of one row and kind. */
struct dust {
	int64_t ns[PIXELS + 1];
	bool is_any;
};

static void write_dust(const struct picture *p, const struct dust *dust, const struct row *row,
	enum timeline_kind kind)
{
	double pixel_ns = (double)(p->end - p->start) / PIXELS;
	unsigned y = kind == TIMELINE_SPAN ? row->y + ROW : row->y + 1;
	double room = kind == TIMELINE_SPAN ? SPAN_ROW - 1 : ROW - 2;

	for (unsigned x = 0; dust->is_any && x <= PIXELS; x++) {
		double share = (double)dust->ns[x] / pixel_ns;
		double height;

		if (dust->ns[x] == 0)
			continue;
		height = share > 1 ? room : share * room < 1.5 ? 1.5 : share * room;
		fprintf(p->file,
			"<rect class=\"%s\" x=\"%u\" y=\"%.1f\" width=\"1\" height=\"%.1f\"/>\n",
			picture_looks[kind].style, LEFT + x, y + room - height, height);
	}
}

/* All boxes of one row and kind. */
static void write_boxes(const struct picture *p, const struct row *row, enum timeline_kind kind)
{
	static struct dust dust;

	memset(&dust, 0, sizeof(dust));
	for (uint64_t i = 0; i < p->lanes->count; i++) {
		const struct timeline_event *e = &p->lanes->events[i];
		double x, width;

		if (e->kind != kind || e->lane != row->lane)
			continue;
		x = picture_x(p, e->start);
		width = picture_x(p, e->start + e->duration) - x;
		if (width >= 1) {
			write_box(p, e, row, x, width);
			continue;
		}
		dust.ns[(unsigned)(x - LEFT)] += e->duration + 1;
		dust.is_any = true;
	}
	write_dust(p, &dust, row, kind);
}

static void write_wakes(const struct picture *p)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < p->lanes->count && count < ARROWS_MAX; i++) {
		const struct timeline_event *e = &p->lanes->events[i];
		const struct row *from, *to;

		if (e->kind != TIMELINE_WAKE)
			continue;
		from = picture_row(p, e->lane);
		to = picture_row(p, e->to_lane);
		if (from == NULL || to == NULL)
			continue;
		count++;
		fprintf(p->file, "<path class=\"wake\" d=\"M%.1f,%u L%.1f,%u\"/>\n",
			picture_x(p, e->start), from->y + ROW / 2,
			picture_x(p, e->start + e->duration), to->y + ROW / 2);
	}
}

static void write_instants(const struct picture *p)
{
	unsigned count = 0;

	for (uint64_t i = 0; i < p->lanes->count && count < INSTANTS_MAX; i++) {
		const struct timeline_event *e = &p->lanes->events[i];
		const struct row *row;
		double x;

		row = e->kind == TIMELINE_INSTANT ? picture_row(p, e->lane) : NULL;
		if (row == NULL)
			continue;
		count++;
		x = picture_x(p, e->start);
		fprintf(p->file,
			"<line class=\"instant\" x1=\"%.1f\" y1=\"%u\" x2=\"%.1f\" y2=\"%u\"><title>",
			x, row->y, x, row->y + 6);
		xml_write(p->file, e->name, SIZE_MAX);
		fprintf(p->file, " %lld</title></line>\n", (long long)e->value);
	}
}

/* A counter's highest and lowest value; at least 0 is in between. */
static void find_range(const struct picture *p, const char *name, int64_t *low, int64_t *high)
{
	*low = *high = 0;
	for (uint64_t i = 0; i < p->lanes->count; i++) {
		const struct timeline_event *e = &p->lanes->events[i];

		if (e->kind != TIMELINE_COUNTER || strcmp(e->name, name) != 0)
			continue;
		*low = e->value < *low ? e->value : *low;
		*high = e->value > *high ? e->value : *high;
	}
}

/* A step line; a value is drawn when it has moved by a pixel since the last. */
static void write_counter(const struct picture *p, unsigned number)
{
	const char *name = p->counters[number];
	unsigned top = p->counters_y + number * (COUNTER_ROW + GAP), bottom = top + COUNTER_ROW;
	int64_t low, high;
	double range, last = LEFT, y = bottom;

	find_range(p, name, &low, &high);
	range = (double)high - (double)low;
	fputs("<text x=\"12\" ", p->file);
	fprintf(p->file, "y=\"%u\">", top + 14);
	xml_write(p->file, name, SIZE_MAX);
	fprintf(p->file,
		"</text><text class=\"sub\" x=\"12\" y=\"%u\">%lld .. %lld</text>"
		"<path class=\"counter\" d=\"M%d,%u",
		top + 28, (long long)low, (long long)high, LEFT, bottom);
	for (uint64_t i = 0; i < p->lanes->count; i++) {
		const struct timeline_event *e = &p->lanes->events[i];
		double x;

		if (e->kind != TIMELINE_COUNTER || strcmp(e->name, name) != 0)
			continue;
		x = picture_x(p, e->start);
		if (x - last < 0.5 && last > LEFT)
			continue;
		fprintf(p->file, " L%.1f,%.1f", x, y);
		y = bottom -
		    ((double)e->value - (double)low) / (range > 0 ? range : 1) * COUNTER_ROW;
		fprintf(p->file, " L%.1f,%.1f", x, y);
		last = x;
	}
	fprintf(p->file, " L%d,%.1f L%d,%u Z\"/>\n", WIDTH - RIGHT, y, WIDTH - RIGHT, bottom);
}

void picture_draw(const struct picture *p)
{
	for (unsigned i = 0; i < p->row_count; i++)
		for (unsigned kind = 0; kind < BOX_KINDS; kind++)
			write_boxes(p, &p->rows[i], kind);
	write_wakes(p);
	write_instants(p);
	for (unsigned i = 0; i < p->counter_count; i++)
		write_counter(p, i);
}
