/* SPDX-License-Identifier: BSD-3-Clause */

/* CSV, passive DNS, and what all forms share. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "detect/events.h"
#include "export/exports.h"
#include "export/json.h"
#include "export/rfc3339.h"
#include "export/value.h"

/* What the gate made of it; NULL: nothing yet. */
static const struct gate_entry *entry_of(const struct export_source *from, const struct verdict *v)
{
	const struct rpz_picture *p = from->picture;

	return p ? gate_find(p->entry, p->n, v->name, v->name_len) : NULL;
}

const char *export_protected(const struct export_source *from, const struct verdict *v)
{
	const struct gate_entry *e = entry_of(from, v);

	if (!from->picture)
		return NULL;
	if (!e)
		return EXPORT_UNJUDGED;
	return e->reason < GATE_SUSPECTED ? gate_reason_name((enum gate_reason)e->reason) : NULL;
}

/* A restart forgets events, not verdicts: those of before it moved no later than the state. */
uint32_t export_modified(const struct export_source *from, const struct verdict *v)
{
	const struct event_ring *r = &from->snapshot->events;
	const struct gate_entry *entry = entry_of(from, v);
	uint32_t loaded = from->snapshot->state.loaded;
	uint32_t at = v->first_flagged < loaded ? loaded : v->first_flagged;

	if (entry && entry->protection_time > at)
		at = entry->protection_time;
	for (uint64_t i = events_oldest(r); i < r->next; i++) {
		const struct verdict_event *e = events_at(r, i);

		if (e->name_len == v->name_len && e->time > at &&
			memcmp(e->name, v->name, v->name_len) == 0)
			at = e->time;
	}
	return at;
}

static bool is_flagged(const struct snapshot *s, const struct verdict_event *e)
{
	for (unsigned i = 0; i < s->verdicts; i++)
		if (s->verdict[i].name_len == e->name_len &&
			memcmp(s->verdict[i].name, e->name, e->name_len) == 0)
			return true;
	return false;
}

/* Is there a later event of the same name? */
static bool is_last(const struct event_ring *r, uint64_t at)
{
	const struct verdict_event *one = events_at(r, at);

	while (++at < r->next) {
		const struct verdict_event *e = events_at(r, at);

		if (e->name_len == one->name_len && memcmp(e->name, one->name, e->name_len) == 0)
			return false;
	}
	return true;
}

const struct verdict_event *export_gone(const struct snapshot *s, uint64_t at)
{
	const struct verdict_event *e = events_at(&s->events, at);

	if ((e->kind != EVENT_CLEARED && e->kind != EVENT_EXPIRED) ||
		s->time > e->time + REVOKED_SECONDS || is_flagged(s, e) || !is_last(&s->events, at))
		return NULL;
	return e;
}

static char *stream_text(FILE *out, char **text)
{
	if (fclose(out) == 0)
		return *text;
	free(*text);
	return NULL;
}

/* One cell and what separates it from the next. */
static void cell(FILE *out, const char *text, const char *then)
{
	bool formula = text[0] && strchr("=+-@\t\r", text[0]);

	fprintf(out, "\"%s", formula ? "'" : "");
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	fprintf(out, "\"%s", then);
}

static void csv_line(FILE *out, const struct export_source *from, const struct verdict *v)
{
	const struct features *f = &v->features;
	const char *protected = export_protected(from, v);
	char text[DNS_TEXT_MAX];
	const uint32_t times[] = {v->first_flagged, v->first_seen, v->last_seen};

	dns_name_text(v->name, v->name_len, text, sizeof(text));
	cell(out, text, ",");
	cell(out, flux_class_name(v->class), ",");
	fprintf(out, "%s,%.3f,%.3f,", v->suspected ? "true" : "false", v->score, v->confidence);
	for (unsigned i = 0; i < 3; i++) {
		char time[RFC3339_MAX];

		rfc3339_seconds(times[i], time);
		cell(out, time, ",");
	}
	cell(out, flux_window_name(v->window), ",");
	fprintf(out, "%.0f,%.0f,%.0f,%.0f,", f->addresses, f->networks, f->countries,
		f->own_addresses);
	cell(out, protected ? protected : "", ",");
	text[0] = '\0';
	for (unsigned i = 0; i < v->reasons; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			v->reason[i].code);
	cell(out, text, "\r\n");
}

char *export_csv(const struct export_source *from, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	fputs("domain,class,suspected,score,confidence,first_flagged,first_seen,last_seen,window,"
	      "addresses,networks,countries,own_addresses,protected,reasons\r\n",
		out);
	for (unsigned i = 0; i < from->snapshot->verdicts; i++)
		csv_line(out, from, &from->snapshot->verdict[i]);
	return stream_text(out, &text);
}

/* Hours of the last day in which it was answered; it was answered once at least. */
static unsigned hours_of(const struct domain_item *item)
{
	unsigned n = 0;

	for (uint32_t bits = item->hours; bits; bits &= bits - 1)
		n++;
	return n ? n : 1;
}

static int cof_line(FILE *out, const struct export_source *from, const char *name,
	const struct domain_item *item)
{
	char address[ADDRESS_TEXT_MAX];

	if (!address_is_v4(item->unit))
		return 0;
	address_text(item->unit, address);
	json_t *line = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", //
		"rrname", name,                                         //
		"rrtype", "A",                                          //
		"rdata", address,                                       //
		"time_first", value_count(item->first),                 //
		"time_last", value_count(item->last),                   //
		"count", value_count(hours_of(item)),                   //
		"sensor_id", export_octets(from->sensor));
	int rc = line ? json_dumpf(line, out, JSON_COMPACT) : -1;

	json_decref(line);
	putc('\n', out);
	return rc;
}

char *export_cof(const struct export_source *from, size_t *len)
{
	char *text = NULL, name[DNS_TEXT_MAX];
	FILE *out = open_memstream(&text, len);
	int bad = 0;

	if (!out)
		return NULL;
	for (unsigned i = 0; i < from->snapshot->verdicts; i++) {
		const struct verdict *v = &from->snapshot->verdict[i];

		dns_name_text(v->name, v->name_len, name, sizeof(name));
		for (unsigned k = 0; k < v->samples; k++)
			bad |= cof_line(out, from, name, &v->sample[k]);
	}
	text = stream_text(out, &text);
	if (bad) {
		free(text);
		text = NULL;
	}
	return text;
}
