/*
 * Lines of master files. See master.h.
 */
#include "lib/dns/master.h"

#include "base/format.h"
#include "diatom/random.h"
#include "lib/dns/rdata.h"

#define TTL_MAX 0x7fffffffU /* RFC 2181 section 8 */

static bool name_of_token(struct master *master, struct dns_lexer *lexer, struct dns_name *name)
{
	uint8_t written[DNS_NAME_BYTES];
	char shown[LEXER_SHOWN];
	const char *why = name_parse(name, lexer->token.text, &master->origin, written);

	if (why != NULL)
		return lexer_fail(lexer, "the name %s %s", lexer_shown(lexer, shown), why);
	return true;
}

static bool no_memory(struct master *master)
{
	master->is_out_of_memory = true;
	return false;
}

static bool owner_read(struct master *master, struct dns_lexer *lexer)
{
	char shown[LEXER_SHOWN];
	struct dns_name name;
	enum status status;

	if (!name_of_token(master, lexer, &name))
		return false;
	status = draft_node(master->draft, &name, &master->owner);
	if (status == NO_MEMORY)
		return no_memory(master);
	if (status != OK)
		return lexer_fail(lexer, "the name %s is not in the zone %.80s",
			lexer_shown(lexer, shown), master->draft->zone->origin_text);
	return true;
}

/* Is the word a class? Only IN is served. */
static bool class_parse(struct view text, bool *is_in)
{
	uint32_t number;

	*is_in = dns_text_is(text, "IN");
	if (*is_in || dns_text_is(text, "CH") || dns_text_is(text, "HS") || dns_text_is(text, "CS"))
		return true;
	if (text.length <= 5 || !dns_text_is(view_part(text, 0, 5), "CLASS") ||
		!dns_number_parse(&number, view_part(text, 5, text.length), 65535))
		return false;
	*is_in = number == DNS_CLASS_IN;
	return true;
}

/* TTL and class, in either order or not at all, then the type: it stays the current token. */
static bool prefix_read(
	struct master *master, struct dns_lexer *lexer, uint32_t *ttl, uint16_t *type)
{
	bool has_ttl = false, has_class = false, is_in;
	char shown[LEXER_SHOWN];

	for (;;) {
		struct view text = lexer->token.text;

		if (lexer->token.kind != TOKEN_WORD)
			return lexer_fail(lexer, "the line ends where a record type belongs");
		if (!has_ttl && ttl_parse(ttl, text)) {
			has_ttl = true;
			if (*ttl > TTL_MAX)
				return lexer_fail(lexer, "the TTL %s is above 2147483647",
					lexer_shown(lexer, shown));
		} else if (!has_class && class_parse(text, &is_in)) {
			has_class = true;
			if (!is_in)
				return lexer_fail(lexer, "class %s: only IN is served",
					lexer_shown(lexer, shown));
		} else {
			break;
		}
		if (!lexer_next(lexer))
			return false;
	}
	if (!dns_type_parse(type, lexer->token.text))
		return lexer_fail(lexer, "%s is no record type", lexer_shown(lexer, shown));
	if (*type == 0 || *type == DNS_OPT || (*type >= DNS_META_FIRST && *type <= DNS_ANY))
		return lexer_fail(
			lexer, "records of type %s can't be in a zone", lexer_shown(lexer, shown));
	if (has_ttl) {
		master->has_last_ttl = true;
		master->last_ttl = *ttl;
	} else {
		*ttl = UINT32_MAX;
	}
	return true;
}

/* The TTL of a record that has none: $TTL (RFC 2308 4), the last one given, or the SOA's minimum. */
static bool ttl_default(
	struct master *master, struct dns_lexer *lexer, uint16_t type, uint32_t *ttl)
{
	if (*ttl != UINT32_MAX)
		return true;
	if (master->has_default_ttl) {
		*ttl = master->default_ttl;
	} else if (master->has_last_ttl) {
		*ttl = master->last_ttl;
	} else if (type == DNS_SOA) {
		*ttl = be32_at(master->data.next - 4);
		if (*ttl > TTL_MAX)
			return lexer_fail(lexer, "the SOA's minimum TTL is above 2147483647");
		master->has_last_ttl = true;
		master->last_ttl = *ttl;
	} else {
		return lexer_fail(
			lexer, "the record has no TTL, and no $TTL or TTL stands before it");
	}
	return true;
}

