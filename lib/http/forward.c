/*
 * Between server and client: bodies go from one connection to the other in the buffers that they came in.
 * What is on the wire is handed on as it is where both sides frame it alike.
 */
#include "lib/http/client.h"
#include "wire/http_text.h"

enum status http_forward_request(
	struct http_request *r, struct http_call *call, bool *is_of_request)
{
	uint64_t length = r->head.framing == HTTP_CHUNKED ? HTTP_CHUNKS : r->head.content_length;
	enum status status = http_call_begin(call, length), written = OK;

	*is_of_request = false;
	if (status != OK)
		return status;
	r->body.hands_trailers = true;
	if (r->body.status == OK)
		status = upload_invite(r);
	if (status != OK)
		r->body.status = status;
	while (r->body.status == OK && written == OK)
		body_forward(&r->body, call->tcp, in_ms(call->client->options.write_ms), &written);
	if (r->body.status != CLOSED) {
		r->closes = true;
		call->is_broken = true;
		*is_of_request = written == OK;
		return r->body.status;
	}
	call->state = CALL_SENT;
	return OK;
}

/* By views: the client speaks HTTP/1.0, or the server's body ends with its connection. */
static enum status copy_body(struct http_call *call, struct http_request *r)
{
	enum status status;
	struct view part;

	while ((status = http_call_read(call, &part)) == OK)
		if (http_write(r, part) != OK)
			return r->write_status;
	return status;
}

static enum status hand_body(struct http_call *call, struct http_request *r)
{
	enum status written = OK;
	struct view wanted;

	call->body.hands_trailers =
		http_field(r, "te", &wanted) && http_list_has(wanted, "trailers");
	while (call->body.status == OK && written == OK) {
		uint64_t before = call->body.read;
		instant start = time_now(), deadline = reply_write_deadline(r);

		body_forward(&call->body, r->connection->tcp, deadline, &written);
		r->reply_bytes += call->body.read - before;
		reply_note_written(r, start, call->body.read - before, written);
	}
	return call->body.status;
}

/* What breaks off must not end as if it were whole. */
static enum status break_off(struct http_request *r, enum status status)
{
	r->reply = REPLY_DONE;
	r->closes = true;
	r->is_cut = true;
	return status;
}

static enum status begin(struct http_call *call, struct http_request *r)
{
	const struct http_head *head = &call->head;
	bool has_length = head->framing == HTTP_LENGTH || head->framing == HTTP_NO_BODY;
	struct view value;

	if (r->head.method == HEAD)
		has_length = http_head_field(head, "content-length", &value);
	return has_length ? http_begin_sized(r, head->status, NULL, head->content_length)
			  : http_begin(r, head->status, NULL);
}

enum status http_forward_response(struct http_call *call, struct http_request *r)
{
	bool is_chunked = call->head.framing == HTTP_CHUNKED;
	enum status status;

	if (call->head.status > 599) /* 9110 15: it means nothing */
		return MALFORMED;
	status = begin(call, r);
	if (status != OK)
		return status;
	if (call->head.framing == HTTP_UNTIL_CLOSE || is_chunked != r->is_chunked)
		status = copy_body(call, r);
	else
		status = hand_body(call, r);
	if (status != CLOSED)
		return break_off(r, status);
	if (!is_chunked || !r->is_chunked)
		return http_end(r);
	r->reply = REPLY_DONE; /* the last chunk was handed on */
	return OK;
}
