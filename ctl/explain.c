/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "render.h"
#include "table.h"

#define SAMPLE_SHOWN 8u

static void head(const struct out *o, const char *text)
{
	fputc('\n', o->to);
	out_print(o, STYLE_HEAD, "%s", text);
	fputc('\n', o->to);
}

static int render_sample(const struct out *o, const json_t *sample)
{
	static const struct column columns[] = {{"ADDRESS", false}, {"AS", true}, {"CC", false},
		{"FIRST SEEN", false}, {"LAST SEEN", false}, {"", false}};
	size_t count = json_array_size(sample), i;
	struct table *t = count ? table_new(columns, 6) : NULL;
	char n[NUMBER_MAX];
	const json_t *a;

	if (!count)
		return 0;
	json_array_foreach(sample, i, a)
	{
		if (i == SAMPLE_SHOWN)
			break;
		const char *grade = member_text(a, "grade");

		table_cell(t, STYLE_PLAIN, "%s", member_text(a, "address"));
		table_cell(t, STYLE_PLAIN, "%s", member_print(a, "asn", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(a, "country"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(a, "first_seen"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(a, "last_seen"));
		table_cell(t, STYLE_WARN, "%s%s",
			json_is_true(member(a, "own")) ? "own subscriber " : "",
			strcmp(grade, "-") == 0 || strcmp(grade, "paired") == 0 ? "" : grade);
	}
	head(o, "Addresses");
	int rc = table_end(t, o);
	if (count > SAMPLE_SHOWN)
		out_print(o, STYLE_DIM, "and %zu more in --json\n", count - SAMPLE_SHOWN);
	return rc;
}

static void render_verdict(const struct out *o, const json_t *v)
{
	char n[NUMBER_MAX], m[NUMBER_MAX];

	out_print(o, STYLE_BAD, "%s%s", member_text(v, "class"),
		json_is_true(member(v, "suspected")) ? " (suspected)" : "");
	fprintf(o->to, ", score %s, confidence %s, over %s, flagged since %s\n",
		member_print(v, "score", 1, n), member_print(v, "confidence", 2, m),
		member_text(v, "window"), member_text(v, "first_flagged"));
	fprintf(o->to, "seen from %s to %s\n", member_text(v, "first_seen"),
		member_text(v, "last_seen"));
	if (json_is_object(member(v, "campaign")))
		fprintf(o->to, "campaign %s of %s flagged domain(s)\n",
			member_text(v, "campaign.id"), member_print(v, "campaign.domains", 0, n));
	if (member_number(v, "own_addresses") > 0)
		out_print(o, STYLE_WARN, "%s address(es) of own subscribers\n",
			member_print(v, "own_addresses", 0, n));
	if (json_is_object(member(v, "acknowledged")))
		fprintf(o->to, "acknowledged by %s at %s: %s\n", member_text(v, "acknowledged.who"),
			member_text(v, "acknowledged.when"), member_text(v, "acknowledged.note"));
	if (json_is_true(member(v, "allowed")))
		out_print(o, STYLE_WARN, "allowed: never in what blocks\n");
}

static void render_reasons(const struct out *o, const json_t *v)
{
	const json_t *reason;
	size_t i;

	head(o, "Why");
	json_array_foreach(member(v, "reasons"), i, reason)
	{
		out_paragraph(o, STYLE_PLAIN, "  - ", member_text(reason, "text"));
	}
}

int render_domain(const struct out *o, const json_t *d)
{
	out_print(o, STYLE_HEAD, "%s\n", member_text(d, "domain"));
	render_verdict(o, d);
	render_reasons(o, d);
	return render_sample(o, member(d, "sample"));
}

static const json_t *clause_find(const json_t *window, const char *code)
{
	const json_t *clause;
	size_t i;

	json_array_foreach(member(window, "clauses"), i, clause)
	{
		if (strcmp(member_text(clause, "code"), code) == 0)
			return clause;
	}
	return NULL;
}

/* "0 addresses serve both (at least 2): short by 2", below what lacks it. */
static void render_lack(const struct out *o, const json_t *window, const char *code)
{
	const json_t *clause = clause_find(window, code);
	double by = member_number(clause, "short_by");
	char text[1024], n[NUMBER_MAX] = "";

	if (isfinite(by))
		snprintf(n, sizeof(n), fabs(by) < 1000 ? ": fails by %.3g" : ": fails by %.0f", by);
	snprintf(text, sizeof(text), "%s%s", clause ? member_text(clause, "text") : code, n);
	out_paragraph(o, STYLE_WARN, "    - ", text);
}

static void render_way(const struct out *o, const json_t *window, const json_t *way)
{
	const json_t *code;
	size_t i;

	fprintf(o->to, "  for %s%s it lacks\n", member_text(way, "class"),
		json_is_true(member(way, "suspected")) ? " (suspected)" : "");
	json_array_foreach(member(way, "lacks"), i, code)
	{
		render_lack(o, window, json_string_value(code) ? json_string_value(code) : "-");
	}
}

static void render_window(const struct out *o, const json_t *w)
{
	const json_t *item;
	size_t i, held = 0, clauses = json_array_size(member(w, "clauses"));
	char title[128];

	json_array_foreach(member(w, "clauses"), i, item)
	{
		held += json_is_true(member(item, "holds"));
	}
	snprintf(title, sizeof(title), "Over %.8s: %.40s%s, %zu of %zu conditions hold",
		member_text(w, "window"),
		json_is_string(member(w, "class")) ? member_text(w, "class") : "no rule is met",
		json_is_true(member(w, "suspected")) ? " (suspected)" : "", held, clauses);
	head(o, title);
	/* What lacks least stands first. */
	size_t ways = json_array_size(member(w, "ways"));
	if (ways)
		render_way(o, w, json_array_get(member(w, "ways"), 0));
	if (ways > 1)
		out_print(o, STYLE_DIM, "  and %zu other ways, no nearer: --json\n", ways - 1);
	if (ways)
		return;
	json_array_foreach(member(w, "clauses"), i, item)
	{
		if (json_is_true(member(item, "counts")))
			out_paragraph(o, STYLE_PLAIN, "  - ", member_text(item, "text"));
	}
}

static void render_knowledge(const struct out *o, const json_t *e)
{
	const char *tier = member_text(e, "tier");
	char n[NUMBER_MAX], m[NUMBER_MAX];

	fprintf(o->to, "known as %s, seen from %s to %s%s\n", tier, member_text(e, "first_seen"),
		member_text(e, "last_seen"), strcmp(tier, "doorkeeper") == 0 ? ", to the day" : "");
	if (json_is_string(member(e, "listed")))
		fprintf(o->to, "on the list detect.%s\n", member_text(e, "listed"));
	if (json_is_object(member(e, "evidence")))
		fprintf(o->to, "%s address(es)%s, %s response(s)\n",
			member_print(e, "evidence.addresses", 0, n),
			json_is_true(member(e, "evidence.more")) ? " kept of more" : "",
			member_print(e, "evidence.responses", 0, m));
	if (json_is_object(member(e, "hysteresis")))
		fprintf(o->to, "a rule was met in %s evaluation(s) in a row; %s raise a verdict\n",
			member_print(e, "hysteresis.streak", 0, n),
			member_print(e, "hysteresis.raised_at", 0, m));
}

int render_explain(const struct out *o, const json_t *e)
{
	const json_t *verdict = member(e, "verdict"), *w;
	const char *name = member_text(e, "name"), *domain = member_text(e, "domain");
	size_t i;

	out_print(o, STYLE_HEAD, "%s", strcmp(domain, "-") == 0 ? name : domain);
	fprintf(o->to,
		strcmp(name, domain) == 0 || strcmp(domain, "-") == 0 ? "\n"
								      : ", of which %s is a name\n",
		name);
	out_paragraph(o, json_is_true(member(e, "flagged")) ? STYLE_BAD : STYLE_GOOD, "",
		member_text(e, "text"));
	render_knowledge(o, e);
	if (json_is_object(verdict)) {
		fputc('\n', o->to);
		render_verdict(o, verdict);
		render_reasons(o, verdict);
	} else {
		json_array_foreach(member(e, "windows"), i, w)
		{
			render_window(o, w);
		}
	}
	return render_sample(o, member(e, "sample"));
}

static int one(
	struct ctl *ctl, const char *route, int (*render)(const struct out *o, const json_t *tree))
{
	struct path p;
	json_t *tree;

	path_start(&p, route);
	path_segment(&p, ctl->options.argument[0]);
	if (ctl->options.value[OPTION_JSON])
		return answer_raw(ctl, &p);
	int rc = answer_get(ctl, &p, &tree);
	if (rc == CTL_OK && render(&ctl->out, tree))
		rc = ctl_no_memory(ctl);
	json_decref(tree);
	return rc;
}

int command_domain(struct ctl *ctl)
{
	return one(ctl, "/api/v1/domains", render_domain);
}

int command_explain(struct ctl *ctl)
{
	return one(ctl, "/api/v1/explain", render_explain);
}