static bool record_read(struct master *master, struct dns_lexer *lexer)
{
	struct draft_record record = { .file = lexer->file };
	struct dns_token place;
	struct view data;

	if (!prefix_read(master, lexer, &record.ttl, &record.type))
		return false;
	place = lexer->token;
	record.line = place.line;
	master->data =
		emitter_on(master->data.start, (size_t)(master->data.end - master->data.start));
	if (!rdata_parse(lexer, record.type, &master->origin, &master->data))
		return false;
	data = view_of(master->data.start, emitter_length(&master->data));
	lexer->token.line = place.line;
	lexer->token.column = place.column;
	if (record.type == DNS_SOA && master->owner != NODE_APEX)
		return lexer_fail(lexer, "a SOA record below the zone's origin");
	if (!ttl_default(master, lexer, record.type, &record.ttl))
		return false;
	return draft_add(master->draft, master->owner, &record, data) == OK || no_memory(master);
}

static bool include(struct master *master, struct dns_lexer *lexer)
{
	struct dns_name outer_origin = master->origin, origin = master->origin;
	uint32_t outer_owner = master->owner;
	char file[128];
	struct dns_token place;
	struct view text;
	bool is_read;

	if (!lexer_word(lexer, "a file name"))
		return false;
	place = lexer->token;
	if (master->source->include == NULL)
		return lexer_fail(
			lexer, "$INCLUDE: there are no files here; put the text in its place");
	if (place.text.length == 0 || place.text.length >= sizeof(file))
		return lexer_fail(lexer, "$INCLUDE: the file name is empty or too long");
	memcpy(file, place.text.data, place.text.length);
	file[place.text.length] = 0;
	if (!lexer_next(lexer))
		return false;
	if (lexer->token.kind == TOKEN_WORD && !name_of_token(master, lexer, &origin))
		return false;
	if (!lexer_line_end(lexer))
		return false;
	lexer->token = place;
	if (master->includes == MASTER_INCLUDES_MAX)
		return lexer_fail(lexer,
			"$INCLUDE: more than %d files are open: does one include itself?",
			MASTER_INCLUDES_MAX);
	text = master->source->include(master->source->argument, file);
	if (text.data == NULL)
		return lexer_fail(lexer, "$INCLUDE: there is no file \"%.100s\"", file);
	lexer->token.kind = TOKEN_LINE_END; /* the line was read */
	master->origin = origin;
	master->includes++;
	is_read = master_read(master, text, file);
	master->includes--;
	master->origin = outer_origin; /* RFC 1035 5.1: as if the line were not there */
	master->owner = outer_owner;
	return is_read;
}

static bool directive(struct master *master, struct dns_lexer *lexer)
{
	struct view word = lexer->token.text;
	char shown[LEXER_SHOWN];

	if (dns_text_is(word, "$ORIGIN")) {
		struct dns_name name;

		if (!lexer_word(lexer, "a name") || !name_of_token(master, lexer, &name))
			return false;
		master->origin = name;
		return lexer_line_end(lexer);
	}
	if (dns_text_is(word, "$TTL")) {
		if (!lexer_word(lexer, "a TTL"))
			return false;
		if (!ttl_parse(&master->default_ttl, lexer->token.text) ||
			master->default_ttl > TTL_MAX)
			return lexer_fail(lexer, "%s is no TTL", lexer_shown(lexer, shown));
		master->has_default_ttl = true;
		return lexer_line_end(lexer);
	}
	if (dns_text_is(word, "$INCLUDE"))
		return include(master, lexer);
	if (dns_text_is(word, "$GENERATE"))
		return master_generate(master, lexer);
	return lexer_fail(lexer, "%s is no directive", lexer_shown(lexer, shown));
}

static bool line_read(struct master *master, struct dns_lexer *lexer)
{
	if (lexer->token.kind == TOKEN_BLANK) {
		if (!lexer_next(lexer))
			return false;
		if (lexer->token.kind != TOKEN_WORD)
			return true;
		if (master->owner == NODE_NONE)
			return lexer_fail(lexer, "the first record has no owner name");
		return record_read(master, lexer);
	}
	if (lexer->token.text.length > 0 && lexer->token.text.data[0] == '$' &&
		!lexer->token.is_quoted)
		return directive(master, lexer);
	if (!owner_read(master, lexer) || !lexer_next(lexer))
		return false;
	return record_read(master, lexer);
}

