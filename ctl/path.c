/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "client.h"

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

static void path_octet(struct path *p, char c)
{
	p->too_long |= p->n == sizeof(p->text) - 1;
	if (!p->too_long)
		p->text[p->n++] = c;
}

static void path_text(struct path *p, const char *text, bool encode)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (!encode || is_unreserved(*text)) {
			path_octet(p, *text);
			continue;
		}
		path_octet(p, '%');
		path_octet(p, "0123456789ABCDEF"[c >> 4]);
		path_octet(p, "0123456789ABCDEF"[c & 15]);
	}
	p->text[p->n] = '\0';
}

void path_start(struct path *p, const char *fixed)
{
	p->n = 0;
	p->params = p->too_long = false;
	path_text(p, fixed, false);
}

void path_segment(struct path *p, const char *segment)
{
	path_text(p, "/", false);
	path_text(p, segment, true);
}

void path_param(struct path *p, const char *name, const char *value)
{
	path_text(p, p->params ? "&" : "?", false);
	path_text(p, name, false);
	path_text(p, "=", false);
	path_text(p, value, true);
	p->params = true;
}

void path_options(struct path *p, const struct options *o)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (o->value[i] && option_parameter((enum option_id)i))
			path_param(p, option_parameter((enum option_id)i), o->value[i]);
}
