/*
 * Seccomp filters: lists of system calls that stay allowed, built as classic BPF.
 *
 * A filter is a straight run of rules, tried in order; the first that matches decides, and what no
 * rule matches meets the filter's end. Rules that look at the number only are recognised by the
 * kernel and cost nothing per call, so put these first.
 *
 *     struct seccomp_filter f;
 *
 *     seccomp_begin(&f);                                  other architectures: killed
 *     seccomp_allow(&f, __NR_write);
 *     seccomp_allow_argument(&f, __NR_ioctl, 1, KVM_RUN);
 *     if (seccomp_install(&f, SECCOMP_RET_KILL_PROCESS) != 0) ...
 */
#ifndef DIATOM_HOST_SECCOMP_H
#define DIATOM_HOST_SECCOMP_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>

#define SECCOMP_CODE_MAX 320

struct seccomp_filter {
	struct sock_filter code[SECCOMP_CODE_MAX];
	unsigned length;
	unsigned block;	  /* where seccomp_caller_begin stands */
	bool is_too_long; /* a rule did not fit: seccomp_install refuses */
};

/* Empties the filter; its first rule kills whoever calls by another architecture's numbers. */
void seccomp_begin(struct seccomp_filter *filter);

/* The same, with another action for those. */
void seccomp_begin_otherwise(struct seccomp_filter *filter, uint32_t action);

/*
 * Rules between these two are for calls made from `pointer` (the address after the syscall
 * instruction) only, where what no rule matches gets `otherwise`. As the first rules of a filter they
 * make it quick to install, too: the kernel tries each number, up to the first look at anything else.
 */
void seccomp_caller_begin(struct seccomp_filter *filter, uint64_t pointer);
void seccomp_caller_end(struct seccomp_filter *filter, uint32_t otherwise);

/* Allows a call whatever its arguments. */
void seccomp_allow(struct seccomp_filter *filter, unsigned number);

/* The same for a list of at most 200 calls: shorter, and the kernel runs the filter for each number at
 * its installation. */
void seccomp_allow_list(struct seccomp_filter *filter, const unsigned *numbers, unsigned count);

/* Allows a call whose argument `index` (0..5) equals `value`, all 64 bits. */
void seccomp_allow_argument(
	struct seccomp_filter *filter, unsigned number, unsigned index, uint64_t value);

/* Allows a call whose two arguments equal their values. */
void seccomp_allow_arguments(struct seccomp_filter *filter, unsigned number, unsigned first,
	uint64_t first_value, unsigned second, uint64_t second_value);

/* Allows a call whose argument `index` has none of the bits of `forbidden`. */
void seccomp_allow_without_bits(
	struct seccomp_filter *filter, unsigned number, unsigned index, uint32_t forbidden);

/* A call gets `action` (SECCOMP_RET_ERRNO | number, for instance) whatever its arguments. */
void seccomp_act(struct seccomp_filter *filter, unsigned number, uint32_t action);

/* Ends the filter with `otherwise` and hands it to the kernel for good; needs no_new_privs. 0, or a
 * negative errno. */
int seccomp_install(struct seccomp_filter *filter, uint32_t otherwise);

#endif
