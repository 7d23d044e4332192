/*
 * Hexadecimal digits in texts.
 */
#ifndef DIATOM_HOST_HEX_H
#define DIATOM_HOST_HEX_H

/* What the digit stands for, in either case; -1: it is none. */
static inline int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif
