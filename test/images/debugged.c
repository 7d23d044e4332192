/*
 * What test/e2e/gdb.py debugs. Built with -O0: lines are executed in order, and each one shows.
 *
 *     (nothing)   sums, spins until told not to, starts fibers, ends with 3
 *     sleep       sleeps until told to finish
 *     spin        computes for ever
 *     steps       a few system calls and platform calls, to be stepped through; ends with 4
 *     fault, ...  crashes
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <diatom/assert.h>
#include <diatom/fiber.h>

struct point {
	int x, y;
	const char *name;
};

static int total;
static volatile int is_spinning = 1;
static volatile struct point origin = { 3, 4, "origin" };
static struct wait_queue queue;

static int add(int number)
{
	int twice = number * 2;

	total += twice;
	return total;
}

static int sum(int count)
{
	for (int i = 1; i <= count; i++)
		add(i);
	return total;
}

static void spin(void)
{
	while (is_spinning)
		continue;
}

static void wait_for_news(void *argument)
{
	wait_on(&queue, FOREVER);
}

static void start_fibers(void)
{
	struct fiber *reader = fiber_start("reader", wait_for_news, NULL);
	struct fiber *writer = fiber_start("writer", wait_for_news, NULL);

	sleep_for(MILLISECONDS(5));
	wake_all(&queue);
	fiber_join(reader);
	fiber_join(writer);
}

static int crash(const char *how)
{
	static volatile int zero;

	if (strcmp(how, "fault") == 0)
		*(volatile int *)(uintptr_t)(8 + zero) = 1;
	else if (strcmp(how, "divide") == 0)
		__asm__ volatile("xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" ::
				: "eax", "ecx", "edx");
	else if (strcmp(how, "invalid") == 0)
		__asm__ volatile("ud2");
	else if (strcmp(how, "trap") == 0)
		__asm__ volatile("int3");
	else if (strcmp(how, "told") == 0)
		image_crash("as I was told");
	return 5;
}

static int steps(void)
{
	for (int i = 0; i < 3; i++)
		printf("step %d\n", i);
	sleep_for(MILLISECONDS(1));
	return 4;
}

int main(int argc, char **argv)
{
	int result = 0;

	if (argc > 1 && strcmp(argv[1], "sleep") == 0)
		return (int)finish_wait(FOREVER);
	if (argc > 1 && strcmp(argv[1], "steps") == 0)
		return steps();
	if (argc > 1 && strcmp(argv[1], "spin") != 0)
		return crash(argv[1]);
	result = sum(5);
	printf("%s: sum %d\n", origin.name, result);
	spin();
	start_fibers();
	return 3;
}
