/*
 * A leash on a child: it ends when we end, whichever way, even if the child changes its user (the kernel's
 * own PR_SET_PDEATHSIG doesn't survive that).
 *
 *     diatom ---- pipe ----> keeper ---- pidfd ----> child
 *
 * The keeper is a second child that waits for the end of a pipe, whose other end only we have.
 */
#ifndef DIATOM_QEMU_LEASH_H
#define DIATOM_QEMU_LEASH_H

#include <stdbool.h>
#include <sys/types.h>

struct leash {
	pid_t keeper;
	int pipe; /* ours; -1: there is no leash */
};

/* Call before anything else that is inherited is open but what the child needs. False with errno. */
bool leash_start(struct leash *leash, pid_t child);

/* The child has ended: the keeper goes. */
void leash_drop(struct leash *leash);

#endif
