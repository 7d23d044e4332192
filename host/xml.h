/*
 * Texts in XML.
 */
#ifndef DIATOM_HOST_XML_H
#define DIATOM_HOST_XML_H

#include <stddef.h>
#include <stdio.h>

/*
 * At most `most` characters of a text for content, or an attribute in double quotes. It may be of a
 * debug file, an image or a hostile body, in any encoding: what isn't printable ASCII becomes '?'.
 */
void xml_write(FILE *out, const char *text, size_t most);

#endif
