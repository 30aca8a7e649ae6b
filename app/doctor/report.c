/* SPDX-License-Identifier: BSD-3-Clause */

/* The findings, for people and for programs. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doctor/doctor.h"
#include "export/json.h"
#include "version.h"

#define COLUMNS 100u
#define INDENT 39u

/* By severity; of ISO 6429. */
static const char *const colours[SEVERITY_COUNT] = {"\033[32m", "\033[36m", "\033[33m", "\033[31m"};

/* Words up to the last column, further lines indented. The cursor stands at INDENT. */
static void print_wrapped(FILE *to, const char *text)
{
	size_t column = INDENT;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > INDENT && column + n > COLUMNS) {
			fprintf(to, "\n%*s", (int)INDENT, "");
			column = INDENT;
		}
		fprintf(to, "%.*s", (int)n, text);
		column += n;
		text += n;
		if (*text == ' ') {
			/* The space of a line's end is nobody's. */
			if (column + 1 + strcspn(text + 1, " ") <= COLUMNS)
				fputc(' ', to);
			column++;
			text++;
		}
	}
	fputc('\n', to);
}

static void finding_print(const struct finding *f, FILE *to, bool coloured)
{
	const char *name = severity_name(f->severity);

	fprintf(to, "%s%-7s%s  %-28s  ", coloured ? colours[f->severity] : "", name,
		coloured ? "\033[0m" : "", f->check);
	print_wrapped(to, f->found);
	if (f->why[0]) {
		fprintf(to, "%*s", (int)INDENT, "why: ");
		print_wrapped(to, f->why);
	}
	if (f->remedy[0]) {
		fprintf(to, "%*s", (int)INDENT, "do: ");
		print_wrapped(to, f->remedy);
	}
}

void doctor_print(const struct doctor *d, FILE *to, bool coloured)
{
	const struct findings *all = d->findings;
	const char *subject = "";

	for (unsigned i = 0; i < all->n; i++) {
		const struct finding *f = &all->at[i];

		if (strcmp(f->subject, subject) != 0 && f->subject[0])
			fprintf(to, "port %s\n", f->subject);
		subject = f->subject;
		finding_print(f, to, coloured);
	}
	fprintf(to, "%u error(s), %u warning(s), %u note(s), %u ok%s\n", all->count[SEVERITY_ERROR],
		all->count[SEVERITY_WARNING], all->count[SEVERITY_NOTE], all->count[SEVERITY_OK],
		d->config ? "" : "; with -c FILE also ports, lcores and memory of a configuration");
}

static json_t *finding_json(const struct finding *f)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o}", "severity", severity_name(f->severity),
		"check", f->check, "subject", export_octets(f->subject), "found",
		export_octets(f->found), "why", f->why, "remedy", export_octets(f->remedy));
}

static json_t *budget_json(const struct doctor *d)
{
	const struct doctor_budget *b = &d->budget;

	if (!d->config)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I}", "tables", (json_int_t)b->tables, "packet_buffers",
		(json_int_t)b->buffers, "headroom", (json_int_t)b->headroom, "octets",
		(json_int_t)(b->tables + b->buffers + b->headroom));
}

json_t *doctor_json(const struct doctor *d)
{
	const struct findings *all = d->findings;
	json_t *list = json_array(), *count = json_object();

	for (unsigned i = 0; i < all->n; i++)
		json_array_append_new(list, finding_json(&all->at[i]));
	for (unsigned i = 0; i < SEVERITY_COUNT; i++)
		json_object_set_new(count, severity_name((enum severity)i),
			json_integer((json_int_t)all->count[i]));
	return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:i}", "schema_version",
		EXPORT_SCHEMA_VERSION, "version", FLUXGATE_VERSION, "config",
		d->config_path ? export_octets(d->config_path) : json_null(), "budget",
		budget_json(d), "findings", list, "count", count, "exit_code",
		findings_exit_code(all));
}
