/*
 * The picture of a timeline while it is drawn: what lanes.c decides (which rows there are, and where)
 * and lanes_draw.c draws.
 */
#ifndef DIATOM_HOST_OBSERVE_PICTURE_H
#define DIATOM_HOST_OBSERVE_PICTURE_H

#include "host/observe/lanes.h"

#define WIDTH	    1200
#define LEFT	    150
#define RIGHT	    14
#define PIXELS	    (WIDTH - LEFT - RIGHT)
#define HEAD	    86
#define ROW	    20
#define SPAN_ROW    14
#define SPAN_DEPTH  6 /* drawn */
#define GAP	    4
#define LANES_SHOWN 48
#define COUNTERS    8
#define COUNTER_ROW 36
#define LETTER	    6.05 /* width of one at 10 px */

#define BOX_KINDS   (TIMELINE_WAIT + 1) /* kinds of events that are drawn as boxes come first */

struct row {
	uint32_t lane;
	unsigned y, depth; /* span rows beneath */
	int64_t busy;
};

struct picture {
	const struct lanes *lanes;
	const struct timeline *timeline;
	FILE *file;
	int64_t start, end;
	struct row rows[LANES_SHOWN];
	unsigned row_count, rows_left_out;
	unsigned row_of[TIMELINE_LANES_MAX]; /* index + 1 */
	const char *counters[COUNTERS];
	unsigned counter_count, counters_y, height;
};

/* How each kind looks and is called. */
struct picture_look {
	const char *style, *what; /* what NULL: not in the legend */
};
extern const struct picture_look picture_looks[];

/* Where an instant is. */
static inline double picture_x(const struct picture *p, int64_t time)
{
	return LEFT + (double)(time - p->start) * PIXELS / (double)(p->end - p->start);
}

/* A lane's row; NULL: it is not drawn. */
static inline const struct row *picture_row(const struct picture *p, uint32_t lane)
{
	return p->row_of[lane] != 0 ? &p->rows[p->row_of[lane] - 1] : NULL;
}

/* "12.5 ms" */
void picture_write_time(FILE *file, int64_t ns);

/* All boxes, instants, wake-ups and counters. */
void picture_draw(const struct picture *picture);

#endif
