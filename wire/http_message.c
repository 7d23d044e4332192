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

const char *http_status_text(unsigned status)
{
	static const struct {
		uint16_t status;
		const char *text;
	} rows[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 103, "Early Hints" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 203, "Non-Authoritative Information" },
		{ 204, "No Content" },
		{ 205, "Reset Content" },
		{ 206, "Partial Content" },
		{ 300, "Multiple Choices" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return rows[i].text;
	return "Unknown";
}

static const struct {
	uint16_t status;
	const char *text;
} faults[HTTP_FAULTS] = {
	[HTTP_OK] = { 200, "fine" },
	[HTTP_LINE_END] = { 400, "a line doesn't end in CR LF" },
	[HTTP_REQUEST_LINE] = { 400, "malformed request line" },
	[HTTP_TARGET] = { 400, "malformed request target" },
	[HTTP_VERSION] = { 505, "a version other than HTTP/1" },
	[HTTP_STATUS_LINE] = { 502, "malformed status line" },
	[HTTP_FIELD_NAME] = { 400, "malformed field name" },
	[HTTP_FIELD_VALUE] = { 400, "control characters in a field" },
	[HTTP_FIELD_FOLDED] = { 400, "folded field line" },
	[HTTP_TOO_MANY_FIELDS] = { 431, "too many fields" },
	[HTTP_HOST] = { 400, "missing or malformed Host" },
	[HTTP_CONTENT_LENGTH] = { 400, "malformed Content-Length" },
	[HTTP_TRANSFER_CODING] = { 501, "a transfer coding other than chunked" },
	[HTTP_AMBIGUOUS_LENGTH] = { 400, "Transfer-Encoding beside Content-Length or in HTTP/1.0" },
	[HTTP_EXPECTATION] = { 417, "an expectation other than 100-continue" },
};

unsigned http_fault_status(enum http_fault fault)
{
	return (unsigned)fault < HTTP_FAULTS ? faults[fault].status : 400;
}

const char *http_fault_text(enum http_fault fault)
{
	return (unsigned)fault < HTTP_FAULTS ? faults[fault].text : "unknown fault";
}
