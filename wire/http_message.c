/*
 * Names: of methods, status codes and faults.
 */
#include "diatom/http_message.h"

#include "wire/http.h"

const char *http_method_text(enum http_method method)
{
	static const char *const names[HTTP_METHODS] = {
		[GET] = "GET",
		[HEAD] = "HEAD",
		[POST] = "POST",
		[PUT] = "PUT",
		[DELETE] = "DELETE",
		[PATCH] = "PATCH",
		[OPTIONS] = "OPTIONS",
		[CONNECT] = "CONNECT",
		[TRACE] = "TRACE",
		[OTHER_METHOD] = "OTHER",
	};

	return (unsigned)method < HTTP_METHODS ? names[method] : names[OTHER_METHOD];
}

enum http_method http_method_of(struct view text)
{
	int method = GET;

	while (method < OTHER_METHOD &&
		!view_equal(text, view_text(http_method_text((enum http_method)method))))
		method++;
	return (enum http_method)method;
}

/* Rows of texts are one constant, a number and its text each: tables of pointers would cost as much again. */
static unsigned number_of(const char *row)
{
	return (unsigned)((row[0] - '0') * 100 + (row[1] - '0') * 10 + row[2] - '0');
}

const char *http_status_text(unsigned status)
{
	/* The first is asked for most. */
	static const char rows[] = "200OK\0"
				   "100Continue\0"
				   "101Switching Protocols\0"
				   "103Early Hints\0"
				   "201Created\0"
				   "202Accepted\0"
				   "203Non-Authoritative Information\0"
				   "204No Content\0"
				   "205Reset Content\0"
				   "206Partial Content\0"
				   "300Multiple Choices\0"
				   "301Moved Permanently\0"
				   "302Found\0"
				   "303See Other\0"
				   "304Not Modified\0"
				   "307Temporary Redirect\0"
				   "308Permanent Redirect\0"
				   "400Bad Request\0"
				   "401Unauthorized\0"
				   "403Forbidden\0"
				   "404Not Found\0"
				   "405Method Not Allowed\0"
				   "406Not Acceptable\0"
				   "408Request Timeout\0"
				   "409Conflict\0"
				   "410Gone\0"
				   "411Length Required\0"
				   "412Precondition Failed\0"
				   "413Content Too Large\0"
				   "414URI Too Long\0"
				   "415Unsupported Media Type\0"
				   "416Range Not Satisfiable\0"
				   "417Expectation Failed\0"
				   "421Misdirected Request\0"
				   "422Unprocessable Content\0"
				   "426Upgrade Required\0"
				   "428Precondition Required\0"
				   "429Too Many Requests\0"
				   "431Request Header Fields Too Large\0"
				   "500Internal Server Error\0"
				   "501Not Implemented\0"
				   "502Bad Gateway\0"
				   "503Service Unavailable\0"
				   "504Gateway Timeout\0"
				   "505HTTP Version Not Supported\0"
				   "507Insufficient Storage\0";
	for (const char *row = rows; row < rows + sizeof(rows) - 1; row += strlen(row) + 1)
		if (number_of(row) == status)
			return row + 3;
	return "Unknown";
}

/* In the order of enum http_fault. */
static const char faults[] = "200fine\0"
			     "400a line doesn't end in CR LF\0"
			     "400malformed request line\0"
			     "400malformed request target\0"
			     "505a version other than HTTP/1\0"
			     "502malformed status line\0"
			     "400malformed field name\0"
			     "400control characters in a field\0"
			     "400folded field line\0"
			     "431too many fields\0"
			     "400missing or malformed Host\0"
			     "400malformed Content-Length\0"
			     "501a transfer coding other than chunked\0"
			     "400Transfer-Encoding beside Content-Length or in HTTP/1.0\0"
			     "417an expectation other than 100-continue\0";

static const char *fault_row(enum http_fault fault)
{
	unsigned at = 0;

	for (const char *row = faults; row < faults + sizeof(faults) - 1; row += strlen(row) + 1)
		if (at++ == (unsigned)fault)
			return row;
	return "400unknown fault";
}

unsigned http_fault_status(enum http_fault fault)
{
	return number_of(fault_row(fault));
}

const char *http_fault_text(enum http_fault fault)
{
	return fault_row(fault) + 3;
}
