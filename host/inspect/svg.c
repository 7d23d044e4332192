/*
 * The treemap as SVG 1.1, in three depths: library, object, function. The area is the file, byte for
 * byte; what has no bytes there (zeros) is not drawn.
 *
 *     +-lib/dns 41,234-----------+-net--------+
 *     |+rdata------+ +answer----+|            |
 *     ||  |   |    | |   |      ||            |
 *     |+-----------+ +----------++------------+
 */
#include <stdlib.h>
#include <string.h>

#include "host/inspect/show.h"
#include "host/inspect/treemap.h"
#include "host/xml.h"

#define WIDTH	     1200.0
#define HEIGHT	     760.0
#define TOP	     44.0 /* of the drawing, under the title */
#define LABEL_HEIGHT 17.0
#define GAP	     1.5
#define CHARACTER    6.6 /* a little more than one takes at 11 px */

/* Hues that stay apart for most eyes; white text is readable on them at these lightnesses. */
static const char *const colours[] = { "#2f6f8f", "#8a5a2b", "#4d7c3a", "#7a4e8c", "#a14a4a",
	"#3b7f78", "#6b6f2a", "#4a5da8", "#8f4472", "#5a6470" };

/* A box to come: of a library, an object, a piece. */
struct item {
	const char *name;
	double size;
	unsigned index;
};

struct drawing {
	const struct inspection *inspection;
	FILE *out;
	const char *colour;
};

static int by_size(const void *a, const void *b)
{
	const struct item *one = a, *other = b;

	if (one->size != other->size)
		return one->size < other->size ? 1 : -1;
	return one->index < other->index ? -1 : one->index > other->index;
}

static void put_box(FILE *out, const struct box *box, const char *fill, double opacity)
{
	fprintf(out,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" "
		"fill-opacity=\"%.2f\" stroke=\"#fff\" stroke-width=\"0.6\">",
		box->x, box->y, box->width, box->height, fill, opacity);
}

/* The text that a pointer over the box shows. */
static void put_title(FILE *out, const char *outer, const char *name, double size)
{
	fputs("<title>", out);
	if (outer[0]) {
		xml_write(out, outer, 200);
		fputs("/", out);
	}
	xml_write(out, name, 200);
	fprintf(out, ": %.0f bytes</title></rect>\n", size);
}

/* As much of a name as fits; nothing if that says nothing. */
static void put_label(FILE *out, const struct box *box, const char *name, double size)
{
	size_t fits = box->width < 8 ? 0 : (size_t)((box->width - 8) / CHARACTER);
	char bytes[24];
	size_t length = strlen(name);

	if (box->height < LABEL_HEIGHT - 2 || fits < 3 || (length > fits && fits < 5))
		return;
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", box->x + 4, box->y + 12.5);
	xml_write(out, name, fits);
	snprintf(bytes, sizeof(bytes), " %.0f", size);
	if (length + strlen(bytes) <= fits)
		fprintf(out, "<tspan fill-opacity=\"0.75\">%s</tspan>", bytes);
	fputs("</text>\n", out);
}

/* Sorts, cuts, and hands each box that can be seen to `draw`. */
static void draw_items(struct drawing *drawing, const struct box *whole, struct item *items,
	unsigned count,
	void (*draw)(struct drawing *drawing, const struct item *item, const struct box *box))
{
	struct box *boxes = calloc(count ? count : 1, sizeof(*boxes));
	double *sizes = calloc(count ? count : 1, sizeof(*sizes));

	qsort(items, count, sizeof(*items), by_size);
	for (unsigned i = 0; sizes && i < count; i++)
		sizes[i] = items[i].size;
	if (boxes && sizes)
		treemap_cut(whole, sizes, count, boxes);
	for (unsigned i = 0; boxes && sizes && i < count; i++)
		if (boxes[i].width >= 0.3 && boxes[i].height >= 0.3)
			draw(drawing, &items[i], &boxes[i]);
	free(boxes);
	free(sizes);
}

/* What is inside of a box with a label. */
static struct box inner(const struct box *box)
{
	struct box in = { box->x + GAP, box->y + LABEL_HEIGHT, box->width - 2 * GAP,
		box->height - LABEL_HEIGHT - GAP };

	return in;
}

static void draw_piece(struct drawing *drawing, const struct item *item, const struct box *box)
{
	const struct parts *parts = &drawing->inspection->parts;
	const struct parts_piece *piece = &parts->pieces[item->index];
	char outer[256];

	snprintf(outer, sizeof(outer), "%s/%s", parts->objects[piece->object].library,
		parts->objects[piece->object].name);
	put_box(drawing->out, box, piece->kind == PARTS_TEXT ? "#fff" : "#000", 0.13);
	put_title(drawing->out, outer, item->name, item->size);
	put_label(drawing->out, box, item->name, item->size);
}

