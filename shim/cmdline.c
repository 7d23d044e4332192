/*
 * Words are cut out of the line one by one. Those of the form key=value are rows of a table; a value's
 * parts are cut at their commas before %XX becomes a byte, so a byte so written never cuts.
 */
#include "shim/cmdline.h"

#include <stddef.h>

#include "abi/log.h"
#include "abi/manifest.h"

#define MTU_MIN	      68 /* RFC 791 */
#define FILE_MAX      (UINT64_C(1) << 40)
#define ADDRESS_LIMIT (UINT64_C(1) << 32) /* the shim sees 4 GiB */
#define INTERRUPTS    48
#define EMPTY	      "%00" /* abi/shim.h: as an argument */
#define NUMBER_FORM   "numbers are decimal"

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Cuts what leads up to `end` off *rest, which moves behind it; the whole rest if there is none. */
static char *cut(char **rest, char end)
{
	char *start = *rest;

	while (**rest != '\0' && **rest != end)
		(*rest)++;
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return start;
}

/* %XX become bytes. False: what follows a % isn't that, or would end the text. */
static bool unescape(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		unsigned value;

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		if (digit_of(text[1]) > 15 || digit_of(text[2]) > 15)
			return false;
		value = digit_of(text[1]) * 16 + digit_of(text[2]);
		if (value == 0)
			return false;
		*to++ = (char)value;
		text += 2;
	}
	*to = '\0';
	return true;
}

/* If *text begins with the prefix, moves it behind. */
static bool skip(char **text, const char *prefix)
{
	char *at = *text;

	while (*prefix != '\0')
		if (*at++ != *prefix++)
			return false;
	*text = at;
	return true;
}

static bool is_equal(char *text, const char *other)
{
	return skip(&text, other) && *text == '\0';
}

/* A whole text as a number up to `most`; decimal, or hexadecimal with 0x. */
static bool number(char *text, uint64_t most, uint64_t *value)
{
	unsigned base = skip(&text, "0x") ? 16 : 10;
	uint64_t sum = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned digit = digit_of(*text);

		if (digit >= base || sum > (most - digit) / base)
			return false;
		sum = sum * base + digit;
	}
	*value = sum;
	return true;
}

static bool mac_address(const char *text, uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++, text += 3) {
		if (digit_of(text[0]) > 15 || digit_of(text[1]) > 15 ||
			text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)(digit_of(text[0]) * 16 + digit_of(text[1]));
	}
	return (mac[0] & 1) == 0;
}

static bool fits(const char *text, unsigned room)
{
	unsigned length = 0;

	while (text[length] != '\0')
		length++;
	return length > 0 && length < room;
}

/* Each taker gets the value, without its key, and returns NULL or what would be right. */

static const char *take_net_part(struct cmdline_net *net, char *part)
{
	uint64_t value;

	if (!unescape(part))
		return "a % is written %25";
	if (skip(&part, "mac=")) {
		net->has_mac = mac_address(part, net->mac);
		return net->has_mac ? NULL : "a MAC is like 52:54:00:12:34:56";
	}
	if (skip(&part, "ip=")) {
		net->ip = part;
		return fits(part, MANIFEST_ADDRESS_BYTES) ? NULL : "an address is like 10.0.0.2/24";
	}
	if (skip(&part, "gw=")) {
		net->gateway = part;
		return fits(part, MANIFEST_ADDRESS_BYTES) ? NULL : "a gateway is like 10.0.0.1";
	}
	if (skip(&part, "ip6=")) {
		net->ip6 = part;
		return fits(part, MANIFEST_ADDRESS_BYTES)
			       ? NULL
			       : "ip6= is like 2001:db8::2/64, auto or off";
	}
	if (skip(&part, "gw6=")) {
		net->gateway6 = part;
		return fits(part, MANIFEST_ADDRESS_BYTES) ? NULL : "gw6= is like 2001:db8::1";
	}
	if (skip(&part, "mtu=") && number(part, UINT16_MAX, &value) && value >= MTU_MIN) {
		net->mtu = (uint16_t)value;
		return NULL;
	}
	return "net=NAME[,mac=MAC][,ip=ADDRESS/BITS][,gw=ADDRESS][,ip6=...][,gw6=...][,mtu=N]";
}

