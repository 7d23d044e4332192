/*
 * A line for each request that was answered.
 */
#include "diatom/log.h"
#include "lib/http/inner.h"

void access_log(const struct http_request *r)
{
	struct endpoint client = tcp_remote(r->connection->tcp);
	char from[ADDRESS_TEXT_BYTES];

	log_info("http", "%s %.*s %.*s %u %llu %lld us", address_text(&client.address, from),
		(int)r->head.method_text.length, (const char *)r->head.method_text.data,
		(int)r->head.target.length, (const char *)r->head.target.data, r->status,
		(unsigned long long)r->reply_bytes, (long long)((time_now() - r->began) / 1000));
}
