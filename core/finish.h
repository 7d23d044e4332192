/*
 * Watching for the host's request to finish, as the fibers start it.
 */
#ifndef DIATOM_CORE_FINISH_H
#define DIATOM_CORE_FINISH_H

/* Makes the run loop watch for the request. Called whenever main blocks; once is enough. */
void finish_start(void);

#endif
