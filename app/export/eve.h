/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Events for other programs: one JSON line each in the manner of Suricata's EVE, or one
 * syslog message after RFC 5424. Both are made from the object of export_event_detail, so
 * that what is pushed, kept and asked for says the same. Shapes: docs/schema/eve.json.
 */

#include <stddef.h>

#include <jansson.h>

#include "control/snapshot.h"

#define EXPORT_HOST_MAX 256u

/* Addresses of a verdict that an event carries. */
#define EXPORT_EVENT_SAMPLE 16u

/* The verdicts of a snapshot in order of their names. */
struct verdict_index {
	const struct verdict **verdict;
	unsigned n;
};

/* 0 or -ENOMEM; good as long as the reference to the snapshot is held. */
int verdict_index_make(struct verdict_index *x, const struct snapshot *s);
void verdict_index_free(struct verdict_index *x);

/* The verdict that an event is of, or NULL when it went. */
const struct verdict *verdict_index_find(
	const struct verdict_index *x, const struct verdict_event *e);

/* This machine's name, printable ASCII without spaces; "-" when it has none. */
void export_host(char host[EXPORT_HOST_MAX]);

/* The line's object. NULL when out of memory. */
json_t *export_eve(const json_t *event, const char *host);

/* The events that a snapshot holds, a line each; as export_text. */
char *export_eve_lines(const struct snapshot *s, const char *host, size_t *len);

/* Compact text of a tree, ended by `end`; as export_text. */
char *export_line(json_t *tree, const char *end, size_t *len);

/*
 * An event as one message without a frame around it, from process `pid`; PRI is facility
 * daemon and a severity by the event. As export_text.
 */
char *export_syslog(const json_t *event, const char *host, int pid, size_t *len);
