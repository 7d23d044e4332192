/*
 * A draft: the names and records of a zone while its file is read, and the checks that make a zone
 * of them. Records hang on their node in a list; each knows its line, for messages.
 *
 *     draft_start, draft_add ... draft_add, draft_check, draft_compile, draft_end
 */
#ifndef DIATOM_DNS_DRAFT_H
#define DIATOM_DNS_DRAFT_H

#include "lib/dns/lexer.h"
#include "lib/dns/zone.h"

struct draft_record {
	struct draft_record *next;
	const char *file;
	uint32_t ttl, line;
	uint16_t type, length;
	uint8_t data[];
};

struct draft_node {
	uint32_t parent;
	uint8_t flags;
	const uint8_t *label;
	struct draft_record *records;
};

struct draft {
	const struct dns_source *source;
	struct dns_fault *fault; /* the first error */
	struct dns_zone *zone;	 /* what it shall become; only key, origin and arena are set */
	struct arena arena;	 /* of the draft; ends with it */
	struct draft_node *nodes;
	struct dns_slot *slots;
	uint32_t node_count, node_room; /* room: a power of two; there are twice as many slots */
};

/* OK or NO_MEMORY. */
enum status draft_start(struct draft *draft, struct dns_zone *zone, const struct dns_source *source,
	struct dns_fault *fault);

/* The node of that name, made with all above it if need be: OK, NO_MEMORY, or NOT_FOUND if the name is
 * not in the zone. */
enum status draft_node(struct draft *draft, const struct dns_name *name, uint32_t *node);

enum status draft_add(
	struct draft *draft, uint32_t node, const struct draft_record *fields, struct view data);

/* The rules for a whole zone (check.c): OK; MALFORMED, with the fault noted. Drops duplicates. */
enum status draft_check(struct draft *draft);

/* Builds the zone: OK or NO_MEMORY. */
enum status draft_compile(struct draft *draft);

/* What deserves a word, but no refusal (check.c): after draft_compile. */
void draft_review(const struct draft *draft);

void draft_end(struct draft *draft);

/* Hands a fault to the source's reporter, or the log. */
void fault_report(const struct dns_source *source, const struct dns_fault *fault);

#endif
