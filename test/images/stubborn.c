/*
 * A program that is hard to end, for test/e2e/surroundings.py. The first argument says how: it prints
 * without end, computes without end, or prints one large text.
 */
#include <stdio.h>
#include <string.h>

static char block[1 << 20];

static void print(size_t length)
{
	memset(block, 'x', length);
	fwrite(block, 1, length, stdout);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (strcmp(how, "print") == 0)
		for (;;)
			print(4096);
	if (strcmp(how, "compute") == 0)
		for (;;)
			__asm__ volatile("pause");
	print(sizeof(block));
	return 0;
}
