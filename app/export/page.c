/* SPDX-License-Identifier: BSD-3-Clause */

/* Flagged domains in pages: filters, order and cursors. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "dns/dns.h"
#include "export/marks.h"
#include "export/json.h"
#include "export/value.h"

void domains_query_init(struct domains_query *q)
{
	*q = (struct domains_query){
		.class = -1,
		.window = -1,
		.suspected = -1,
		.own = -1,
		.sort = DOMAINS_BY_SCORE,
		.limit = EXPORT_LIMIT_DEFAULT,
	};
}

const char *domains_sort_name(enum domains_sort sort)
{
	static const char *const names[] = {
		[DOMAINS_BY_SCORE] = "score",
		[DOMAINS_BY_FIRST_SEEN] = "first_seen",
		[DOMAINS_BY_LAST_SEEN] = "last_seen",
		[DOMAINS_BY_ADDRESSES] = "addresses",
	};
	return names[sort];
}

/* Names of verdicts are in lower case, and so is what is looked for. */
static bool name_admitted(const char *wanted, const struct verdict *v)
{
	char name[DNS_TEXT_MAX];

	dns_name_text(v->name, v->name_len, name, sizeof(name));
	if (wanted[0] != '*')
		return strstr(name, wanted) != NULL;
	size_t len = strlen(name), suffix = strlen(wanted) - 1;
	return len >= suffix && memcmp(name + len - suffix, wanted + 1, suffix) == 0;
}

static bool query_admits(const struct domains_query *q, const struct verdict *v)
{
	return (q->class < 0 || q->class == (int)v->class) &&
	       (q->window < 0 || q->window == (int)v->window) &&
	       (q->suspected < 0 || q->suspected == (int)v->suspected) &&
	       (q->own < 0 || q->own == (v->features.own_addresses > 0)) &&
	       (q->campaign == 0 || q->campaign == v->campaign.id) &&
	       v->score * 1000 >= q->min_score && (!q->name[0] || name_admitted(q->name, v));
}

/* What was admitted, with what it is ordered by. */
struct match {
	uint32_t index; /* in the snapshot, which is by score */
	double key;     /* the larger, the sooner */
};

static double match_key(enum domains_sort sort, const struct verdict *v)
{
	switch (sort) {
	case DOMAINS_BY_FIRST_SEEN:
		return v->first_seen;
	case DOMAINS_BY_LAST_SEEN:
		return v->last_seen;
	case DOMAINS_BY_ADDRESSES:
		return v->features.addresses;
	default:
		return 0;
	}
}

static int match_compare(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* All that are admitted, in the order that is asked for. The caller frees *out. */
static int matches_find(const struct snapshot *s, const struct domains_query *q, struct match **out,
	unsigned *count)
{
	struct match *match = malloc((s->verdicts + 1) * sizeof(*match));
	unsigned n = 0;

	if (!match)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->verdicts; i++) {
		const struct verdict *v = &s->verdict[i];
		if (query_admits(q, v))
			match[n++] = (struct match){i, match_key(q->sort, v)};
	}
	if (q->sort != DOMAINS_BY_SCORE)
		qsort(match, n, sizeof(*match), match_compare);
	*out = match;
	*count = n;
	return 0;
}

/*
 * A cursor is which match the next page starts with and what it belongs to, five words in
 * hexadecimal. The time tells generations of two runs of the program apart.
 */
#define CURSOR_WORDS 5u
#define CURSOR_LEN (8 * CURSOR_WORDS)

struct cursor {
	uint32_t generation;
	uint32_t time;
	uint64_t question; /* all that decides which domains come in which order */
	uint32_t match;
};

/* The limit is none of it: pages may be of different sizes. */
static uint64_t query_question(const struct domains_query *q)
{
	static const struct hash_key key = {0x13198a2e03707344u, 0xa4093822299f31d0u};
	char text[sizeof(q->name) + 128];
	int n = snprintf(text, sizeof(text), "%d %d %d %d %d %" PRIu32 " %" PRIx64 " %s", q->class,
		q->window, q->suspected, q->own, (int)q->sort, q->min_score, q->campaign, q->name);

	return hash_bytes(text, (size_t)n, key);
}

static json_t *cursor_json(const struct cursor *c)
{
	return json_sprintf("%08x%08x%08x%08x%08x", c->generation, c->time,
		(uint32_t)(c->question >> 32), (uint32_t)c->question, c->match);
}

static bool cursor_parse(const char *text, struct cursor *c)
{
	uint32_t word[CURSOR_WORDS];

	if (strlen(text) != CURSOR_LEN || strspn(text, "0123456789abcdef") != CURSOR_LEN)
		return false;
	for (unsigned i = 0; i < CURSOR_WORDS; i++) {
		char digits[9] = {0};

		memcpy(digits, text + 8 * i, 8);
		word[i] = (uint32_t)strtoul(digits, NULL, 16);
	}
	*c = (struct cursor){word[0], word[1], (uint64_t)word[2] << 32 | word[3], word[4]};
	return true;
}

/* The match that the page starts with, or -errno. */
static int64_t query_start(const struct snapshot *s, const struct domains_query *q)
{
	struct cursor c;

	if (!q->cursor)
		return 0;
	if (!cursor_parse(q->cursor, &c) || c.question != query_question(q))
		return -EINVAL;
	if (c.generation != s->generation || c.time != s->time)
		return -ESTALE;
	return c.match <= s->verdicts ? (int64_t)c.match : -EINVAL;
}

static int domain_append(json_t *list, const struct marks *marks, const struct verdict *v)
{
	json_t *domain = export_domain(v);

	if (marks && domain)
		domain = value_whole(domain, marks_put(marks, domain, v));
	return json_array_append_new(list, domain);
}

int export_domains(const struct snapshot *s, const struct domains_query *q, json_t **out)
{
	int64_t start = query_start(s, q);
	struct match *match = NULL;
	unsigned count = 0;

	if (start < 0)
		return (int)start;
	int rc = matches_find(s, q, &match, &count);
	if (rc)
		return rc;
	json_t *list = json_array();
	unsigned i = (unsigned)start;
	for (; i < count && i - (unsigned)start < q->limit && list; i++)
		list = value_whole(
			list, domain_append(list, q->marks, &s->verdict[match[i].index]));
	free(match);
	struct cursor next = {s->generation, s->time, query_question(q), i};
	*out = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"schema_version", EXPORT_SCHEMA_VERSION,             //
		"generation", value_count(s->generation),            //
		"time", value_seconds(s->time),                      //
		"flagged", value_count(s->verdicts),                 //
		"matched", value_count(count),                       //
		"limit", value_count(q->limit),                      //
		"domains", list,                                     //
		"next_cursor", i < count ? cursor_json(&next) : json_null());
	return *out ? 0 : -ENOMEM;
}
