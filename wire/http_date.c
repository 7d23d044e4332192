/*
 * Days are counted in eras of 400 years that begin on 1 March, so that the leap day is a year's last.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT      preferred
 *     Sunday, 06-Nov-94 08:49:37 GMT     obsolete (RFC 850)
 *     Sun Nov  6 08:49:37 1994           obsolete (C's asctime)
 */
#include "wire/http_date.h"

#include "wire/http_text.h"

#define DAY_SECONDS   86400
#define ERA_DAYS      146097
#define EPOCH_DAYS    719468		    /* from 1 March 0 to 1 January 1970 */
#define LAST_SECOND   INT64_C(253402300799) /* of 9999 */
#define PIVOT_SECONDS (INT64_C(50) * 366 * DAY_SECONDS)

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct date {
	int year, month, day, hour, minute, second; /* month and day from 1 */
};

static int64_t days_of(const struct date *d)
{
	int year = d->month > 2 ? d->year : d->year - 1;
	int month = d->month > 2 ? d->month - 3 : d->month + 9; /* from March */
	int of_era = year % 400;
	int of_year = (153 * month + 2) / 5 + d->day - 1;

	return (int64_t)(year / 400) * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - EPOCH_DAYS;
}

static void date_of(struct date *d, int64_t days)
{
	int64_t since = days + EPOCH_DAYS;
	int in_era = (int)(since % ERA_DAYS);
	int of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int of_year = in_era - (365 * of_era + of_era / 4 - of_era / 100);
	int month = (5 * of_year + 2) / 153;

	d->day = of_year - (153 * month + 2) / 5 + 1;
	d->month = month < 10 ? month + 3 : month - 9;
	d->year = (int)(since / ERA_DAYS) * 400 + of_era + (d->month <= 2);
}

static void put_two(char *at, int value)
{
	at[0] = (char)('0' + value / 10);
	at[1] = (char)('0' + value % 10);
}

void http_date_write(char text[HTTP_DATE_BYTES], int64_t seconds)
{
	int64_t days;
	struct date d;
	int rest;

	if (seconds < 0 || seconds > LAST_SECOND)
		seconds = 0;
	days = seconds / DAY_SECONDS;
	rest = (int)(seconds % DAY_SECONDS);
	date_of(&d, days);
	memcpy(text, "___, __ ___ ____ __:__:__ GMT", HTTP_DATE_BYTES);
	memcpy(text, day_names + 3 * ((days + 4) % 7), 3); /* 1 January 1970 was a Thursday */
	put_two(text + 5, d.day);
	memcpy(text + 8, month_names + 3 * (d.month - 1), 3);
	put_two(text + 12, d.year / 100);
	put_two(text + 14, d.year % 100);
	put_two(text + 17, rest / 3600);
	put_two(text + 20, rest / 60 % 60);
	put_two(text + 23, rest % 60);
}

/* The field that a letter of a pattern stands for; NULL: the letter is meant. */
static int *field_of(struct date *d, char letter)
{
	switch (letter) {
	case 'D': /* perhaps a blank */
	case 'd':
		return &d->day;
	case 'y':
		return &d->year;
	case 'h':
		return &d->hour;
	case 'n':
		return &d->minute;
	case 's':
		return &d->second;
	default:
		return NULL;
	}
}

static int month_of(const uint8_t *name)
{
	for (int i = 0; i < 12; i++)
		if (memcmp(name, month_names + 3 * (size_t)i, 3) == 0)
			return i + 1;
	return 0;
}

/* One character of the pattern. */
static bool match_one(struct date *d, const char *pattern, uint8_t c)
{
	int *field = field_of(d, *pattern);

	if (*pattern == '*') /* of the day's name, which says nothing new */
		return http_lower(c) >= 'a' && http_lower(c) <= 'z';
	if (field == NULL)
		return c == (uint8_t)*pattern;
	if (c == ' ' && *pattern == 'D')
		c = '0';
	*field = *field * 10 + (c - '0');
	return http_is_digit(c);
}

/* Reads by a pattern: 'd' day, "mmm" month's name, 'y' year, 'h' 'n' 's' time; each as wide as its run. */
static bool match(struct view text, const char *pattern, struct date *d)
{
	memset(d, 0, sizeof(*d));
	if (text.length != strlen(pattern))
		return false;
	for (size_t at = 0; at < text.length; at++) {
		if (pattern[at] == 'm') {
			d->month = month_of(text.data + at);
			at += 2;
		} else if (!match_one(d, pattern + at, text.data[at])) {
			return false;
		}
	}
	return d->month != 0;
}

static bool exists(const struct date *d)
{
	static const uint8_t lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
	int last = lengths[d->month - 1] + (is_leap && d->month == 2);

	return d->year >= 1970 && d->day >= 1 && d->day <= last && d->hour < 24 && d->minute < 60 &&
	       d->second <= 60; /* a leap second */
}

static int64_t seconds_of(const struct date *d)
{
	return days_of(d) * DAY_SECONDS + d->hour * 3600 + d->minute * 60 + d->second;
}

/* "Sunday, 06-Nov-94 08:49:37 GMT": names of days differ in length. */
static bool match_rfc_850(struct view text, int64_t now, struct date *d)
{
	const uint8_t *comma = memchr(text.data, ',', text.length);
	struct view rest;

	if (comma == NULL || comma - text.data < 6 || comma - text.data > 9)
		return false;
	rest = view_part(text, (size_t)(comma - text.data), text.length);
	if (!match(rest, ", dd-mmm-yy hh:nn:ss GMT", d))
		return false;
	d->year += 2000;
	if (seconds_of(d) > now + PIVOT_SECONDS)
		d->year -= 100;
	return true;
}

bool http_date_read(struct view text, int64_t now, int64_t *seconds)
{
	struct date d;

	if (text.length == 0)
		return false;
	if (!match(text, "***, dd mmm yyyy hh:nn:ss GMT", &d) &&
		!match(text, "*** mmm Dd hh:nn:ss yyyy", &d) && !match_rfc_850(text, now, &d))
		return false;
	if (!exists(&d))
		return false;
	*seconds = seconds_of(&d);
	return true;
}
