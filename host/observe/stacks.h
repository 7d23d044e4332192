/*
 * Stacks, folded: a tree of who called whom, with how often each was seen.
 *
 *     main 70 ── serve 70 ── answer 50          total: seen in it or in what it called
 *                        └── memo 20            self:  seen in it
 */
#ifndef DIATOM_HOST_OBSERVE_STACKS_H
#define DIATOM_HOST_OBSERVE_STACKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define STACKS_DEPTH_MAX 256
#define STACKS_NONE	 UINT32_MAX

struct stacks_node {
	uint64_t self, total;
	uint32_t name;
	uint32_t first_child, next; /* STACKS_NONE: no more */
};

struct stacks {
	struct stacks_node *nodes; /* [0] is the root: all */
	uint32_t count, capacity;
	char **names;
	uint32_t name_count, name_capacity;
};

/* What one function had, wherever it was called from. Recursion counts once. */
struct stacks_function {
	const char *name;
	uint64_t self, total;
};

/* Memory that runs out ends the program with a report, here and below. */
void stacks_init(struct stacks *stacks);

/* The number of a name: the same for the same text. */
uint32_t stacks_name(struct stacks *stacks, const char *name);

/* Adds one sample: names of functions, outermost first. */
void stacks_add(struct stacks *stacks, const uint32_t *names, unsigned depth);

/* Orders all children by name, as flame graphs have them. */
void stacks_sort(struct stacks *stacks);

/* Writes "main;serve;answer 50" for each stack: the format of flamegraph.pl and its kin. */
void stacks_write_folded(const struct stacks *stacks, FILE *file);

/* The functions with the most samples of their own, at most `most`, in order. Returns how many. */
unsigned stacks_top(const struct stacks *stacks, struct stacks_function *top, unsigned most);

#endif
