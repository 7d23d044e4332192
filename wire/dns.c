/*
 * Names and records of DNS messages: reading hostile ones, writing compressed ones. See dns.h.
 */
#include "wire/dns.h"

static void lower(struct dns_name *name)
{
	memset(name->bytes + name->length, 0, 8);
	for (size_t i = 0; i < name->length; i += 8) {
		uint64_t word;

		memcpy(&word, name->bytes + i, 8);
		word = dns_lower8(word);
		memcpy(name->bytes + i, &word, 8);
	}
}

bool dns_name_read(struct dns_name *name, struct view bytes)
{
	size_t end = bytes.length < DNS_NAME_BYTES ? bytes.length : DNS_NAME_BYTES;
	size_t place = 0;
	unsigned labels = 0;

	for (;;) {
		uint8_t length;

		if (place >= end)
			return false;
		length = bytes.data[place];
		name->at[labels] = (uint8_t)place; /* labels <= 127: each takes two bytes of 255 */
		place += (size_t)length + 1;
		if (length == 0)
			break;
		if (length > DNS_LABEL_BYTES)
			return false;
		labels++;
	}
	name->labels = (uint8_t)labels;
	name->length = (uint8_t)place;
	memcpy(name->bytes, bytes.data, place);
	lower(name);
	return true;
}

bool dns_name_expand(struct dns_name *name, struct view message, size_t *offset)
{
	size_t place = *offset, limit = *offset, length = 0;
	bool has_jumped = false;
	uint8_t flat[DNS_NAME_BYTES];

	for (;;) {
		uint8_t first;

		if (place >= message.length)
			return false;
		first = message.data[place];
		if (first >= 0xc0) {
			size_t target;

			if (place + 2 > message.length)
				return false;
			target = (size_t)(be16_at(message.data + place) & DNS_POINTER_MAX);
			if (!has_jumped)
				*offset = place + 2;
			has_jumped = true;
			if (target >= limit) /* each jump goes further back: no loops */
				return false;
			limit = place = target;
			continue;
		}
		if (first > DNS_LABEL_BYTES || place + first + 1 > message.length ||
			length + first + 1 > sizeof(flat))
			return false;
		memcpy(flat + length, message.data + place, (size_t)first + 1);
		length += (size_t)first + 1;
		place += (size_t)first + 1;
		if (first == 0)
			break;
	}
	if (!has_jumped)
		*offset = place;
	return dns_name_read(name, view_of(flat, length));
}

static void anchor_add(struct dns_writer *w, size_t offset, size_t length)
{
	if (w->anchors < DNS_ANCHORS && offset <= DNS_POINTER_MAX)
		w->anchor[w->anchors++] = (struct dns_anchor){ (uint16_t)offset, (uint16_t)length };
}

void dns_anchor_name(struct dns_writer *w, size_t offset, const uint8_t *name)
{
	size_t length = dns_name_length(name);

	for (size_t i = 0; i + 1 < length; i += (size_t)name[i] + 1)
		anchor_add(w, offset + i, length - i);
}

void dns_writer_start(struct dns_writer *w, uint8_t *start, size_t limit, size_t offset,
	const struct dns_name *question)
{
	unsigned first = 0;

	w->start = start;
	w->next = start + offset;
	w->end = start + limit;
	memset(w->counts, 0, sizeof(w->counts));
	w->anchors = 0;
	if (question->labels > DNS_QUESTION_ANCHORS)
		first = question->labels - DNS_QUESTION_ANCHORS;
	for (unsigned i = first; i < question->labels; i++)
		anchor_add(w, (size_t)DNS_HEADER_BYTES + question->at[i],
			(size_t)question->length - question->at[i]);
}

bool dns_name_equals(const uint8_t *message, size_t offset, const uint8_t *name)
{
	for (;;) {
		const uint8_t *label = message + offset;

		if (label[0] >= 0xc0) {
			offset = be16_at(label) & DNS_POINTER_MAX;
			continue;
		}
		if (label[0] != name[0])
			return false;
		if (label[0] == 0)
			return true;
		for (unsigned i = 1; i <= name[0]; i++)
			if (dns_lower(label[i]) != dns_lower(name[i]))
				return false;
		offset += (size_t)name[0] + 1;
		name += (size_t)name[0] + 1;
	}
}

/* The place of that name in the message, or 0. */
static uint16_t anchor_find(const struct dns_writer *w, const uint8_t *name, size_t length)
{
	for (unsigned i = 0; i < w->anchors; i++)
		if (w->anchor[i].length == length &&
			dns_name_equals(w->start, w->anchor[i].offset, name))
			return w->anchor[i].offset;
	return 0;
}

bool dns_write_name(struct dns_writer *w, const uint8_t *name)
{
	size_t length = dns_name_length(name), done = 0;
	size_t offset = (size_t)(w->next - w->start), room = (size_t)(w->end - w->next);
	unsigned known = w->anchors;

	while (name[done] != 0) {
		uint16_t place = anchor_find(w, name + done, length - done);

		if (place != 0) {
			if (done + 2 > room)
				break;
			memcpy(w->next, name, done);
			be16_to(w->next + done, 0xc000 | place);
			w->next += done + 2;
			for (size_t i = 0; i < done; i += (size_t)name[i] + 1)
				anchor_add(w, offset + i, length - i);
			return true;
		}
		done += (size_t)name[done] + 1;
	}
	if (length > room || name[done] != 0) {
		w->anchors = known;
		return false;
	}
	memcpy(w->next, name, length);
	w->next += length;
	dns_anchor_name(w, offset, name);
	return true;
}

static bool write_bytes(struct dns_writer *w, const uint8_t *bytes, size_t length)
{
	if (length > (size_t)(w->end - w->next))
		return false;
	if (length > 0)
		memcpy(w->next, bytes, length);
	w->next += length;
	return true;
}

/* The data of a record, its names compressed; it was checked when the zone was read. */
static bool write_shaped(struct dns_writer *w, struct dns_shape shape, struct view data)
{
	size_t done = shape.skip;

	if (!write_bytes(w, data.data, done))
		return false;
	for (unsigned i = 0; i < shape.names; i++) {
		if (!dns_write_name(w, data.data + done))
			return false;
		done += dns_name_length(data.data + done);
	}
	return write_bytes(w, data.data + done, data.length - done);
}

static bool write_record(struct dns_writer *w, const struct dns_record *record)
{
	uint8_t *fixed;

	if (record->owner_pointer != 0) {
		size_t label = record->owner_label != NULL ? record->owner_label[0] + (size_t)1 : 0;

		if (!write_bytes(w, record->owner_label, label) || w->end - w->next < 2)
			return false;
		be16_to(w->next, record->owner_pointer);
		w->next += 2;
	} else if (!dns_write_name(w, record->owner)) {
		return false;
	}
	fixed = w->next;
	if (w->end - fixed < DNS_RECORD_BYTES)
		return false;
	w->next += DNS_RECORD_BYTES;
	be16_to(fixed, record->type);
	be16_to(fixed + 2, DNS_CLASS_IN);
	be32_to(fixed + 4, record->ttl);
	if (record->shape.names == 0 ? !write_bytes(w, record->data.data, record->data.length)
				     : !write_shaped(w, record->shape, record->data))
		return false;
	be16_to(fixed + 8, (uint16_t)(w->next - fixed - DNS_RECORD_BYTES));
	return true;
}

bool dns_write_record(struct dns_writer *w, const struct dns_record *record)
{
	struct dns_mark mark = dns_mark(w);

	if (write_record(w, record))
		return true;
	dns_rewind(w, mark);
	return false;
}
