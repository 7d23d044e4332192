/*
 * A small JSON service: counters that clients make, count up, read and remove.
 *
 *     GET  /counters            all of them
 *     POST /counters/:name      counts up by the body, a number; by 1 without a body
 *     GET  /counters/:name
 *     DELETE /counters/:name
 */
#include <stdio.h>
#include <string.h>

#include <diatom/http.h>

#define COUNTERS_MAX 1024
#define NAME_MAX     32

DIATOM_NET(eth0);

struct entry {
	char name[NAME_MAX];
	long long value;
};

static struct entry entries[COUNTERS_MAX];
static size_t entry_count;

/* Names stand in JSON as they are: letters, digits, '-' and '_'. */
static bool is_name(struct view text)
{
	for (size_t i = 0; i < text.length; i++) {
		uint8_t c = text.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			c != '-' && c != '_')
			return false;
	}
	return text.length > 0 && text.length < NAME_MAX;
}

static struct entry *find(struct view name)
{
	for (size_t i = 0; i < entry_count; i++)
		if (view_equal(view_text(entries[i].name), name))
			return &entries[i];
	return NULL;
}

static struct entry *add(struct view name)
{
	struct entry *entry;

	if (entry_count == COUNTERS_MAX)
		return NULL;
	entry = &entries[entry_count++];
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->name, name.data, name.length);
	return entry;
}

static void reply_entry(struct http_request *r, unsigned status, const struct entry *entry)
{
	char text[128];

	snprintf(text, sizeof(text), "{\"name\":\"%s\",\"value\":%lld}\n", entry->name,
		entry->value);
	http_reply(r, status, "application/json", view_text(text));
}

static void list(struct http_request *r, void *unused)
{
	char text[128];

	http_begin(r, 200, "application/json");
	http_write_text(r, "[");
	for (size_t i = 0; i < entry_count; i++) {
		snprintf(text, sizeof(text), "%s{\"name\":\"%.31s\",\"value\":%lld}",
			i > 0 ? "," : "", entries[i].name, entries[i].value);
		http_write_text(r, text);
	}
	http_write_text(r, "]\n");
}

static void get(struct http_request *r, void *unused)
{
	struct entry *entry = find(http_param(r, "name"));

	if (entry != NULL)
		reply_entry(r, 200, entry);
	else
		http_reply_text(r, 404, "no such counter\n");
}

/* The number in the body; 1 without one. */
static bool read_step(struct http_request *r, long long *step)
{
	char text[24] = "", end;
	struct view body;

	if (http_read_all(r, text, sizeof(text) - 1, &body) != OK)
		return false;
	*step = 1;
	return body.length == 0 || sscanf(text, "%lld %c", step, &end) == 1;
}

static void count_up(struct http_request *r, void *unused)
{
	struct view name = http_param(r, "name");
	struct entry *entry;
	long long step, sum;
	bool is_new;

	if (!is_name(name) || !read_step(r, &step)) {
		http_reply_text(r, 400, "a counter's name, and a number or nothing as body\n");
		return;
	}
	/* Reading the body may have let other requests run: so it is looked up afterwards. */
	entry = find(name);
	is_new = entry == NULL;
	if (is_new)
		entry = add(name);
	if (entry == NULL || __builtin_add_overflow(entry->value, step, &sum)) {
		http_reply_text(r, 507, entry == NULL ? "too many counters\n" : "too large\n");
		return;
	}
	entry->value = sum;
	reply_entry(r, is_new ? 201 : 200, entry);
}

static void discard(struct http_request *r, void *unused)
{
	struct entry *entry = find(http_param(r, "name"));

	if (entry == NULL) {
		http_reply_text(r, 404, "no such counter\n");
		return;
	}
	*entry = entries[--entry_count];
	http_reply(r, 204, NULL, view_of(NULL, 0));
}

int main(void)
{
	static const struct http_route routes[] = {
		{ GET, "/counters", list, NULL },
		{ GET, "/counters/:name", get, NULL },
		{ POST, "/counters/:name", count_up, NULL },
		{ DELETE, "/counters/:name", discard, NULL },
	};

	return http_serve_routes(&eth0, 80, routes, ARRAY_LEN(routes));
}
