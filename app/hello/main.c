/* The smallest appliance: an ordinary C program. */
#include <stdio.h>

int main(void)
{
	puts("hello");
	return 0;
}
