/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <string.h>

#include "sse.h"

static void dispatch(struct sse *s)
{
	s->data[s->data_n] = '\0';
	if (s->data_n)
		s->take(s->ctx, s->event, s->data, s->data_n);
	s->data_n = 0;
	s->event[0] = '\0';
}

/* The value of a line "name: value", or NULL when it is of another name. */
static const char *field(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	line += n + 1;
	return *line == ' ' ? line + 1 : line;
}

static void line_take(struct sse *s)
{
	const char *value;

	if (s->n && s->line[s->n - 1] == '\r')
		s->n--;
	s->line[s->n] = '\0';
	if (s->n == 0) {
		dispatch(s);
	} else if ((value = field(s->line, "event"))) {
		snprintf(s->event, sizeof(s->event), "%s", value);
	} else if ((value = field(s->line, "data"))) {
		size_t n = strlen(value);

		s->broken = s->data_n + n + 2 > sizeof(s->data);
		if (s->broken)
			return;
		if (s->data_n)
			s->data[s->data_n++] = '\n';
		memcpy(s->data + s->data_n, value, n);
		s->data_n += n;
	}
	s->n = 0;
}

bool sse_feed(struct sse *s, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !s->broken; i++) {
		if (data[i] == '\n')
			line_take(s);
		else if (s->n + 1 < sizeof(s->line))
			s->line[s->n++] = data[i];
		else
			s->broken = true;
	}
	return !s->broken;
}
