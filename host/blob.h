/*
 * Blobs: files of the user's that an image is given at start.
 */
#ifndef DIATOM_HOST_BLOB_H
#define DIATOM_HOST_BLOB_H

#include "host/run.h"

#define BLOB_BYTES_MAX (UINT64_C(1) << 36)

/*
 * Reads a whole file into memory of its own, which stays for the rest of the process. A copy, because
 * the body must not see the file change under its parser. 0, or the exit code after having said why.
 */
int blob_read(struct run_blob *blob, const char *name, const char *path);

#endif
