/* See xml.h. */
#include "host/xml.h"

void xml_write(FILE *out, const char *text, size_t most)
{
	for (size_t i = 0; i < most && text[i] != '\0'; i++) {
		switch (text[i]) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(text[i] < ' ' || text[i] > '~' ? '?' : text[i], out);
		}
	}
}