static const char *take_net(struct cmdline *line, char *value)
{
	struct cmdline_net *net = &line->nets[line->net_count];
	const char *wrong = NULL;

	if (line->net_count == BOOT_DEVICES_MAX)
		return "there are too many";
	*net = (struct cmdline_net){
		.name = cut(&value, ','), .ip = "", .gateway = "", .ip6 = "", .gateway6 = ""
	};
	if (!fits(net->name, MANIFEST_NAME_BYTES))
		return "a name has 1 to 15 characters";
	while (*value != '\0' && wrong == NULL)
		wrong = take_net_part(net, cut(&value, ','));
	line->net_count++;
	return wrong;
}

static const char *take_file(struct cmdline *line, char *value)
{
	struct cmdline_file *file = &line->files[line->file_count];

	if (line->file_count == BOOT_BLOBS_MAX)
		return "there are too many";
	file->name = cut(&value, ',');
	line->file_count++;
	return fits(file->name, MANIFEST_NAME_BYTES) && number(value, FILE_MAX, &file->bytes)
		       ? NULL
		       : "file=NAME,BYTES";
}

static const char *take_mmio(struct cmdline *line, char *value)
{
	struct cmdline_mmio *mmio = &line->mmio[line->mmio_count];
	uint64_t interrupt;
	char *address;

	if (line->mmio_count == BOOT_DEVICES_MAX)
		return "there are too many";
	cut(&value, '@'); /* the size: a page is taken */
	address = cut(&value, ':');
	/* The interrupt may have an identifier behind it. */
	if (!number(address, ADDRESS_LIMIT - BOOT_PAGE_BYTES, &mmio->address) ||
		mmio->address % 4 != 0 || !number(cut(&value, ':'), INTERRUPTS - 1, &interrupt))
		return "virtio_mmio.device=SIZE@ADDRESS:INTERRUPT, below 4 GiB and 48";
	mmio->interrupt = (uint32_t)interrupt;
	line->mmio_count++;
	return NULL;
}

static const char *take_wall(struct cmdline *line, char *value)
{
	return number(value, INT64_MAX, (uint64_t *)&line->wall_ns) ? NULL : NUMBER_FORM;
}

static const char *take_spin(struct cmdline *line, char *value)
{
	return number(value, 1000000000, (uint64_t *)&line->spin_ns) ? NULL : NUMBER_FORM;
}

static const char *take_log(struct cmdline *line, char *value)
{
	static const char levels[][8] = { "error", "warning", "info", "debug" };

	for (uint32_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (is_equal(value, levels[i])) {
			line->log_level = i;
			return NULL;
		}
	}
	return "error, warning, info or debug";
}

static const char *take_name(struct cmdline *line, char *value)
{
	line->arguments[0] = value;
	return unescape(value) ? NULL : "a % is written %25";
}

static const struct {
	char key[24];
	const char *(*take)(struct cmdline *line, char *value);
} keys[] = {
	{ "virtio_mmio.device=", take_mmio },
	{ "net=", take_net },
	{ "file=", take_file },
	{ "wall=", take_wall },
	{ "spin=", take_spin },
	{ "log=", take_log },
	{ "name=", take_name },
};

static const char *take_argument(struct cmdline *line, char *word)
{
	if (line->argument_count == BOOT_ARGUMENTS_MAX)
		return "there are too many";
	if (is_equal(word, EMPTY))
		*word = '\0';
	line->arguments[line->argument_count++] = word;
	return unescape(word) ? NULL : "a % is written %25";
}

/* Behind `--` only the first row is known: hypervisors append it. */
static const char *take_word(struct cmdline *line, char *word, bool is_argument)
{
	unsigned known = is_argument ? 1 : sizeof(keys) / sizeof(keys[0]);

	for (unsigned i = 0; i < known; i++)
		if (skip(&word, keys[i].key))
			return keys[i].take(line, word);
	if (is_argument)
		return take_argument(line, word);
	return "known are net= file= wall= spin= log= name= virtio_mmio.device= and, before the "
	       "image's arguments, --";
}

bool cmdline_parse(struct cmdline *line, char *text)
{
	bool is_argument = false;

	*line = (struct cmdline){ .log_level = LOG_WARNING, .argument_count = 1 };
	line->arguments[0] = "image";
	while (*text != '\0') {
		char *word = cut(&text, ' ');

		if (*word == '\0')
			continue;
		if (!is_argument && is_equal(word, "--")) {
			is_argument = true;
			continue;
		}
		line->word = word;
		line->remedy = take_word(line, word, is_argument);
		if (line->remedy != NULL)
			return false;
	}
	return true;
}
