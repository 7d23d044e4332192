/*
 * What a sanitizer must be told about memory and stacks. Only the hosted build has one
 * (plat/hosted.c); in an image these are nothing, and cost nothing.
 */
#ifndef DIATOM_PLAT_HOOKS_H
#define DIATOM_PLAT_HOOKS_H

#include <stddef.h>

#ifdef DIATOM_HOSTED

/* Nobody may touch these bytes until hook_unpoison. */
void hook_poison(const void *bytes, size_t length);
void hook_unpoison(const void *bytes, size_t length);
/* About to switch to the stack [low, low + length). `*saved` is kept for the fiber that is left;
 * NULL: it has ended. */
void hook_switch_start(void **saved, const void *low, size_t length);
/* Arrived on the stack whose hook_switch_start stored `saved` (NULL the first time). */
void hook_switch_finish(void *saved);

#else

static inline void hook_poison(const void *bytes, size_t length)
{
}

static inline void hook_unpoison(const void *bytes, size_t length)
{
}

static inline void hook_switch_start(void **saved, const void *low, size_t length)
{
}

static inline void hook_switch_finish(void *saved)
{
}

#endif
#endif
