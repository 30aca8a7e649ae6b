/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * JSON of what a snapshot holds: the answers of the HTTP interface and the
 * object that a replay prints. Shapes: docs/api.md and docs/schema/.
 *
 * A function returns a new reference, or NULL when out of memory. Keys stand in
 * a fixed order, reals are rounded to three decimals, times are RFC 3339 in UTC;
 * so the same data gives the same octets through export_text.
 */

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "control/snapshot.h"
#include "detect/explain.h"

#define EXPORT_SCHEMA_VERSION 1

#define EXPORT_LIMIT_DEFAULT 100u
#define EXPORT_LIMIT_MAX 1000u

/* What the program says of itself. Strings are owned by the caller and outlive their users. */
struct about {
	const char *version;                /* of fluxgate */
	const char *dpdk;                   /* of the DPDK it runs on */
	const char *mode;                   /* "live" or "replay" */
	const char *vantage;                /* where it listens, in the operator's words */
	_Atomic uint32_t config_generation; /* counts configurations in force, from 1; any thread */
};

/* What a replay read. */
struct replay_capture {
	const char *const *files; /* as given on the command line, in this order; any octets */
	unsigned count;
	unsigned cut; /* files that ended in the middle of a packet */
	uint64_t packets;
	uint64_t first_ns; /* time of the first and last packet since 1970; 0: no packet */
	uint64_t last_ns;
};

/*
 * How it ran. With the snapshot's merge times this is the only part of a replay's object that
 * may differ from run to run.
 */
struct run_facts {
	unsigned workers;
	double seconds;
	uint64_t packets;
	const char *host; /* name of the machine; any octets */
};

/* Largest, or newest, first; equal ones by score. */
enum domains_sort {
	DOMAINS_BY_SCORE,
	DOMAINS_BY_FIRST_SEEN,
	DOMAINS_BY_LAST_SEEN,
	DOMAINS_BY_ADDRESSES,
	DOMAINS_SORT_COUNT
};

const char *domains_sort_name(enum domains_sort sort);

struct marks;

/* Which flagged domains are asked for; domains_query_init admits all. */
struct domains_query {
	int class;          /* enum flux_class, or -1 */
	int window;         /* enum flux_window, or -1 */
	int suspected;      /* 0, 1, or -1 */
	int own;            /* has addresses of own subscribers: 0, 1, or -1 */
	uint32_t min_score; /* thousandths, 0..100000 */
	uint64_t campaign;  /* its id, or 0 */
	enum domains_sort sort;
	uint32_t limit;            /* 1..EXPORT_LIMIT_MAX */
	const char *cursor;        /* next_cursor of the page before, or NULL */
	const struct marks *marks; /* NULL: nobody said anything */
	char name[256];            /* lower case, part of a name; behind a '*' its end; "": any */
};

void domains_query_init(struct domains_query *q);

/* The accounting tree: every counter of the snapshot at its place. */
json_t *export_accounting(const struct snapshot *s);

/* One flagged domain; what the operator said of it is for marks_put (export/marks.h). */
json_t *export_domain(const struct verdict *v);

/* The same as an answer of its own, with all features of its window. */
json_t *export_domain_detail(const struct snapshot *s, const struct verdict *v);

/* Its parts, which explanations have too: all features by name, and an address with its times. */
json_t *export_features(const struct features *f);
json_t *export_probability(double p); /* of a model; null below 0 */
json_t *export_address(const struct domain_item *item);

/* Why `name`, as it was asked for, is flagged or not. */
json_t *export_explanation(const struct dns_name *name, const struct explanation *e);

/*
 * One page of the flagged domains, best first. A cursor is good for the
 * snapshot, the filters and the order that it was made with.
 * 0, -EINVAL (no cursor of ours, or of other filters), -ESTALE (another
 * snapshot hangs there now) or -ENOMEM; *out is set on 0 only.
 */
int export_domains(const struct snapshot *s, const struct domains_query *q, json_t **out);

/* Which events are asked for; without `since` from the oldest on that is held. */
struct events_query {
	bool since_given;
	uint64_t since; /* those after this one */
	uint32_t limit; /* 1..EXPORT_LIMIT_MAX */
};

/* One event, as the list of them has it. */
json_t *export_event(const struct verdict_event *e);

/*
 * The same with confidence, counts, reasons and a sample of addresses of the verdict, as far as
 * there is one; v is NULL where it went.
 */
json_t *export_event_detail(const struct verdict_event *e, const struct verdict *v);

/*
 * Events in order, with what to ask for next. 0, -ESTALE (events after `since` are gone, or
 * it is not of this run) or -ENOMEM; *out is set on 0 only.
 */
int export_events(const struct snapshot *s, const struct events_query *q, json_t **out);

/* Sequence where the answer to q starts; 0 where export_events says -ESTALE. */
uint64_t export_events_start(const struct event_ring *r, const struct events_query *q);

/* Data of a stream's other kind of record: that a snapshot was published. */
json_t *export_snapshot_event(const struct snapshot *s);

json_t *export_stats(const struct snapshot *s);

/* s may be NULL: nothing published yet. `started` in seconds since 1970, `uptime` in seconds. */
json_t *export_status(
	const struct about *about, const struct snapshot *s, uint32_t started, uint64_t uptime);

/* A problem after RFC 9457; `title` is the status in words, `detail` says what to do. */
json_t *export_problem(unsigned status, const char *title, const char *detail);

/*
 * The one object of `fluxgate replay --json`. `explained` is a list of explanations, taken
 * over, or NULL when none was asked for.
 */
json_t *export_replay(const struct snapshot *s, const struct replay_capture *capture,
	const struct run_facts *run, json_t *explained);

/*
 * Text of a tree, two spaces a level, with a newline at its end; *len octets.
 * Takes the reference over, also when it is NULL. NULL when out of memory;
 * else the caller calls free().
 */
char *export_text(json_t *tree, size_t *len);

/* A JSON string of any octets: what is not UTF-8 is written \DDD, as in names. */
json_t *export_octets(const char *text);
