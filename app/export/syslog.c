/* SPDX-License-Identifier: BSD-3-Clause */

/* Events as syslog messages after RFC 5424. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/eve.h"

/* Of the messages' structured data; 32473 is the number kept for documentation (RFC 5612). */
#define SD_ID "fastflux@32473"

/* RFC 5424 section 6.2.1. */
enum { FACILITY_DAEMON = 3, SEVERITY_WARNING = 4, SEVERITY_NOTICE = 5, SEVERITY_INFO = 6 };

static const char *text_of(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "-";
}

/* What is flagged for sure is a warning, what is suspected a notice, what goes an information. */
static int severity(const json_t *event)
{
	const char *kind = text_of(event, "event");

	if (strcmp(kind, "cleared") == 0 || strcmp(kind, "expired") == 0)
		return SEVERITY_INFO;
	return json_is_true(json_object_get(event, "suspected")) ? SEVERITY_NOTICE
								 : SEVERITY_WARNING;
}

/* RFC 5424 section 6.3.3: '"', '\' and ']' are escaped; what is not printable ASCII goes. */
static void param_text(FILE *f, const char *name, const char *value)
{
	fprintf(f, " %s=\"", name);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\' || *p == ']')
			fputc('\\', f);
		fputc(*p >= ' ' && *p <= '~' ? *p : '?', f);
	}
	fputc('"', f);
}

/* Nothing where the value is null. */
static void param(FILE *f, const char *name, const json_t *value)
{
	char number[32];

	if (json_is_string(value)) {
		param_text(f, name, json_string_value(value));
	} else if (json_is_boolean(value)) {
		param_text(f, name, json_is_true(value) ? "true" : "false");
	} else if (json_is_integer(value)) {
		snprintf(
			number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		param_text(f, name, number);
	} else if (json_is_real(value)) {
		snprintf(number, sizeof(number), "%.3f", json_real_value(value));
		param_text(f, name, number);
	}
}

static void message_put(FILE *f, const json_t *event, const char *host, int pid)
{
	static const char *const params[] = {"sequence", "domain", "class", "suspected", "score",
		"confidence", "window", "addresses", "networks", "countries"};
	double score = json_number_value(json_object_get(event, "score"));

	fprintf(f, "<%d>1 %s %s fluxgate %d %s [" SD_ID, FACILITY_DAEMON * 8 + severity(event),
		text_of(event, "time"), host, pid, text_of(event, "event"));
	param_text(f, "action", text_of(event, "event"));
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		param(f, params[i], json_object_get(event, params[i]));
	fprintf(f, "] fast flux %s: %s is %s%s, score %.1f", text_of(event, "event"),
		text_of(event, "domain"),
		json_is_true(json_object_get(event, "suspected")) ? "suspected of " : "",
		text_of(event, "class"), score);
}

char *export_syslog(const json_t *event, const char *host, int pid, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	message_put(f, event, host, pid);
	bool failed = ferror(f);
	if (fclose(f) == EOF || failed) {
		free(text);
		return NULL;
	}
	return text;
}
