/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render.h"
#include "table.h"
#include "top.h"

#define CONDITIONS_SHOWN 3u
#define PORTS_SHOWN 4u
#define DOMAINS_LEAST 4u

static double time_of(const json_t *tree, const char *name)
{
	struct tm tm = {0};
	const char *end = strptime(member_text(tree, name), "%Y-%m-%dT%H:%M:%S", &tm);

	return end && *end == 'Z' ? (double)timegm(&tm) : (double)NAN;
}

/* Sum of all numbers below a member. */
static double sum(const json_t *value)
{
	const char *key;
	json_t *item;
	double n = 0;

	if (json_is_number(value))
		return json_number_value(value);
	json_object_foreach((json_t *)(uintptr_t)value, key, item)
	{
		n += sum(item);
	}
	return n;
}

/* What came a second between the two looks; NAN where there is no earlier one. */
static double rate(const struct looks *l, double now, double before)
{
	double seconds = time_of(l->now.stats, "time") - time_of(l->before.stats, "time");

	return seconds > 0 && now >= before ? (now - before) / seconds : (double)NAN;
}

static double stats_rate(const struct looks *l, const char *name)
{
	const json_t *before = member(l->before.stats, name);

	return before ? rate(l, sum(member(l->now.stats, name)), sum(before)) : (double)NAN;
}

static void head_lines(const struct out *o, const struct looks *l)
{
	const json_t *s = l->now.status;
	char n[4][NUMBER_MAX];
	double error = member_number(s, "accounting_error");

	bool degraded = json_array_size(member(s, "degraded")) > 0;
	out_print(o, STYLE_HEAD, "fluxgate %s", member_text(s, "version"));
	fprintf(o->to, "  %s  ", member_text(s, "mode"));
	out_print(o, degraded ? STYLE_WARN : STYLE_GOOD, "%s", degraded ? "DEGRADED" : "well");
	fprintf(o->to, "  up %s  %s  epoch %s\n",
		duration_print(member_number(s, "uptime_seconds"), n[0]), member_text(s, "time"),
		member_print(l->now.stats, "epoch", 0, n[1]));
	/* 80 columns with the longest numbers. */
	fprintf(o->to, "%s frames/s  %s queries/s  %s responses/s  %s paired  ",
		si_print(stats_rate(l, "accounting.rx.received"), n[0]),
		si_print(stats_rate(l, "accounting.dns.queries"), n[1]),
		si_print(stats_rate(l, "accounting.dns.responses"), n[2]),
		share_print(member_number(s, "pairing.paired_share"), n[3]));
	out_print(o, error > 0 ? STYLE_BAD : STYLE_PLAIN, "error %s\n",
		member_print(s, "accounting_error", 0, n[0]));
}

static unsigned condition_lines(const struct out *o, const struct looks *l)
{
	const json_t *conditions = member(l->now.status, "conditions"), *c;
	unsigned count = (unsigned)json_array_size(conditions), lines = 0;
	size_t i;

	json_array_foreach(conditions, i, c)
	{
		if (lines == CONDITIONS_SHOWN)
			break;
		lines++;
		if (lines == CONDITIONS_SHOWN && count > CONDITIONS_SHOWN) {
			fprintf(o->to, "and %u more: fluxgatectl status\n", count - lines + 1);
			break;
		}
		out_print(o, STYLE_WARN, "%s", member_text(c, "name"));
		fprintf(o->to, " since %s: %s\n", member_text(c, "since"),
			member_text(c, "remedy"));
	}
	return lines;
}

static const json_t *item(const json_t *tree, const char *name, size_t i)
{
	return json_array_get(member(tree, name), i);
}

/* At most so many lines, the heads and what is left out among them. */
static int port_lines(const struct out *o, const struct looks *l, unsigned most, unsigned *lines)
{
	static const struct column columns[] = {{"PORT", false}, {"LINK", false},
		{"FRAMES/s", true}, {"LOST/s", true}, {"LOSS", true}, {"LOST SINCE START", true}};
	size_t count = json_array_size(member(l->now.status, "ports"));
	struct table *t = count ? table_new(columns, 6) : NULL;
	char n[NUMBER_MAX];

	for (size_t i = 0; i < count && i + 1 < most; i++) {
		const json_t *p = item(l->now.status, "ports", i);
		const json_t *b = item(l->before.status, "ports", i);
		double loss = member_number(p, "loss_rate");
		bool down = strcmp(member_text(p, "link"), "down") == 0;

		table_cell(t, STYLE_PLAIN, "%s", member_text(p, "name"));
		table_cell(t, down ? STYLE_BAD : STYLE_PLAIN, "%s", member_text(p, "link"));
		table_cell(t, STYLE_PLAIN, "%s",
			si_print(
				rate(l, member_number(p, "received"), member_number(b, "received")),
				n));
		table_cell(t, STYLE_PLAIN, "%s",
			si_print(b ? rate(l, port_lost(p), port_lost(b)) : (double)NAN, n));
		table_cell(t, loss > 0 ? STYLE_BAD : STYLE_PLAIN, "%s", share_print(loss, n));
		table_cell(t, port_lost(p) > 0 ? STYLE_WARN : STYLE_PLAIN, "%.0f", port_lost(p));
		*lines += i ? 1 : 2;
	}
	return count ? table_end(t, o) : 0;
}

