/*
 * The order of evaluation is that of RFC 9110 13.2.2, step by step.
 */
#include "wire/http_condition.h"

#include "wire/http_date.h"
#include "wire/http_text.h"

#define QUALITY_MOST 1000

static struct view opaque_tag(struct view etag)
{
	bool is_weak = etag.length > 2 && etag.data[0] == 'W' && etag.data[1] == '/';

	return is_weak ? view_part(etag, 2, etag.length) : etag;
}

/* 8.8.3.2: strong comparison wants both strong. */
static bool tags_match(struct view a, struct view b, bool is_strong)
{
	if (a.length == 0 || b.length == 0)
		return false;
	if (is_strong && (a.data[0] == 'W' || b.data[0] == 'W'))
		return false;
	return view_equal(opaque_tag(a), opaque_tag(b));
}

static bool list_matches(struct view list, struct view etag, bool is_strong)
{
	struct view element;

	if (http_text_is(list, "*"))
		return true;
	while (http_list_next(&list, &element))
		if (tags_match(element, etag, is_strong))
			return true;
	return false;
}

/* Is the resource newer than the date in the field? False where either isn't known. */
static bool is_newer(const struct http_validators *resource, struct view date, int64_t now)
{
	int64_t seconds;

	return resource->modified >= 0 && http_date_read(date, now, &seconds) &&
	       resource->modified > seconds;
}

static bool is_not_newer(const struct http_validators *resource, struct view date, int64_t now)
{
	int64_t seconds;

	return resource->modified >= 0 && http_date_read(date, now, &seconds) &&
	       resource->modified <= seconds;
}

enum http_precondition http_check_preconditions(
	const struct http_head *request, const struct http_validators *resource, int64_t now)
{
	bool is_read = request->method == GET || request->method == HEAD;
	struct view value;

	/* 1, 2 */
	if (http_head_field(request, "if-match", &value)) {
		if (!list_matches(value, resource->etag, true))
			return HTTP_PRECONDITION_FAILED;
	} else if (http_head_field(request, "if-unmodified-since", &value)) {
		if (is_newer(resource, value, now))
			return HTTP_PRECONDITION_FAILED;
	}
	/* 3, 4 */
	if (http_head_field(request, "if-none-match", &value)) {
		if (list_matches(value, resource->etag, false))
			return is_read ? HTTP_NOT_MODIFIED : HTTP_PRECONDITION_FAILED;
	} else if (is_read && http_head_field(request, "if-modified-since", &value)) {
		if (is_not_newer(resource, value, now))
			return HTTP_NOT_MODIFIED;
	}
	return HTTP_GO_ON;
}

/* 13.1.5: by a strong tag, or by the exact date. */
static bool range_is_wanted(
	const struct http_head *request, const struct http_validators *resource, int64_t now)
{
	struct view value;
	int64_t seconds;

	if (!http_head_field(request, "if-range", &value))
		return true;
	/* A date may begin with W, too. */
	if (value.length > 1 && (value.data[0] == '"' || value.data[1] == '/'))
		return tags_match(value, resource->etag, true);
	return http_date_read(value, now, &seconds) && seconds == resource->modified;
}

/* "first-last", "first-" or "-suffix" (14.1.2). False: not of this form. */
static bool parse_range(
	struct view spec, uint64_t length, struct http_range *range, bool *is_satisfiable)
{
	const uint8_t *dash = spec.length > 0 ? memchr(spec.data, '-', spec.length) : NULL;
	struct view before, after;
	uint64_t first = 0, last = 0;

	if (dash == NULL)
		return false;
	before = view_of(spec.data, (size_t)(dash - spec.data));
	after = view_part(spec, before.length + 1, spec.length);
	if (before.length == 0) {
		if (!http_decimal(after, &last))
			return false;
		range->first = last < length ? length - last : 0;
		range->length = length - range->first;
		*is_satisfiable = last > 0 && length > 0;
		return true;
	}
	if (!http_decimal(before, &first))
		return false;
	if (after.length == 0)
		last = UINT64_MAX;
	else if (!http_decimal(after, &last) || last < first)
		return false;
	*is_satisfiable = first < length;
	if (*is_satisfiable) {
		range->first = first;
		range->length = (last < length ? last + 1 : length) - first;
	}
	return true;
}

enum http_range_result http_check_range(const struct http_head *request,
	const struct http_validators *resource, uint64_t length, int64_t now,
	struct http_range *range)
{
	bool is_satisfiable = false;
	struct view value, spec, more;

	if (request->method != GET || !http_head_field(request, "range", &value) ||
		!http_text_is(view_part(value, 0, 6), "bytes=") ||
		!range_is_wanted(request, resource, now))
		return HTTP_WHOLE;
	value = view_part(value, 6, value.length);
	if (!http_list_next(&value, &spec) || http_list_next(&value, &more) ||
		!parse_range(spec, length, range, &is_satisfiable))
		return HTTP_WHOLE;
	return is_satisfiable ? HTTP_PART : HTTP_NOT_SATISFIABLE;
}

/* "0.5" -> 500 (12.4.2); what is malformed counts as refusal. */
static unsigned quality(struct view text)
{
	unsigned value = 0, digits;

	if (text.data == NULL || text.length == 0 || text.length > 5 ||
		(text.data[0] != '0' && text.data[0] != '1') ||
		(text.length > 1 && text.data[1] != '.'))
		return 0;
	value = text.data[0] == '1' ? QUALITY_MOST : 0;
	for (digits = 2; digits < 5; digits++) {
		static const unsigned weights[] = { 100, 10, 1 };

		if (digits >= text.length)
			break;
		if (!http_is_digit(text.data[digits]))
			return 0;
		value += (unsigned)(text.data[digits] - '0') * weights[digits - 2];
	}
	return value < QUALITY_MOST ? value : QUALITY_MOST;
}

unsigned http_coding_quality(const struct http_head *request, const char *coding)
{
	bool is_identity = strcmp(coding, "identity") == 0;
	unsigned others = is_identity ? QUALITY_MOST : 0;
	struct view list, element, name, weight;

	if (!http_head_field(request, "accept-encoding", &list))
		return others;
	while (http_list_next(&list, &element)) {
		unsigned value = QUALITY_MOST;

		if (!http_split_next(&element, ';', &name))
			continue;
		if (http_split_next(&element, ';', &weight) &&
			http_text_is(view_part(weight, 0, 2), "q="))
			value = quality(view_part(weight, 2, weight.length));
		if (http_text_is(name, coding))
			return value;
		if (http_text_is(name, "*"))
			others = value;
	}
	return others;
}
