/*
 * The picture, outermost functions at the bottom:
 *
 *     title                               [search]
 *              subtitle
 *                 | memo_find |
 *           | answer          |  send |
 *     | serve                         | idle |
 *     | main                                 |
 *     | all                                  |
 *     what the pointer is at
 *
 * Widths are shares of all samples. The script keeps each frame's first place in data-x and data-w (of
 * WIDTH), and moves rectangles and texts when one is clicked. Texts are monospaced, so how many letters
 * fit is known here and there.
 */
#include "host/observe/flame.h"

#include <string.h>

#include "host/xml.h"

#define WIDTH	    1200
#define MARGIN	    12
#define ROW	    18U
#define HEAD	    64
#define FOOT	    34
#define LETTER	    6.65 /* width of one at 11 px */
#define LEAST_WIDTH 0.1	 /* frames that are narrower can't be seen */

static const char style[] =
	"<style>\n"
	"svg { background: #fffdf8; }\n"
	"text { font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace; font-size: 11px; "
	"fill: #1c1c1c; }\n"
	".title { font-family: 'DejaVu Sans', Helvetica, Arial, sans-serif; font-size: 17px; "
	"font-weight: bold; }\n"
	".sub { font-family: 'DejaVu Sans', Helvetica, Arial, sans-serif; font-size: 12px; "
	"fill: #666; }\n"
	".button { font-family: 'DejaVu Sans', Helvetica, Arial, sans-serif; font-size: 12px; "
	"fill: #2459a8; cursor: pointer; }\n"
	".f { cursor: pointer; }\n"
	".f rect { stroke: #fffdf8; stroke-width: 0.6; }\n"
	".f text { pointer-events: none; }\n"
	".f:hover rect { stroke: #1c1c1c; stroke-width: 1; }\n"
	".f.under { opacity: 0.55; }\n"
	".f.found rect { fill: #c04bd8; }\n"
	"</style>\n";

/* A frame is <g class="f" data-x data-w data-y><title/><rect/><text/></g>. */
static const char script[] =
	"<script><![CDATA[\n"
	"const WIDTH = 1200, MARGIN = 12, LETTER = 6.65;\n"
	"const frames = [...document.querySelectorAll('.f')].map(g => ({ g,\n"
	"  name: g.querySelector('title').textContent,\n"
	"  x: +g.dataset.x, w: +g.dataset.w, y: +g.dataset.y,\n"
	"  rect: g.querySelector('rect'), text: g.querySelector('text') }));\n"
	"const at = id => document.getElementById(id);\n"
	"const label = f => f.name.slice(0, f.name.lastIndexOf(' ('));\n"
	"function fit(f, w) {\n"
	"  const room = Math.floor((w - 8) / LETTER), name = label(f);\n"
	"  f.text.textContent = room < 3 ? '' : name.length <= room ? name\n"
	"    : name.slice(0, room - 2) + '..';\n"
	"}\n"
	"function zoom(to) {\n"
	"  const span = WIDTH - 2 * MARGIN, scale = span / to.w, e = 1e-4;\n"
	"  for (const f of frames) {\n"
	"    const under = f.y > to.y && f.x <= to.x + e && f.x + f.w >= to.x + to.w - e;\n"
	"    const inside = f.y <= to.y && f.x >= to.x - e && f.x + f.w <= to.x + to.w + e;\n"
	"    f.g.style.display = under || inside ? '' : 'none';\n"
	"    f.g.classList.toggle('under', under);\n"
	"    if (!under && !inside) continue;\n"
	"    const x = under ? MARGIN : MARGIN + (f.x - to.x) * scale;\n"
	"    const w = under ? span : f.w * scale;\n"
	"    f.rect.setAttribute('x', x);\n"
	"    f.rect.setAttribute('width', w);\n"
	"    f.text.setAttribute('x', x + 4);\n"
	"    fit(f, w);\n"
	"  }\n"
	"  at('reset').style.display = to === all ? 'none' : '';\n"
	"}\n"
	"const all = frames[0];\n"
	"for (const f of frames) {\n"
	"  f.g.addEventListener('click', () => zoom(f));\n"
	"  f.g.addEventListener('mouseover', () => at('details').textContent = f.name);\n"
	"  f.g.addEventListener('mouseout', () => at('details').textContent = '');\n"
	"}\n"
	"at('reset').addEventListener('click', () => zoom(all));\n"
	"function search(words) {\n"
	"  let pattern, share = 0, end = -1;\n"
	"  try { pattern = words ? new RegExp(words) : null; } catch (e) { pattern = null; }\n"
	"  const found = frames.filter(f => {\n"
	"    const hit = pattern !== null && f !== all && pattern.test(label(f));\n"
	"    f.g.classList.toggle('found', hit);\n"
	"    return hit;\n"
	"  });\n"
	"  found.sort((a, b) => a.x - b.x || b.w - a.w);\n"
	"  for (const f of found)\n"
	"    if (f.x >= end - 1e-4) { share += f.w; end = f.x + f.w; }\n"
	"  at('matched').textContent = pattern === null ? '' :\n"
	"    'matched ' + (100 * share / all.w).toFixed(1) + ' %';\n"
	"}\n"
	"at('search').addEventListener('click', () => {\n"
	"  const words = prompt('Colour the functions whose names match (a regular expression):', "
	"'');\n"
	"  if (words !== null) search(words);\n"
	"});\n"
	"]]></script>\n";

