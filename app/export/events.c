/* SPDX-License-Identifier: BSD-3-Clause */

/* JSON of events. */

#include <errno.h>

#include "dns/dns.h"
#include "export/json.h"
#include "export/value.h"

json_t *export_event(const struct verdict_event *e)
{
	char name[DNS_TEXT_MAX];

	dns_name_text(e->name, e->name_len, name, sizeof(name));
	return json_pack("{s:o, s:o, s:s, s:s, s:s, s:b, s:o, s:s}", //
		"sequence", value_count(e->sequence),                //
		"time", value_seconds(e->time),                      //
		"event", event_kind_name((enum event_kind)e->kind),  //
		"domain", name,                                      //
		"class", flux_class_name((enum flux_class)e->class), //
		"suspected", (int)e->suspected,                      //
		"score", value_real(e->score),                       //
		"window", flux_window_name((enum flux_window)e->window));
}

json_t *export_snapshot_event(const struct snapshot *s)
{
	return json_pack("{s:i, s:o, s:o, s:o}",          //
		"schema_version", EXPORT_SCHEMA_VERSION,  //
		"generation", value_count(s->generation), //
		"time", value_seconds(s->time),           //
		"flagged", value_count(s->verdicts));
}

/* To have seen nothing is to have missed nothing as long as all events are held. */
uint64_t export_events_start(const struct event_ring *r, const struct events_query *q)
{
	uint64_t oldest = events_oldest(r);

	if (!q->since_given || (q->since == 0 && oldest == r->first))
		return oldest;
	return q->since + 1 >= oldest && q->since < r->next ? q->since + 1 : 0;
}

int export_events(const struct snapshot *s, const struct events_query *q, json_t **out)
{
	const struct event_ring *r = &s->events;
	uint64_t at = export_events_start(r, q), oldest = events_oldest(r);
	json_t *list;

	if (at == 0)
		return -ESTALE;
	list = json_array();
	for (unsigned n = 0; at < r->next && n < q->limit && list; n++, at++)
		list = value_whole(
			list, json_array_append_new(list, export_event(events_at(r, at))));
	*out = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",                 //
		"schema_version", EXPORT_SCHEMA_VERSION,                             //
		"generation", value_count(s->generation),                            //
		"time", value_seconds(s->time),                                      //
		"oldest", oldest < r->next ? value_count(oldest) : json_null(),      //
		"newest", oldest < r->next ? value_count(r->next - 1) : json_null(), //
		"limit", value_count(q->limit),                                      //
		"events", list,                                                      //
		"next_since", value_count(at - 1));
	return *out ? 0 : -ENOMEM;
}
