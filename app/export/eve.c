/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/eve.h"
#include "export/json.h"
#include "export/value.h"

static int name_order(const uint8_t *a, unsigned a_len, const uint8_t *b, unsigned b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (int)a_len - (int)b_len;
}

static int by_name(const void *a, const void *b)
{
	const struct verdict *x = *(const struct verdict *const *)a;
	const struct verdict *y = *(const struct verdict *const *)b;

	return name_order(x->name, x->name_len, y->name, y->name_len);
}

static int event_by_name(const void *key, const void *member)
{
	const struct verdict_event *e = key;
	const struct verdict *v = *(const struct verdict *const *)member;

	return name_order(e->name, e->name_len, v->name, v->name_len);
}

int verdict_index_make(struct verdict_index *x, const struct snapshot *s)
{
	x->n = s->verdicts;
	x->verdict = calloc(x->n + 1, sizeof(struct verdict *));
	if (!x->verdict)
		return -ENOMEM;
	for (unsigned i = 0; i < x->n; i++)
		x->verdict[i] = &s->verdict[i];
	qsort(x->verdict, x->n, sizeof(x->verdict[0]), by_name);
	return 0;
}

void verdict_index_free(struct verdict_index *x)
{
	free(x->verdict);
	x->verdict = NULL;
}

const struct verdict *verdict_index_find(
	const struct verdict_index *x, const struct verdict_event *e)
{
	const struct verdict **found =
		bsearch(e, x->verdict, x->n, sizeof(x->verdict[0]), event_by_name);

	return found ? *found : NULL;
}

/* What an event has of its verdict, beside what it holds itself. */
static const char *const counts[] = {
	"confidence", "addresses", "networks", "countries", "own_addresses"};

json_t *export_event_detail(const struct verdict_event *e, const struct verdict *v)
{
	json_t *event = export_event(e);
	json_t *domain = v ? export_domain(v) : NULL;
	int bad = v && !domain;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bad |= json_object_set_new(event, counts[i],
			v ? json_incref(json_object_get(domain, counts[i])) : json_null());
	bad |= json_object_set_new(event, "campaign",
		v ? json_incref(json_object_get(domain, "campaign")) : json_null());
	json_t *reasons = v ? json_incref(json_object_get(domain, "reasons")) : json_array();
	json_t *sample = v ? json_incref(json_object_get(domain, "sample")) : json_array();
	while (json_array_size(sample) > EXPORT_EVENT_SAMPLE)
		json_array_remove(sample, json_array_size(sample) - 1);
	bad |= json_object_set_new(event, "reasons", reasons);
	bad |= json_object_set_new(event, "sample", sample);
	json_decref(domain);
	return value_whole(event, bad);
}

void export_host(char host[EXPORT_HOST_MAX])
{
	if (gethostname(host, EXPORT_HOST_MAX) < 0)
		host[0] = '\0';
	host[EXPORT_HOST_MAX - 1] = '\0';
	for (char *p = host; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';
	if (!host[0])
		memcpy(host, "-", sizeof("-"));
}

/* "2026-01-12T06:05:00Z" as EVE has times: "2026-01-12T06:05:00.000000+0000". */
static json_t *eve_time(const json_t *time)
{
	const char *text = json_string_value(time);
	size_t n = text ? strlen(text) : 0;

	return n ? json_sprintf("%.*s.000000+0000", (int)(n - 1), text) : json_null();
}

static json_t *reason_texts(const json_t *reasons)
{
	json_t *list = json_array();
	const json_t *reason;
	size_t i;

	json_array_foreach(reasons, i, reason)
	{
		if (list)
			list = value_whole(
				list, json_array_append(list, json_object_get(reason, "text")));
	}
	return list;
}

json_t *export_eve(const json_t *event, const char *host)
{
	/* Names in the event and in the line; the others are alike. */
	static const char *const members[][2] = {
		{"sequence", "sequence"},
		{"event", "action"},
		{"domain", "registered_domain"},
		{"class", "class"},
		{"suspected", "suspected"},
		{"score", "score"},
		{"confidence", "confidence"},
		{"window", "window"},
		{"addresses", "addresses"},
		{"networks", "networks"},
		{"countries", "countries"},
		{"own_addresses", "own_addresses"},
		{"campaign", "campaign"},
		{"sample", "sample"},
	};
	json_t *flux = json_object();
	int bad = 0;

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		bad |= json_object_set(flux, members[i][1], json_object_get(event, members[i][0]));
	bad |= json_object_set_new(
		flux, "reasons", reason_texts(json_object_get(event, "reasons")));
	return json_pack("{s:o, s:s, s:s, s:o}",                       //
		"timestamp", eve_time(json_object_get(event, "time")), //
		"event_type", "fastflux",                              //
		"host", host,                                          //
		"fastflux", value_whole(flux, bad));
}

char *export_line(json_t *tree, const char *end, size_t *len)
{
	char *text = tree ? json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
	size_t n = text ? strlen(text) : 0;
	char *line = text ? realloc(text, n + strlen(end) + 1) : NULL;

	json_decref(tree);
	if (!line) {
		free(text);
		return NULL;
	}
	memcpy(line + n, end, strlen(end) + 1);
	*len = n + strlen(end);
	return line;
}

/* One event as its line, written to f. False when out of memory. */
static bool line_put(
	FILE *f, const struct verdict_index *x, const struct verdict_event *e, const char *host)
{
	json_t *event = export_event_detail(e, verdict_index_find(x, e));
	size_t len;
	char *line = event ? export_line(export_eve(event, host), "\n", &len) : NULL;

	if (line)
		fwrite(line, 1, len, f);
	json_decref(event);
	free(line);
	return line != NULL;
}

char *export_eve_lines(const struct snapshot *s, const char *host, size_t *len)
{
	struct verdict_index x;
	char *text = NULL;
	FILE *f = open_memstream(&text, len);
	bool whole = f && verdict_index_make(&x, s) == 0;

	for (uint64_t i = events_oldest(&s->events); whole && i < s->events.next; i++)
		whole = line_put(f, &x, events_at(&s->events, i), host);
	if (f) {
		verdict_index_free(&x);
		whole &= !ferror(f);
		whole &= fclose(f) == 0;
	}
	if (!whole) {
		free(text);
		text = NULL;
	}
	return text;
}
