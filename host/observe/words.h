/*
 * The command line of the observing commands: words of their own among those of `diatom run`.
 *
 *     diatom profile --hz 500 --net eth0=tap:tap0 -o dns.svg dns 9.9.9.9
 *                    ~~~~~~~~                     ~~~~~~~~~~          ours; the rest is the run's
 */
#ifndef DIATOM_HOST_OBSERVE_WORDS_H
#define DIATOM_HOST_OBSERVE_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* An option with a value. Given as "--name V", "--name=V", and, where `letter` is not 0, "-o V". */
struct word {
	const char *name;
	char letter;
	const char *value; /* NULL until it is found; the last one counts */
};

/* Takes the options out of argv, up to the image; the others close up. 0, or the exit code after having
 * said what is wrong. */
int words_take(struct word *words, unsigned count, const char *command, int *argc, char **argv);

/* A decimal number of seconds as ns, or of anything as itself (`unit` 1). False: it is none, or not
 * in least..most. */
bool words_number(const char *text, int64_t unit, int64_t least, int64_t most, int64_t *number);

#endif
