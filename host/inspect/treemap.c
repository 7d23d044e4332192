/*
 * Boxes are laid in rows along the shorter side of what is left. A row takes one more box as long as
 * that makes its worst box more square.
 */
#include "host/inspect/treemap.h"

/* The longest ratio of sides in a row of that total area along `side`. */
static double worst(double total, double least, double most, double side)
{
	double thickness = total / side;
	double of_most = most / thickness / thickness, of_least = thickness * thickness / least;

	return of_most > of_least ? of_most : of_least;
}

/* How many boxes make the best row; *total is their area. */
static unsigned row_length(
	const double *sizes, unsigned count, double scale, double side, double *total)
{
	unsigned length = 1;
	double ratio;

	*total = sizes[0] * scale;
	ratio = worst(*total, *total, *total, side);
	while (length < count) {
		double more = *total + sizes[length] * scale;
		double next = worst(more, sizes[length] * scale, sizes[0] * scale, side);

		if (next > ratio)
			break;
		ratio = next;
		*total = more;
		length++;
	}
	return length;
}

/* Lays a row at the top or left of what is left, and takes it off. */
static void lay_row(
	struct box *left, const double *sizes, unsigned count, double scale, struct box *boxes)
{
	int is_column = left->width > left->height;
	double side = is_column ? left->height : left->width, total = 0, at = 0, thickness;

	for (unsigned i = 0; i < count; i++)
		total += sizes[i] * scale;
	thickness = total / side;
	for (unsigned i = 0; i < count; i++) {
		double length = sizes[i] * scale / thickness;

		boxes[i] = is_column ? (struct box){ left->x, left->y + at, thickness, length }
				     : (struct box){ left->x + at, left->y, length, thickness };
		at += length;
	}
	if (is_column) {
		left->x += thickness;
		left->width -= thickness;
	} else {
		left->y += thickness;
		left->height -= thickness;
	}
}

void treemap_cut(const struct box *whole, const double *sizes, unsigned count, struct box *boxes)
{
	struct box left = *whole;
	double sum = 0, scale;

	for (unsigned i = 0; i < count; i++) {
		sum += sizes[i];
		boxes[i] = (struct box){ whole->x, whole->y, 0, 0 };
	}
	if (sum <= 0 || whole->width <= 0 || whole->height <= 0)
		return;
	scale = whole->width * whole->height / sum;
	for (unsigned done = 0; done < count;) {
		double side = left.width < left.height ? left.width : left.height, total;
		unsigned length;

		if (side <= 1e-6) /* rounding has used it up */
			return;
		length = row_length(sizes + done, count - done, scale, side, &total);
		lay_row(&left, sizes + done, length, scale, boxes + done);
		done += length;
	}
}