struct flame {
	const struct stacks *stacks;
	FILE *file;
	unsigned depth; /* rows */
	double unit;	/* pixels a sample */
};

static unsigned depth_of(const struct stacks *stacks, uint32_t at, double unit)
{
	const struct stacks_node *node = &stacks->nodes[at];
	unsigned deepest = 0;

	if ((double)node->total * unit < LEAST_WIDTH)
		return 0;
	for (at = node->first_child; at != STACKS_NONE; at = stacks->nodes[at].next) {
		unsigned depth = depth_of(stacks, at, unit);

		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

/* The same name always has the same colour: warm ones for the image's functions, a little paler where
 * they were inlined; cool and grey ones for what is not the image. */
static void write_colour(FILE *file, const char *name, bool is_root)
{
	uint32_t hash = 2166136261U; /* FNV-1a */
	size_t length = strlen(name);
	bool is_inlined = length > 4 && strcmp(name + length - 4, "_[i]") == 0;

	for (const char *at = name; *at != '\0'; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619U;
	if (is_root)
		fputs("#d9d2c5", file);
	else if (strcmp(name, "[kernel]") == 0)
		fputs("#8fb0d9", file);
	else if (strcmp(name, "[monitor]") == 0 || strcmp(name, "[exit]") == 0)
		fputs("#8fc7b5", file);
	else if (strcmp(name, "[vdso]") == 0)
		fputs("#a9bfd0", file);
	else if (name[0] == '[')
		fputs("#c9c9c9", file);
	else
		fprintf(file, "hsl(%u,%u%%,%u%%)", 12U + hash % 38, 78U + hash / 64 % 14,
			(is_inlined ? 74U : 61U) + hash / 4096 % 7);
}

static void write_label(FILE *file, const char *name, double width)
{
	char shown[160];
	int room = (int)((width - 8) / LETTER);

	if (room < 3)
		return;
	if ((int)strlen(name) <= room)
		snprintf(shown, sizeof(shown), "%s", name);
	else
		snprintf(shown, sizeof(shown), "%.*s..", room - 2 > 150 ? 150 : room - 2, name);
	xml_write(file, shown, SIZE_MAX);
}

static void write_frame(const struct flame *flame, uint32_t at, unsigned row, double x)
{
	const struct stacks_node *node = &flame->stacks->nodes[at];
	const char *name = flame->stacks->names[node->name];
	uint64_t all = flame->stacks->nodes[0].total;
	double width = (double)node->total * flame->unit;
	unsigned y = HEAD + (flame->depth - 1 - row) * ROW;
	FILE *file = flame->file;

	if (width < LEAST_WIDTH)
		return;
	fprintf(file, "<g class=\"f\" data-x=\"%.4f\" data-w=\"%.4f\" data-y=\"%u\"><title>", x,
		width, y);
	xml_write(file, name, SIZE_MAX);
	fprintf(file, " (%llu samples, %.2f %%)</title>", (unsigned long long)node->total,
		100.0 * (double)node->total / (double)all);
	fprintf(file, "<rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%u\" rx=\"2\" fill=\"", x,
		y, width, ROW - 1);
	write_colour(file, name, at == 0);
	fprintf(file, "\"/><text x=\"%.2f\" y=\"%u\">", x + 4, y + 13);
	write_label(file, name, width);
	fputs("</text></g>\n", file);
	for (at = node->first_child; at != STACKS_NONE; at = flame->stacks->nodes[at].next) {
		write_frame(flame, at, row + 1, x);
		x += (double)flame->stacks->nodes[at].total * flame->unit;
	}
}

static void write_head(const struct flame *flame, const char *title, const char *subtitle)
{
	unsigned height = HEAD + flame->depth * ROW + FOOT;
	FILE *file = flame->file;

	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\">\n",
		WIDTH, height, WIDTH, height);
	fputs(style, file);
	fprintf(file, "<text class=\"title\" x=\"%d\" y=\"26\">", MARGIN);
	xml_write(file, title, SIZE_MAX);
	fprintf(file, "</text>\n<text class=\"sub\" x=\"%d\" y=\"46\">", MARGIN);
	xml_write(file, subtitle, SIZE_MAX);
	fprintf(file,
		"</text>\n"
		"<text class=\"button\" id=\"search\" x=\"%d\" y=\"26\" text-anchor=\"end\">Search"
		"</text>\n"
		"<text class=\"button\" id=\"reset\" x=\"%d\" y=\"26\" text-anchor=\"end\" "
		"style=\"display:none\">Show all</text>\n"
		"<text class=\"sub\" id=\"matched\" x=\"%d\" y=\"46\" text-anchor=\"end\"></text>\n"
		"<text id=\"details\" x=\"%d\" y=\"%u\"></text>\n",
		WIDTH - MARGIN, WIDTH - MARGIN - 64, WIDTH - MARGIN, MARGIN, height - 12);
}

void flame_write(const struct stacks *stacks, const char *title, const char *subtitle, FILE *file)
{
	uint64_t all = stacks->nodes[0].total;
	struct flame flame = { .stacks = stacks,
		.file = file,
		.unit = (double)(WIDTH - 2 * MARGIN) / (double)(all > 0 ? all : 1) };

	flame.depth = all > 0 ? depth_of(stacks, 0, flame.unit) : 1;
	write_head(&flame, title, subtitle);
	if (all > 0)
		write_frame(&flame, 0, 0, MARGIN);
	if (all > 0)
		fputs(script, file);
	fputs("</svg>\n", file);
}
