/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "detect/events.h"

void events_init(struct event_ring *r, uint64_t first)
{
	r->first = r->next = first;
}

void events_add(struct event_ring *r, enum event_kind kind, const struct verdict *v, uint32_t now)
{
	struct verdict_event *e = &r->event[r->next % EVENTS_MAX];

	*e = (struct verdict_event){
		.sequence = r->next++,
		.score = v->score,
		.time = now,
		.kind = (uint8_t)kind,
		.class = (uint8_t)v->class,
		.window = (uint8_t)v->window,
		.suspected = v->suspected,
		.name_len = v->name_len,
	};
	memcpy(e->name, v->name, v->name_len);
}

void events_copy(struct event_ring *out, const struct event_ring *r)
{
	out->first = r->first;
	out->next = r->next;
	/* Most of the time few are held: what is not need not be touched. */
	for (uint64_t i = events_oldest(r); i < r->next; i++)
		out->event[i % EVENTS_MAX] = *events_at(r, i);
}

const char *event_kind_name(enum event_kind k)
{
	static const char *const names[EVENT_KIND_COUNT] = {
#define X(name, text) [name] = text,
		EVENT_KINDS(X)
#undef X
	};
	return names[k];
}
