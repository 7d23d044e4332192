/*
 * The ring of rendered answers. See memo.h.
 */
#include "lib/dns/memo.h"

#include "diatom/memory.h"
#include "diatom/random.h"
#include "lib/dns/zone.h"

#define MEMO_BYTES_MIN 65536
#define SLOT_FOR_BYTES 64 /* a short entry's size: as many slots as such entries */

enum status memo_create(struct dns_memo *memo, size_t bytes)
{
	size_t slots;

	*memo = (struct dns_memo){ .key = random_u64() };
	if (bytes == 0)
		return OK;
	memo->log_bytes = MEMO_BYTES_MIN;
	while (memo->log_bytes * 2 <= bytes)
		memo->log_bytes *= 2;
	slots = memo->log_bytes / SLOT_FOR_BYTES;
	memo->position = memo->log_bytes; /* so that 0 is no entry */
	memo->slot_mask = (uint32_t)slots - 1;
	memo->log = extent_alloc(memo->log_bytes);
	memo->slots = extent_alloc(slots * sizeof(*memo->slots));
	if (memo->log == NULL || memo->slots == NULL) {
		memo_free(memo);
		return NO_MEMORY;
	}
	memset(memo->slots, 0, slots * sizeof(*memo->slots));
	return OK;
}

void memo_free(struct dns_memo *memo)
{
	size_t slots = memo->log_bytes / SLOT_FOR_BYTES;

	extent_free(memo->log, memo->log_bytes);
	extent_free(memo->slots, slots * sizeof(*memo->slots));
	*memo = (struct dns_memo){ 0 };
}

uint64_t memo_hash(const struct dns_memo *memo, const struct dns_query *query)
{
	return dns_hash(
		memo->key ^ (uint64_t)query->type << 40, query->name.bytes, query->name.length);
}

static uint32_t label_of(const struct dns_query *query)
{
	return (uint32_t)query->name.length << 16 | query->type;
}

const struct memo_entry *memo_find(
	const struct dns_memo *memo, const struct dns_query *query, uint64_t hash)
{
	if (memo->log_bytes == 0)
		return NULL;
	for (unsigned i = 0; i < 2; i++) {
		const struct memo_slot *slot = &memo->slots[((uint32_t)hash & memo->slot_mask) ^ i];
		const struct memo_entry *entry;

		if (slot->hash != hash || memo->position - slot->position > memo->log_bytes)
			continue;
		entry = (const void *)(memo->log + (slot->position & (memo->log_bytes - 1)));
		if (entry->name_and_type == label_of(query) &&
			memcmp(entry->bytes, query->name.bytes, query->name.length) == 0)
			return entry;
	}
	return NULL;
}

/* The slot for a new entry: the one of its bucket that is dead, or older. */
static struct memo_slot *slot_for(const struct dns_memo *memo, uint64_t hash)
{
	struct memo_slot *slot = &memo->slots[(uint32_t)hash & memo->slot_mask];
	struct memo_slot *other = &memo->slots[((uint32_t)hash & memo->slot_mask) ^ 1];

	return other->position < slot->position ? other : slot;
}

void memo_put(struct dns_memo *memo, const struct dns_query *query, uint64_t hash,
	const struct memo_entry *fields, struct view answer)
{
	size_t bytes = sizeof(struct memo_entry) + query->name.length + answer.length;
	size_t place = memo->position & (memo->log_bytes - 1);
	struct memo_entry *entry;

	if (memo->log_bytes == 0 || answer.length > MEMO_ANSWER_BYTES)
		return;
	bytes = (bytes + 7) & ~(size_t)7;
	if (place + bytes > memo->log_bytes) { /* entries don't wrap around */
		memo->position += memo->log_bytes - place;
		place = 0;
	}
	entry = (void *)(memo->log + place);
	*slot_for(memo, hash) = (struct memo_slot){ memo->position, hash };
	memo->position += bytes;
	*entry = *fields;
	entry->name_and_type = label_of(query);
	entry->length = (uint16_t)answer.length;
	memcpy(entry->bytes, query->name.bytes, query->name.length);
	memcpy(entry->bytes + query->name.length, answer.data, answer.length);
}
