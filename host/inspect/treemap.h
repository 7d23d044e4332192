/*
 * A treemap: a rectangle cut into one for each number, of areas in proportion, as square as they can
 * be (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000).
 */
#ifndef DIATOM_HOST_INSPECT_TREEMAP_H
#define DIATOM_HOST_INSPECT_TREEMAP_H

struct box {
	double x, y, width, height;
};

/* `sizes` are positive and stand in descending order; boxes[i] becomes that of sizes[i]. */
void treemap_cut(const struct box *whole, const double *sizes, unsigned count, struct box *boxes);

#endif
