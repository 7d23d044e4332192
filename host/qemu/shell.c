/*
 * Between single quotes a shell takes every byte as it is, but for the quote itself.
 */
#include "host/qemu/shell.h"

#include <stdio.h>
#include <string.h>

static bool is_plain(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_-./,:=+@%";

	return word[0] != '\0' && word[strspn(word, plain)] == '\0';
}

static void print_word(const char *word)
{
	if (is_plain(word)) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word != '\0'; word++) {
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	}
	putchar('\'');
}

bool shell_print(const struct command *command)
{
	for (int i = 0; i < command->count; i++) {
		const char *word = command->words[i];

		if (i > 0)
			fputs(word[0] == '-' ? " \\\n\t" : " ", stdout);
		print_word(word);
	}
	putchar('\n');
	return fflush(stdout) == 0;
}
