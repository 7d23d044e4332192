/*
 * Texts of unknown origin in files of ours. A name comes from a debug file, an image or a hostile body:
 * what is written is printable ASCII, with the file's own marks escaped.
 */
#ifndef DIATOM_HOST_OBSERVE_TEXT_H
#define DIATOM_HOST_OBSERVE_TEXT_H

#include <stdio.h>

/* For one frame of a folded stack: neither `;` nor blanks at its end. */
void text_folded(FILE *file, const char *text);

/* Opens a file for writing, or says why not (then NULL). */
FILE *text_open(const char *path);

/* Closes it. 0, or the exit code after having said that it could not be written. */
int text_close(FILE *file, const char *path);

#endif
