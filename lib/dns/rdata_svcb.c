/*
 * SvcParams of SVCB and HTTPS records (RFC 9460 section 2.1 and appendix A).
 *
 *     alpn="h2,h3" port=8443 ipv4hint=192.0.2.1,192.0.2.2 mandatory=alpn key65000=x no-default-alpn
 *
 * On the wire: key 2, length 2, value; keys in ascending order, each once.
 */
#include "lib/dns/rdata.h"

#include "lib/dns/codec.h"

#define SVCB_PARAMS_MAX	 32
#define SVCB_VALUE_BYTES 2048 /* of all parameters of one record */

enum svcb_key {
	SVCB_MANDATORY = 0,
	SVCB_ALPN = 1,
	SVCB_NO_DEFAULT_ALPN = 2,
	SVCB_PORT = 3,
	SVCB_IPV4HINT = 4,
	SVCB_ECH = 5,
	SVCB_IPV6HINT = 6,
	SVCB_DOHPATH = 7,
	SVCB_KEYS,
};

static const char *const key_names[SVCB_KEYS] = { "mandatory", "alpn", "no-default-alpn", "port",
	"ipv4hint", "ech", "ipv6hint", "dohpath" };

struct params {
	unsigned count;
	struct {
		uint16_t key, length;
		const uint8_t *value;
	} param[SVCB_PARAMS_MAX];
	uint8_t values[SVCB_VALUE_BYTES];
};

static bool key_parse(uint16_t *key, struct view text)
{
	uint32_t number;

	for (unsigned i = 0; i < SVCB_KEYS; i++) {
		if (dns_text_is(text, key_names[i])) {
			*key = (uint16_t)i;
			return true;
		}
	}
	if (text.length <= 3 || !dns_text_is(view_part(text, 0, 3), "key") ||
		!dns_number_parse(&number, view_part(text, 3, text.length), 65534))
		return false;
	*key = (uint16_t)number;
	return true;
}

/* The next item of a comma-separated list, its escapes taken out, into `item`; false at the end. */
static bool list_next(struct view *list, uint8_t *item, size_t room, size_t *length)
{
	size_t n = 0, i = 0;

	if (list->data == NULL)
		return false;
	for (; i < list->length && list->data[i] != ','; i++) {
		if (list->data[i] == '\\' && i + 1 < list->length)
			i++;
		if (n < room)
			item[n++] = list->data[i];
	}
	*length = n;
	*list = i < list->length ? view_part(*list, i + 1, list->length) : view_of(NULL, 0);
	return true;
}

static bool list_item(uint16_t key, struct view item, struct emitter *out)
{
	uint8_t address[16];
	uint16_t named;

	switch (key) {
	case SVCB_ALPN:
		if (item.length == 0 || item.length > 255)
			return false;
		emit_u8(out, (uint8_t)item.length);
		emit_bytes(out, item);
		return true;
	case SVCB_IPV4HINT:
		if (!ipv4_text_parse(item, address))
			return false;
		emit_bytes(out, view_of(address, 4));
		return true;
	case SVCB_IPV6HINT:
		if (!ipv6_text_parse(item, address))
			return false;
		emit_bytes(out, view_of(address, 16));
		return true;
	default: /* mandatory */
		if (!key_parse(&named, item) || named == SVCB_MANDATORY)
			return false;
		emit_be16(out, named);
		return true;
	}
}

/* "mandatory" lists its keys in ascending order on the wire, each once. */
static bool sort_keys(uint8_t *keys, size_t bytes)
{
	for (size_t i = 2; i < bytes; i += 2)
		for (size_t j = i; j >= 2 && be16_at(keys + j) < be16_at(keys + j - 2); j -= 2) {
			uint16_t swap = be16_at(keys + j);

			be16_to(keys + j, be16_at(keys + j - 2));
			be16_to(keys + j - 2, swap);
		}
	for (size_t i = 2; i < bytes; i += 2)
		if (be16_at(keys + i) == be16_at(keys + i - 2))
			return false;
	return true;
}

