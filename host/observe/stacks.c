/*
 * Children are a list: functions call few others, and the one that was just seen is moved to its front.
 * Names are a plain list as well: who adds samples keeps the numbers of the addresses that he has seen,
 * so a name is looked up once an address. The tree is never deeper than STACKS_DEPTH_MAX, so walking it
 * by recursion is safe.
 */
#include "host/observe/stacks.h"

#include <stdlib.h>
#include <string.h>

#include "abi/call.h"
#include "host/observe/text.h"
#include "host/report.h"

static void *grow(void *array, uint32_t *capacity, size_t each)
{
	uint32_t wanted = *capacity == 0 ? 256 : *capacity * 2;
	void *grown = reallocarray(array, wanted, each);

	if (grown == NULL)
		exit(report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory for the profile"));
	*capacity = wanted;
	return grown;
}

static uint32_t add_node(struct stacks *stacks, uint32_t name)
{
	if (stacks->count == stacks->capacity)
		stacks->nodes = grow(stacks->nodes, &stacks->capacity, sizeof(*stacks->nodes));
	stacks->nodes[stacks->count] = (struct stacks_node){
		.name = name, .first_child = STACKS_NONE, .next = STACKS_NONE
	};
	return stacks->count++;
}

void stacks_init(struct stacks *stacks)
{
	memset(stacks, 0, sizeof(*stacks));
	add_node(stacks, stacks_name(stacks, "all"));
}

uint32_t stacks_name(struct stacks *stacks, const char *name)
{
	for (uint32_t i = 0; i < stacks->name_count; i++)
		if (strcmp(stacks->names[i], name) == 0)
			return i;
	if (stacks->name_count == stacks->name_capacity)
		stacks->names = grow(stacks->names, &stacks->name_capacity, sizeof(char *));
	stacks->names[stacks->name_count] = strdup(name);
	if (stacks->names[stacks->name_count] == NULL)
		exit(report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory for the profile"));
	return stacks->name_count++;
}

/* The child of that name, made if need be, and moved to the front. */
static uint32_t child_of(struct stacks *stacks, uint32_t parent, uint32_t name)
{
	uint32_t before = STACKS_NONE, at = stacks->nodes[parent].first_child;

	while (at != STACKS_NONE && stacks->nodes[at].name != name) {
		before = at;
		at = stacks->nodes[at].next;
	}
	if (at == STACKS_NONE)
		at = add_node(stacks, name);
	else if (before == STACKS_NONE)
		return at;
	else
		stacks->nodes[before].next = stacks->nodes[at].next;
	stacks->nodes[at].next = stacks->nodes[parent].first_child;
	stacks->nodes[parent].first_child = at;
	return at;
}

void stacks_add(struct stacks *stacks, const uint32_t *names, unsigned depth)
{
	uint32_t at = 0;

	stacks->nodes[0].total++;
	for (unsigned i = 0; i < depth && i < STACKS_DEPTH_MAX; i++) {
		at = child_of(stacks, at, names[i]);
		stacks->nodes[at].total++;
	}
	stacks->nodes[at].self++;
}

/* Puts a node where it belongs in a sorted list; returns the list. */
static uint32_t insert(const struct stacks *stacks, uint32_t list, uint32_t node)
{
	struct stacks_node *nodes = stacks->nodes;
	const char *name = stacks->names[nodes[node].name];
	uint32_t at = list;

	if (list == STACKS_NONE || strcmp(name, stacks->names[nodes[list].name]) < 0) {
		nodes[node].next = list;
		return node;
	}
	while (nodes[at].next != STACKS_NONE &&
		strcmp(stacks->names[nodes[nodes[at].next].name], name) < 0)
		at = nodes[at].next;
	nodes[node].next = nodes[at].next;
	nodes[at].next = node;
	return list;
}

void stacks_sort(struct stacks *stacks)
{
	for (uint32_t i = 0; i < stacks->count; i++) {
		uint32_t sorted = STACKS_NONE, at = stacks->nodes[i].first_child;

		while (at != STACKS_NONE) {
			uint32_t next = stacks->nodes[at].next;

			sorted = insert(stacks, sorted, at);
			at = next;
		}
		stacks->nodes[i].first_child = sorted;
	}
}

static void write_folded(
	const struct stacks *stacks, FILE *file, uint32_t *path, unsigned depth, uint32_t at)
{
	const struct stacks_node *node = &stacks->nodes[at];

	if (depth > 0)
		path[depth - 1] = node->name;
	if (node->self > 0 && depth > 0) {
		for (unsigned i = 0; i < depth; i++) {
			text_folded(file, stacks->names[path[i]]);
			fputc(i + 1 < depth ? ';' : ' ', file);
		}
		fprintf(file, "%llu\n", (unsigned long long)node->self);
	}
	for (at = node->first_child; at != STACKS_NONE; at = stacks->nodes[at].next)
		write_folded(stacks, file, path, depth + 1, at);
}

void stacks_write_folded(const struct stacks *stacks, FILE *file)
{
	uint32_t path[STACKS_DEPTH_MAX + 1];

	write_folded(stacks, file, path, 0, 0);
}

/* Adds up a node and what is below it; `open` counts, for each name, how many of it are on the path. */
static void add_up(
	const struct stacks *stacks, struct stacks_function *all, unsigned *open, uint32_t at)
{
	const struct stacks_node *node = &stacks->nodes[at];
	struct stacks_function *function = &all[node->name];

	function->self += node->self;
	function->total += open[node->name] == 0 ? node->total : 0;
	open[node->name]++;
	for (uint32_t child = node->first_child; child != STACKS_NONE;
		child = stacks->nodes[child].next)
		add_up(stacks, all, open, child);
	open[node->name]--;
}

static int by_self(const void *a, const void *b)
{
	const struct stacks_function *x = a, *y = b;

	if (x->self != y->self)
		return x->self < y->self ? 1 : -1;
	return x->total < y->total ? 1 : x->total > y->total ? -1 : 0;
}

unsigned stacks_top(const struct stacks *stacks, struct stacks_function *top, unsigned most)
{
	struct stacks_function *all = calloc(stacks->name_count, sizeof(*all));
	unsigned *open = calloc(stacks->name_count, sizeof(*open)), n = 0;

	if (all == NULL || open == NULL)
		exit(report_error(EXIT_OUT_OF_MEMORY, NULL, "no memory for the profile"));
	for (uint32_t i = 0; i < stacks->name_count; i++)
		all[i].name = stacks->names[i];
	add_up(stacks, all, open, 0);
	qsort(all, stacks->name_count, sizeof(*all), by_self);
	while (n < most && n < stacks->name_count && all[n].self > 0) {
		top[n] = all[n];
		n++;
	}
	free(all);
	free(open);
	return n;
}
