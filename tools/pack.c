/*
 * Packs the shim's text: pack FILE > PACKED. shim/entry.S unpacks it in a few dozen instructions.
 *
 * First the distance in each near call and jump (opcodes e8, e9) becomes its target: calls of one
 * function then look alike. What looks like an opcode in other bytes is treated the same way, both here
 * and when unpacked.
 *
 * Bytes and bits are mixed: each byte of bits is taken, highest bit first, when the first of its bits
 * is wanted. Numbers (from 1) are Elias' gamma code, its bits interleaved: while a 1 bit comes, the next
 * bit is appended to a value that begins as 1.
 *
 *     0 byte                                      a literal
 *     1 0 number(high + 1) byte(low) number(n)    n + 1 bytes from high * 256 + low + 1 bytes before
 *     1 1 number(n)                               n + 1 bytes from as far before as last time
 *
 * The cheapest way to each position is found going forward. What "last time" was belongs to a way, and
 * only the cheapest way's is kept: not always the optimum, but near.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX	(1 << 20)
#define LENGTH_MAX	4096
#define NEAR_CALL_BYTES 5	 /* or jump */
#define TEXT_AT		0x110000 /* once unpacked: shim/shim.ld */

struct step {
	uint32_t bits;		 /* so far */
	uint32_t offset, length; /* how this position was reached; length 1, offset 0: a literal */
	uint32_t last;		 /* the offset of the last match on the way */
	uint8_t is_repeat;
};

static uint8_t input[INPUT_MAX];
static struct step steps[INPUT_MAX + 1];

static uint32_t gamma_bits(uint32_t value)
{
	uint32_t bits = 1;

	for (; value > 1; value >>= 1)
		bits += 2;
	return bits;
}

static void offer(
	size_t to, uint32_t bits, uint32_t offset, uint32_t length, uint32_t last, int is_repeat)
{
	if (bits < steps[to].bits)
		steps[to] = (struct step){ bits, offset, length, last, (uint8_t)is_repeat };
}

static void offer_matches(size_t at, size_t end, uint32_t offset)
{
	const struct step *from = &steps[at];
	uint32_t cost = 2 + gamma_bits(((offset - 1) >> 8) + 1) + 8;

	for (uint32_t n = 0;
		n < LENGTH_MAX && at + n < end && input[at + n] == input[at + n - offset]; n++) {
		if (n == 0)
			continue;
		offer(at + n + 1, from->bits + cost + gamma_bits(n), offset, n + 1, offset, 0);
		if (offset == from->last)
			offer(at + n + 1, from->bits + 2 + gamma_bits(n), offset, n + 1, offset, 1);
	}
}

static void find_way(size_t end)
{
	for (size_t i = 1; i <= end; i++)
		steps[i].bits = UINT32_MAX;
	for (size_t at = 0; at < end; at++) {
		offer(at + 1, steps[at].bits + 9, 0, 1, steps[at].last, 0);
		for (size_t offset = 1; offset <= at; offset++)
			if (input[at] == input[at - offset])
				offer_matches(at, end, (uint32_t)offset);
	}
}

static uint8_t output[2 * INPUT_MAX];
static size_t output_bytes, bits_at;
static unsigned bits_left;

static void put_byte(uint8_t byte)
{
	output[output_bytes++] = byte;
}

static void put_bit(unsigned bit)
{
	if (bits_left == 0) {
		bits_at = output_bytes;
		put_byte(0);
		bits_left = 8;
	}
	output[bits_at] |= (uint8_t)(bit << --bits_left);
}

static void put_number(uint32_t value)
{
	unsigned top = 31;

	while ((value >> top & 1) == 0)
		top--;
	while (top-- > 0) {
		put_bit(1);
		put_bit(value >> top & 1);
	}
	put_bit(0);
}

static void put_step(const struct step *step, size_t to)
{
	put_bit(step->offset != 0);
	if (step->offset == 0) {
		put_byte(input[to - 1]);
		return;
	}
	put_bit(step->is_repeat);
	if (!step->is_repeat) {
		put_number(((step->offset - 1) >> 8) + 1);
		put_byte((uint8_t)(step->offset - 1));
	}
	put_number(step->length - 1);
}

/* False: something like an opcode is too near the end. */
static int name_targets(size_t end)
{
	for (size_t at = 0; at < end; at++) {
		uint32_t distance;

		if ((input[at] & 0xfe) != 0xe8)
			continue;
		if (at + NEAR_CALL_BYTES > end)
			return 0;
		memcpy(&distance, &input[at + 1], sizeof(distance));
		distance += TEXT_AT + (uint32_t)at + 1;
		memcpy(&input[at + 1], &distance, sizeof(distance));
		at += NEAR_CALL_BYTES - 1;
	}
	return 1;
}

/* The file's bytes; 0 of them after an error. */
static size_t read_input(const char *path)
{
	FILE *file = path == NULL ? NULL : fopen(path, "rb");
	size_t length;

	if (file == NULL)
		return 0;
	length = fread(input, 1, INPUT_MAX, file);
	fclose(file);
	return length;
}

int main(int argc, char **argv)
{
	static uint32_t way[INPUT_MAX + 1];
	size_t end = read_input(argc == 2 ? argv[1] : NULL), count = 0;

	if (end == 0) {
		fprintf(stderr, "pack: which file?\n");
		return 1;
	}
	if (!name_targets(end)) {
		fprintf(stderr, "pack: %s: its last bytes look like a call: append four zeros\n",
			argv[1]);
		return 1;
	}
	find_way(end);
	for (size_t at = end; at > 0; at -= steps[at].length)
		way[count++] = (uint32_t)at;
	while (count > 0) {
		count--;
		put_step(&steps[way[count]], way[count]);
	}
	return fwrite(output, 1, output_bytes, stdout) == output_bytes ? 0 : 1;
}
