/*
 * Static files. A file's row (diatom/app.h) has all that its reply needs; what is decided here is which of
 * its forms, and which part.
 */
#include <string.h>

#include "base/format.h"
#include "lib/http/inner.h"
#include "wire/http_condition.h"

#define INDEX	  "index.html"
#define PATH_MOST 1024

/* A representation of a file: as it is, or compressed. */
struct form {
	struct view bytes;
	const char *coding; /* NULL: identity */
	char tag[48];
};

static const struct folder_file *find(const struct folder *folder, struct view path)
{
	size_t low = 0, high = path.data != NULL ? folder->count : 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *name = folder->files[middle].path;
		size_t length = strlen(name);
		int order = memcmp(name, path.data, length < path.length ? length : path.length);

		if (order == 0 && length == path.length)
			return &folder->files[middle];
		if (order < 0 || (order == 0 && length < path.length))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The path with something behind it, looked up. */
static const struct folder_file *find_with(
	const struct folder *folder, struct view path, const char *more)
{
	char text[PATH_MOST];
	int length = format_text(
		text, sizeof(text), "%.*s%s", (int)path.length, (const char *)path.data, more);

	if (path.length >= PATH_MOST || length < 0 || length >= PATH_MOST)
		return NULL;
	return find(folder, view_of(text, (size_t)length));
}

/* The path inside the folder: what "*" stood for, with its '/', or all of it. */
static struct view path_of(const struct http_request *r)
{
	struct view rest = http_param(r, "*"), path = http_path(r);

	return rest.data != NULL ? view_part(path, path.length - rest.length - 1, path.length)
				 : path;
}

static void set_form(struct form *form, const struct folder_file *file, struct view bytes,
	const char *coding, const char *mark)
{
	form->bytes = bytes;
	form->coding = coding;
	/* "abc" -> "abc-gz": other bytes, so another tag (RFC 9110 8.8.3.3) */
	format_text(form->tag, sizeof(form->tag), "%.*s%s\"", (int)strlen(file->tag) - 1, file->tag,
		mark);
}

/* The best of what there is and the client takes (RFC 9110 12.5.3). */
static void choose_form(
	const struct http_request *r, const struct folder_file *file, struct form *form)
{
	unsigned brotli = file->brotli.data ? http_coding_quality(&r->head, "br") : 0;
	unsigned gzip = file->gzip.data ? http_coding_quality(&r->head, "gzip") : 0;

	if (brotli > 0 && brotli >= gzip)
		set_form(form, file, file->brotli, "br", "-br");
	else if (gzip > 0)
		set_form(form, file, file->gzip, "gzip", "-gz");
	else
		set_form(form, file, file->bytes, NULL, "");
}

static void add_form_fields(
	struct http_request *r, const struct folder_file *file, const struct form *form)
{
	http_add(r, "ETag", view_text(form->tag));
	if (file->gzip.data != NULL || file->brotli.data != NULL)
		http_add(r, "Vary", view_text("Accept-Encoding"));
	if (form->coding != NULL)
		http_add(r, "Content-Encoding", view_text(form->coding));
	else
		http_add(r, "Accept-Ranges", view_text("bytes"));
}

static void reply_part(struct http_request *r, const struct folder_file *file,
	const struct form *form, const struct http_range *range)
{
	char text[96];

	format_text(text, sizeof(text), "bytes %llu-%llu/%zu", (unsigned long long)range->first,
		(unsigned long long)(range->first + range->length - 1), form->bytes.length);
	http_add(r, "Content-Range", view_text(text));
	http_reply_kept(r, 206, file->type,
		view_part(form->bytes, (size_t)range->first, (size_t)range->length));
}

static void reply_unsatisfiable(struct http_request *r, const struct form *form)
{
	char text[48];

	format_text(text, sizeof(text), "bytes */%zu", form->bytes.length);
	http_add(r, "Content-Range", view_text(text));
	http_reply(r, 416, NULL, view_of(NULL, 0));
}

static void reply_file(struct http_request *r, const struct folder_file *file)
{
	struct http_range range = { 0 };
	struct http_validators now = { .modified = -1 };
	int64_t seconds = time_wall_ns() / SECONDS(1);
	enum http_range_result part = HTTP_WHOLE;
	struct form form;

	choose_form(r, file, &form);
	now.etag = view_text(form.tag);
	add_form_fields(r, file, &form);
	switch (http_check_preconditions(&r->head, &now, seconds)) {
	case HTTP_NOT_MODIFIED:
		http_reply(r, 304, NULL, view_of(NULL, 0));
		return;
	case HTTP_PRECONDITION_FAILED:
		http_reply(r, 412, NULL, view_of(NULL, 0));
		return;
	case HTTP_GO_ON:
		break;
	}
	if (form.coding == NULL)
		part = http_check_range(&r->head, &now, form.bytes.length, seconds, &range);
	if (part == HTTP_PART)
		reply_part(r, file, &form, &range);
	else if (part == HTTP_NOT_SATISFIABLE)
		reply_unsatisfiable(r, &form);
	else
		http_reply_kept(r, 200, file->type, form.bytes);
}

/* "/docs" is a folder: relative links in its index need the '/' at the end. The target as it was sent
 * is what the client knows, and holds no characters that a field can't. */
static void redirect_to_folder(struct http_request *r)
{
	char text[PATH_MOST];
	struct view path = r->head.path, query = r->head.query;

	/* "//host/" would lead elsewhere. */
	while (path.length > 1 && path.data[1] == '/')
		path = view_part(path, 1, path.length);
	if (path.length + query.length + 3 > sizeof(text)) {
		http_reply_text(r, 404, "not found\n");
		return;
	}
	format_text(text, sizeof(text), "%.*s/%s%.*s", (int)path.length, (const char *)path.data,
		r->head.has_query ? "?" : "", (int)query.length, (const char *)query.data);
	http_redirect(r, 301, text);
}

void http_static(struct http_request *r, void *argument)
{
	const struct folder *folder = argument;
	struct view path = path_of(r);
	bool is_folder = path.data != NULL && path.length > 0 && path.data[path.length - 1] == '/';
	const struct folder_file *file =
		is_folder ? find_with(folder, path, INDEX) : find(folder, path);

	if (http_method(r) != GET && http_method(r) != HEAD) {
		http_add(r, "Allow", view_text("GET, HEAD"));
		http_reply_text(r, 405, "method not allowed\n");
	} else if (file != NULL) {
		reply_file(r, file);
	} else if (!is_folder && find_with(folder, path, "/" INDEX) != NULL) {
		redirect_to_folder(r);
	} else {
		http_reply_text(r, 404, "not found\n");
	}
}