static bool value_encode(uint16_t key, struct view value, struct emitter *out)
{
	uint8_t item[256], *start = out->next;
	struct codec codec = { 0 };
	uint32_t port;
	size_t length;

	switch (key) {
	case SVCB_MANDATORY:
	case SVCB_ALPN:
	case SVCB_IPV4HINT:
	case SVCB_IPV6HINT:
		if (value.length == 0)
			return false;
		while (list_next(&value, item, sizeof(item), &length))
			if (!list_item(key, view_of(item, length), out))
				return false;
		return key != SVCB_MANDATORY || sort_keys(start, (size_t)(out->next - start));
	case SVCB_NO_DEFAULT_ALPN:
		return value.length == 0;
	case SVCB_PORT:
		if (!dns_number_parse(&port, value, 65535))
			return false;
		emit_be16(out, (uint16_t)port);
		return true;
	case SVCB_ECH:
		return value.length > 0 && base64_feed(&codec, value, out) &&
		       base64_is_whole(&codec);
	default:
		emit_bytes(out, value);
		return true;
	}
}

/* Splits the word into key and value, the value's first layer of escapes taken out. */
static bool param_split(
	struct view word, struct view *key, struct view *value, uint8_t *buffer, size_t room)
{
	const uint8_t *equals = memchr(word.data, '=', word.length);
	bool is_escaped;
	size_t n = 0;

	*key = word;
	*value = view_of(buffer, 0);
	if (equals == NULL)
		return true;
	*key = view_of(word.data, (size_t)(equals - word.data));
	word = view_part(word, key->length + 1, word.length);
	if (word.length >= 2 && word.data[0] == '"' && word.data[word.length - 1] == '"')
		word = view_part(word, 1, word.length - 2);
	while (word.length > 0) {
		if (n == room || !text_unescape(&word, &buffer[n], &is_escaped))
			return false;
		n++;
	}
	*value = view_of(buffer, n);
	return true;
}

static bool param_add(struct dns_lexer *lexer, struct params *params, struct emitter *values)
{
	uint8_t buffer[SVCB_VALUE_BYTES], *start = values->next;
	char shown[LEXER_SHOWN];
	struct view key_text, value;
	uint16_t key;
	unsigned i;

	if (!param_split(lexer->token.text, &key_text, &value, buffer, sizeof(buffer)) ||
		!key_parse(&key, key_text))
		return lexer_fail(
			lexer, "%s is no parameter KEY or KEY=VALUE", lexer_shown(lexer, shown));
	if (!value_encode(key, value, values))
		return lexer_fail(
			lexer, "the parameter %s has a wrong value", lexer_shown(lexer, shown));
	if (values->is_short || params->count == SVCB_PARAMS_MAX)
		return lexer_fail(lexer, "the record has too many parameters");
	for (i = params->count++; i > 0 && params->param[i - 1].key > key; i--)
		params->param[i] = params->param[i - 1];
	params->param[i].key = key;
	params->param[i].value = start;
	params->param[i].length = (uint16_t)(values->next - start);
	if (i > 0 && params->param[i - 1].key == key)
		return lexer_fail(
			lexer, "the parameter %s is given twice", lexer_shown(lexer, shown));
	return true;
}

/* RFC 9460 section 8: every mandatory key must be there. */
static bool has_mandatory(const struct params *params)
{
	if (params->count == 0 || params->param[0].key != SVCB_MANDATORY)
		return true;
	for (unsigned i = 0; i < params->param[0].length; i += 2) {
		bool is_there = false;

		for (unsigned j = 1; j < params->count; j++)
			is_there |= params->param[j].key == be16_at(params->param[0].value + i);
		if (!is_there)
			return false;
	}
	return true;
}

bool svcb_parse(struct dns_lexer *lexer, struct emitter *out)
{
	struct params params;
	struct emitter values = emitter_on(params.values, sizeof(params.values));

	params.count = 0;
	while (lexer_more(lexer))
		if (!param_add(lexer, &params, &values))
			return false;
	if (!lexer_is_fine(lexer))
		return false;
	if (!has_mandatory(&params))
		return lexer_fail(lexer, "a mandatory parameter is missing");
	for (unsigned i = 0; i < params.count; i++) {
		emit_be16(out, params.param[i].key);
		emit_be16(out, params.param[i].length);
		emit_bytes(out, view_of(params.param[i].value, params.param[i].length));
	}
	return true;
}
