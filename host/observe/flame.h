/*
 * Flame graphs: stacks as one SVG file that needs nothing else. In a browser, pointing at a frame shows
 * its name, samples and share; a click makes it as wide as the picture; Search colours what matches.
 */
#ifndef DIATOM_HOST_OBSERVE_FLAME_H
#define DIATOM_HOST_OBSERVE_FLAME_H

#include <stdio.h>

#include "host/observe/stacks.h"

/* `stacks` are sorted. `title` and `subtitle` may hold anything. */
void flame_write(const struct stacks *stacks, const char *title, const char *subtitle, FILE *file);

#endif
