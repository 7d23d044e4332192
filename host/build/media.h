/*
 * Media types by the endings of file names.
 */
#ifndef DIATOM_HOST_BUILD_MEDIA_H
#define DIATOM_HOST_BUILD_MEDIA_H

/* "text/html; charset=utf-8" for "/a/b.html"; "application/octet-stream" for what isn't known. */
const char *media_type(const char *name);

#endif
