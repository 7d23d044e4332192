/* @NAME@: says hello to each argument, or to the world. */
#include <stdio.h>

#include <diatom/app.h>

DIATOM_IMAGE(.name = "@NAME@", .version = "0.1", .memory_mib = 8);

int main(int argc, char **argv)
{
	if (argc < 2)
		puts("hello, world");
	for (int i = 1; i < argc; i++)
		printf("hello, %s\n", argv[i]);
	return 0;
}