static void draw_object(struct drawing *drawing, const struct item *item, const struct box *box)
{
	const struct parts *parts = &drawing->inspection->parts;
	struct box in = inner(box);
	struct item *items;
	unsigned count = 0;

	put_box(drawing->out, box, "#000", 0.12);
	put_title(drawing->out, parts->objects[item->index].library, item->name, item->size);
	put_label(drawing->out, box, item->name, item->size);
	items = calloc(parts->piece_count, sizeof(*items));
	for (unsigned i = 0; items && i < parts->piece_count; i++) {
		const struct parts_piece *piece = &parts->pieces[i];

		if (piece->object == item->index && piece->kind != PARTS_BSS && piece->bytes > 0)
			items[count++] = (struct item){ piece->name, (double)piece->bytes, i };
	}
	if (in.width > 6 && in.height > 6)
		draw_items(drawing, &in, items, count, draw_piece);
	free(items);
}

static void draw_library(struct drawing *drawing, const struct item *item, const struct box *box)
{
	const struct parts *parts = &drawing->inspection->parts;
	struct box in = inner(box);
	struct item *items;
	unsigned count = 0;

	drawing->colour = item->index < parts->library_count
				  ? colours[item->index % (sizeof(colours) / sizeof(colours[0]))]
				  : "#8a8f94";
	put_box(drawing->out, box, drawing->colour, 1);
	put_title(drawing->out, "", item->name, item->size);
	put_label(drawing->out, box, item->name, item->size);
	if (item->index >= parts->library_count || in.width < 6 || in.height < 6)
		return;
	items = calloc(parts->object_count, sizeof(*items));
	for (unsigned i = 0; items && i < parts->object_count; i++) {
		uint64_t bytes = parts_file_bytes(parts->objects[i].bytes);

		if (bytes > 0 && strcmp(parts->objects[i].library, item->name) == 0)
			items[count++] = (struct item){ parts->objects[i].name, (double)bytes, i };
	}
	draw_items(drawing, &in, items, count, draw_object);
	free(items);
}

/* Libraries, and what belongs to none; without a debug file what the segments tell. */
static unsigned collect(const struct inspection *inspection, struct item *items)
{
	const struct parts *parts = &inspection->parts;
	const struct image *image = &inspection->image;
	unsigned count = 0;

	for (unsigned i = 0; i < parts->library_count; i++)
		if (parts->libraries[i].file_bytes > 0)
			items[count++] = (struct item){ parts->libraries[i].name,
				(double)parts->libraries[i].file_bytes, i };
	if (inspection->header_bytes > 0)
		items[count++] = (struct item){ "headers", (double)inspection->header_bytes,
			PARTS_OBJECTS_MAX };
	if (inspection->padding_bytes > 0)
		items[count++] = (struct item){ "padding", (double)inspection->padding_bytes,
			PARTS_OBJECTS_MAX + 1 };
	if (inspection->shim_bytes > 0)
		items[count++] = (struct item){ "shim", (double)inspection->shim_bytes,
			PARTS_OBJECTS_MAX + 2 };
	for (unsigned i = 0; inspection->list != LIST_GOOD && i < image->segment_count; i++) {
		const struct image_segment *s = &image->segments[i];
		const char *name = (s->rights & IMAGE_EXECUTE) != 0 ? "code"
				   : (s->rights & IMAGE_WRITE) != 0 ? "data"
								    : "constants";

		if (s->file_bytes > 0)
			items[count++] = (struct item){ name, (double)s->file_bytes,
				PARTS_OBJECTS_MAX + 3 + i };
	}
	return count;
}

void show_svg(const struct inspection *inspection, FILE *out)
{
	struct drawing drawing = { .inspection = inspection, .out = out };
	struct box whole = { 0, TOP, WIDTH, HEIGHT - TOP };
	struct item *items = calloc(PARTS_OBJECTS_MAX + IMAGE_SEGMENTS_MAX + 2, sizeof(*items));
	const char *slash = strrchr(inspection->path, '/');
	const char *name = inspection->image.about.name[0] ? inspection->image.about.name
			   : slash			   ? slash + 1
							   : inspection->path;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
		"width=\"%.0f\" height=\"%.0f\" font-family=\"system-ui, sans-serif\" "
		"font-size=\"11\" fill=\"#fff\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		"<text x=\"6\" y=\"28\" font-size=\"18\" font-weight=\"600\" fill=\"#1b2226\">",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	xml_write(out, name, 60);
	fprintf(out,
		" %s<tspan font-weight=\"400\" fill=\"#5a6470\"> %llu bytes, by library, "
		"source file and function</tspan></text>\n",
		inspection->image.about.version, (unsigned long long)inspection->image.length);
	if (items)
		draw_items(&drawing, &whole, items, collect(inspection, items), draw_library);
	fputs("</svg>\n", out);
	free(items);
}