static int worker_lines(const struct out *o, const struct looks *l, unsigned most, unsigned *lines)
{
	static const struct column columns[] = {{"WORKER", true}, {"LCORE", true}, {"STATE", false},
		{"FRAMES/s", true}, {"RESPONSES/s", true}, {"BEHIND", true}};
	size_t count = json_array_size(member(l->now.status, "workers")), shown = 0;
	struct table *t = count ? table_new(columns, 6) : NULL;
	char n[NUMBER_MAX];

	for (; shown < count && shown + 1 < most; shown++) {
		const json_t *w = item(l->now.status, "workers", shown);
		const json_t *s = item(l->now.stats, "workers", shown);
		const json_t *b = item(l->before.stats, "workers", shown);
		const char *state = member_text(w, "state");
		bool well = strcmp(state, "running") == 0 || strcmp(state, "ended") == 0;

		table_cell(t, STYLE_PLAIN, "%s", member_print(w, "worker", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(w, "lcore", 0, n));
		table_cell(t, well ? STYLE_PLAIN : STYLE_BAD, "%s", state);
		table_cell(t, STYLE_PLAIN, "%s",
			si_print(rate(l, member_number(s, "frames"), member_number(b, "frames")),
				n));
		table_cell(t, STYLE_PLAIN, "%s",
			si_print(rate(l, member_number(s, "responses"),
					 member_number(b, "responses")),
				n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(w, "epochs_behind", 0, n));
		*lines += shown ? 1 : 2;
	}
	int rc = count ? table_end(t, o) : 0;
	if (shown < count) {
		fprintf(o->to, "and %zu more workers\n", count - shown);
		*lines += 1;
	}
	return rc;
}

/* The name last: what does not fit is cut there, and nothing else moves. */
static int domain_lines(const struct out *o, const struct looks *l, unsigned most)
{
	static const struct column columns[] = {{"SCORE", true}, {"CLASS", false}, {"", false},
		{"ADDRS", true}, {"NETS", true}, {"CC", true}, {"SINCE", true}, {"DOMAIN", false}};
	struct table *t = table_new(columns, 8);
	double now = time_of(l->now.domains, "time");
	char n[NUMBER_MAX];
	const json_t *d;
	size_t i;

	out_print(o, STYLE_HEAD, "%s flagged\n", member_print(l->now.domains, "flagged", 0, n));
	json_array_foreach(member(l->now.domains, "domains"), i, d)
	{
		bool suspected = json_is_true(member(d, "suspected"));
		bool allowed = json_is_true(member(d, "allowed"));
		enum style style = allowed ? STYLE_DIM : suspected ? STYLE_WARN : STYLE_BAD;

		if (i + 2 >= most)
			break;
		table_cell(t, style, "%s", member_print(d, "score", 1, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "class"));
		table_cell(t, style, "%s", allowed ? "allowed" : suspected ? "suspected" : "");
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "addresses", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "networks", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "countries", 0, n));
		table_cell(
			t, STYLE_PLAIN, "%s", duration_print(now - time_of(d, "first_flagged"), n));
		table_cell(t, style, "%s", member_text(d, "domain"));
	}
	return table_end(t, o);
}

int render_top(const struct out *o, const struct looks *l, unsigned rows)
{
	unsigned lines = 2, all = rows ? rows : 10000;
	int rc;

	head_lines(o, l);
	lines += condition_lines(o, l);
	rc = port_lines(o, l, PORTS_SHOWN + 1, &lines);
	/* A third of the screen, but domains need some of it, too. */
	unsigned workers = all / 3 > 3 ? all / 3 : 3;
	if (lines + workers + 2 + DOMAINS_LEAST > all)
		workers = 3;
	rc |= worker_lines(o, l, workers, &lines);
	if (lines + 3 <= all)
		rc |= domain_lines(o, l, all - lines);
	return rc ? -ENOMEM : 0;
}
