/*
 * Misuse of an interface is a bug in the program: it stops the image with a report that names the
 * place. Hostile input must never reach one of these; it gets a status or a counted drop.
 */
#ifndef DIATOM_ASSERT_H
#define DIATOM_ASSERT_H

/* Stops the image with a crash report that shows `why`. Never returns. */
_Noreturn void image_crash(const char *why);

#define ASSERT_TEXT2(line) #line
#define ASSERT_TEXT(line)  ASSERT_TEXT2(line)

/* Checked in every build. The report names the line, where the claim stands: its text would only make
 * the image larger. */
#define ASSERT(claim)                                                                              \
	do {                                                                                       \
		if (__builtin_expect(!(claim), 0))                                                 \
			image_crash(__FILE__ ":" ASSERT_TEXT(__LINE__) ": broken");                \
	} while (0)

#endif