bool master_lines(struct master *master, struct dns_lexer *lexer)
{
	for (;;) {
		if (!lexer_next(lexer))
			return false;
		if (lexer->token.kind == TOKEN_END)
			return true;
		if (lexer->token.kind != TOKEN_LINE_END && !line_read(master, lexer))
			return false;
		if (lexer->token.kind == TOKEN_END)
			return true;
	}
}

bool master_read(struct master *master, struct view text, const char *file)
{
	size_t length = strlen(file) + 1;
	char *name = arena_bytes(&master->draft->arena, length); /* records refer to it */
	struct dns_lexer lexer;

	if (name == NULL)
		return no_memory(master);
	memcpy(name, file, length);
	lexer_start(&lexer, text, name, master->draft->fault);
	return master_lines(master, &lexer);
}

/* Reads, checks and compiles; the zone's parts are in its arena. */
static enum status zone_build(struct dns_zone *zone, const struct dns_source *source,
	const char *file, struct dns_fault *fault)
{
	struct master master = { .source = source, .origin = zone->origin, .owner = NODE_NONE };
	struct draft draft;
	enum status status = draft_start(&draft, zone, source, fault);
	uint8_t *scratch;

	if (status != OK)
		return status;
	master.draft = &draft;
	scratch = arena_alloc(&draft.arena, DNS_MESSAGE_BYTES);
	master.data = emitter_on(scratch, scratch != NULL ? DNS_MESSAGE_BYTES : 0);
	if (scratch == NULL)
		status = NO_MEMORY;
	else if (!master_read(&master, source->text, file))
		status = master.is_out_of_memory ? NO_MEMORY : MALFORMED;
	if (status == OK)
		status = draft_check(&draft);
	if (status == OK)
		status = draft_compile(&draft);
	if (status == OK)
		draft_review(&draft);
	if (status == NO_MEMORY) {
		*fault = (struct dns_fault){ .file = file };
		format_text(fault->text, sizeof(fault->text), "no memory for the zone");
	}
	if (status != OK)
		fault_report(source, fault); /* names a file that lies in the draft */
	draft_end(&draft);
	return status;
}

static enum status origin_parse(struct dns_name *origin, const char *text)
{
	const struct dns_name root = { .length =
					       1 }; /* static, it would be 400 bytes of the image */
	uint8_t written[DNS_NAME_BYTES];
	size_t length = text != NULL ? strlen(text) : 0;

	if (length == 0 || length > 1020 || strcmp(text, "@") == 0)
		return INVALID_VALUE;
	return name_parse(origin, view_of(text, length), &root, written) == NULL ? OK
										 : INVALID_VALUE;
}

enum status dns_zone_read(struct dns_zone **out, const struct dns_source *source)
{
	struct dns_fault fault = { 0 };
	struct arena arena = { .limit = source->memory_max };
	struct dns_zone *zone;
	struct dns_name origin;
	char file[128];
	enum status status;

	*out = NULL;
	fault.file = "zone";
	if (origin_parse(&origin, source->origin) != OK) {
		format_text(fault.text, sizeof(fault.text), "\"%.100s\" is no domain name",
			source->origin != NULL ? source->origin : "");
		fault_report(source, &fault);
		return INVALID_VALUE;
	}
	format_text(file, sizeof(file), "zone %.100s", source->origin);
	if (source->file != NULL)
		format_text(file, sizeof(file), "%.100s", source->file);
	fault.file = file;
	zone = arena_alloc(&arena, sizeof(*zone));
	if (zone == NULL) {
		format_text(fault.text, sizeof(fault.text), "no memory for the zone");
		fault_report(source, &fault);
		return NO_MEMORY;
	}
	zone->arena = arena;
	zone->origin = origin;
	zone->key = random_u64();
	name_text(origin.bytes, zone->origin_text, sizeof(zone->origin_text));
	status = zone_build(zone, source, file, &fault);
	if (status != OK) {
		dns_zone_free(zone);
		return status;
	}
	*out = zone;
	return OK;
}

enum status dns_zone_parse(struct dns_zone **zone, const char *origin, struct view text)
{
	struct dns_source source = { .origin = origin, .text = text };

	return dns_zone_read(zone, &source);
}
