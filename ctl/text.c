/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "text.h"

/* Octets of the first character and its columns; 0 columns: not to be shown as it is. */
static size_t character(const char *text, size_t len, size_t *columns)
{
	mbstate_t state = {0};
	wchar_t wide;

	*columns = 0;
	size_t n = mbrtowc(&wide, text, len, &state);
	if (n == 0 || n > len)
		return 1;
	int width = wcwidth(wide);
	if (width > 0)
		*columns = (size_t)width;
	return n;
}

char *text_clean(const char *text, size_t len)
{
	char *clean = malloc(4 * len + 1);
	size_t at = 0;

	if (!clean)
		return NULL;
	for (size_t i = 0, n; i < len; i += n) {
		size_t columns;

		n = character(text + i, len - i, &columns);
		if (columns) {
			memcpy(clean + at, text + i, n);
			at += n;
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			unsigned octet = (unsigned char)text[i + k];

			clean[at++] = '\\';
			clean[at++] = (char)('0' + octet / 100);
			clean[at++] = (char)('0' + octet / 10 % 10);
			clean[at++] = (char)('0' + octet % 10);
		}
	}
	clean[at] = '\0';
	return clean;
}

bool text_is_plain(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		size_t columns;

		n = character(text + i, len - i, &columns);
		if (columns == 0 && text[i] != '\n' && text[i] != '\r' && text[i] != '\t')
			return false;
	}
	return true;
}

/* Octets of a sequence ESC [ ... m, or 0. */
static size_t sequence(const char *text, size_t len)
{
	size_t n = 2;

	if (len < 2 || text[0] != '\033' || text[1] != '[')
		return 0;
	while (n < len && (text[n] == ';' || (text[n] >= '0' && text[n] <= '9')))
		n++;
	return n < len && text[n] == 'm' ? n + 1 : 0;
}

/* Octets up to where `columns` are full, and in *width how many they take. */
static size_t measure(const char *text, size_t len, size_t columns, size_t *width)
{
	size_t i = 0;

	*width = 0;
	while (i < len) {
		size_t n = sequence(text + i, len - i), more = 0;

		if (n == 0)
			n = character(text + i, len - i, &more);
		if (*width + more > columns)
			break;
		*width += more;
		i += n;
	}
	return i;
}

size_t text_width(const char *text, size_t len)
{
	size_t width;

	measure(text, len, (size_t)-1 / 2, &width);
	return width;
}

size_t text_cut(const char *text, size_t len, size_t columns)
{
	size_t width;

	return measure(text, len, columns, &width);
}
