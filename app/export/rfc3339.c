/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "export/rfc3339.h"

/* So many digits at *text, which moves on, or -1. */
static int digits(const char **text, unsigned n)
{
	int value = 0;

	for (; n; n--, (*text)++) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool mark(const char **text, const char *any)
{
	if (!**text || !strchr(any, **text))
		return false;
	(*text)++;
	return true;
}

/* Seconds east of UTC; false when there is neither "Z" nor an offset. */
static bool offset_read(const char **text, int *seconds)
{
	*seconds = 0;
	if (mark(text, "Zz"))
		return true;
	int sign = **text == '-' ? -1 : 1;
	if (!mark(text, "+-"))
		return false;
	int hours = digits(text, 2);
	int minutes = hours >= 0 && hours < 24 && mark(text, ":") ? digits(text, 2) : -1;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return minutes >= 0 && minutes < 60;
}

static bool days_fit(const struct tm *tm)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= days[tm->tm_mon] && (leap || tm->tm_mon != 1 || tm->tm_mday < 29);
}

int rfc3339_parse(const char *text, uint32_t *seconds)
{
	struct tm tm = {0};
	int offset = 0;

	tm.tm_year = digits(&text, 4) - 1900;
	bool good = tm.tm_year >= 0 && mark(&text, "-");
	tm.tm_mon = good ? digits(&text, 2) - 1 : -1;
	good = good && mark(&text, "-");
	tm.tm_mday = good ? digits(&text, 2) : -1;
	good = good && days_fit(&tm) && mark(&text, "Tt ");
	tm.tm_hour = good ? digits(&text, 2) : -1;
	good = good && mark(&text, ":");
	tm.tm_min = good ? digits(&text, 2) : -1;
	good = good && mark(&text, ":");
	tm.tm_sec = good ? digits(&text, 2) : -1;
	good = good && tm.tm_hour >= 0 && tm.tm_hour < 24 && tm.tm_min >= 0 && tm.tm_min < 60 &&
	       tm.tm_sec >= 0 && tm.tm_sec <= 60;
	if (good && mark(&text, ".")) {
		good = digits(&text, 1) >= 0;
		text += strspn(text, "0123456789");
	}
	if (!good || !offset_read(&text, &offset) || *text)
		return -EINVAL;
	time_t t = timegm(&tm) - offset;
	if (t < 0 || t > (time_t)UINT32_MAX)
		return -EINVAL;
	*seconds = (uint32_t)t;
	return 0;
}
