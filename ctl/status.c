/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "answer.h"
#include "render.h"
#include "table.h"

const char *duration_print(double seconds, char text[NUMBER_MAX])
{
	if (!isfinite(seconds) || seconds < 0 || seconds > 1e12) {
		strcpy(text, "-");
		return text;
	}
	uint64_t s = (uint64_t)seconds;

	if (s >= 86400)
		snprintf(text, NUMBER_MAX, "%" PRIu64 "d%02uh", s / 86400,
			(unsigned)(s / 3600 % 24));
	else if (s >= 3600)
		snprintf(text, NUMBER_MAX, "%uh%02um", (unsigned)(s / 3600),
			(unsigned)(s / 60 % 60));
	else
		snprintf(text, NUMBER_MAX, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	return text;
}

static void line(const struct out *o, const char *head, const char *text)
{
	char lead[16];

	snprintf(lead, sizeof(lead), "%-12s", head);
	out_paragraph(o, STYLE_PLAIN, lead, text);
}

void render_conditions(const struct out *o, const json_t *status)
{
	const json_t *condition;
	size_t i;

	json_array_foreach(member(status, "conditions"), i, condition)
	{
		out_print(o, STYLE_WARN, "%-12s", i ? "" : "degraded");
		out_print(o, STYLE_WARN, "%s", member_text(condition, "name"));
		out_print(o, STYLE_PLAIN, " since %s\n", member_text(condition, "since"));
		out_paragraph(o, STYLE_PLAIN, "            ", member_text(condition, "remedy"));
	}
}

static enum style state_style(const char *state)
{
	return strcmp(state, "running") == 0 || strcmp(state, "ended") == 0 ? STYLE_PLAIN
	       : strcmp(state, "late") == 0                                 ? STYLE_WARN
									    : STYLE_BAD;
}

static int render_workers(const struct out *o, const json_t *status)
{
	static const struct column columns[] = {{"WORKER", true}, {"LCORE", true}, {"STATE", false},
		{"BEHIND", true}, {"SINCE", false}};
	const json_t *workers = member(status, "workers"), *w;
	struct table *t = json_array_size(workers) ? table_new(columns, 5) : NULL;
	char n[NUMBER_MAX];
	size_t i;

	if (!json_array_size(workers))
		return 0;
	json_array_foreach(workers, i, w)
	{
		const char *state = member_text(w, "state");

		table_cell(t, STYLE_PLAIN, "%s", member_print(w, "worker", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(w, "lcore", 0, n));
		table_cell(t, state_style(state), "%s", state);
		table_cell(t, STYLE_PLAIN, "%s", member_print(w, "epochs_behind", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(w, "since"));
	}
	fputc('\n', o->to);
	return table_end(t, o);
}

double port_lost(const json_t *port)
{
	static const char *const terms[] = {"missed", "errors", "no_mbuf", "spreader_dropped"};
	double lost = 0;

	for (size_t i = 0; i < sizeof(terms) / sizeof(*terms); i++) {
		double n = member_number(port, terms[i]);

		lost += isfinite(n) ? n : 0;
	}
	return lost;
}

const char *share_print(double share, char text[NUMBER_MAX])
{
	snprintf(text, NUMBER_MAX,
		!isfinite(share)              ? "-"
		: share > 0 && share < 0.0001 ? "<0.01 %%"
					      : "%.2f %%",
		share * 100);
	return text;
}

static int render_ports(const struct out *o, const json_t *status)
{
	static const struct column columns[] = {{"PORT", false}, {"LINK", false},
		{"RECEIVED", true}, {"LOST", true}, {"UNKNOWN", true}, {"LOSS", true}};
	const json_t *ports = member(status, "ports"), *p;
	struct table *t = json_array_size(ports) ? table_new(columns, 6) : NULL;
	char n[NUMBER_MAX];
	size_t i;

	if (!json_array_size(ports))
		return 0;
	json_array_foreach(ports, i, p)
	{
		const char *link = member_text(p, "link");
		double loss = member_number(p, "loss_rate");

		table_cell(t, STYLE_PLAIN, "%s", member_text(p, "name"));
		table_cell(t, strcmp(link, "down") == 0 ? STYLE_BAD : STYLE_PLAIN, "%s", link);
		table_cell(t, STYLE_PLAIN, "%s", member_print(p, "received", 0, n));
		table_cell(t, STYLE_PLAIN, "%.0f", port_lost(p));
		table_cell(t, STYLE_PLAIN, "%s", member_print(p, "unknown", 0, n));
		table_cell(t, loss > 0 ? STYLE_BAD : STYLE_PLAIN, "%s", share_print(loss, n));
	}
	fputc('\n', o->to);
	return table_end(t, o);
}

int render_status(const struct out *o, const json_t *s)
{
	char text[512], n[NUMBER_MAX];
	const char *vantage = member_text(s, "vantage");

	snprintf(text, sizeof(text), "%s, %s, %s", member_text(s, "version"),
		member_text(s, "dpdk"), member_text(s, "mode"));
	line(o, "fluxgate", text);
	if (strcmp(vantage, "-") != 0)
		line(o, "vantage", vantage);
	snprintf(text, sizeof(text), "%s, since %s",
		duration_print(member_number(s, "uptime_seconds"), n), member_text(s, "started"));
	line(o, "up", text);
	bool ready = json_is_true(member(s, "ready"));
	fprintf(o->to, "%-12s", "ready");
	out_print(o, ready ? STYLE_GOOD : STYLE_BAD, ready ? "yes" : "no");
	fprintf(o->to, ready ? ", as of %s\n" : ": the first epoch is not in\n",
		member_text(s, "time"));
	render_conditions(o, s);
	double error = member_number(s, "accounting_error");
	if (isfinite(error)) {
		fprintf(o->to, "%-12s", "accounting");
		out_print(o, error > 0 ? STYLE_BAD : STYLE_PLAIN, "error %.0f\n", error);
	}
	if (member(s, "pairing.direction")) {
		snprintf(text, sizeof(text), "%s, %s of the responses have their query",
			member_text(s, "pairing.direction"),
			share_print(member_number(s, "pairing.paired_share"), n));
		line(o, "directions", text);
	}
	const char *reload = member_text(s, "config.last_error");
	if (strcmp(reload, "-") != 0) {
		line(o, "reload", "refused, what was before goes on:");
		line(o, "", reload);
	}
	const json_t *key;
	size_t i;
	json_array_foreach(member(s, "config.needs_restart"), i, key)
	{
		line(o, i ? "" : "restart for",
			json_string_value(key) ? json_string_value(key) : "-");
	}
	line(o, "flagged", member_print(s, "flagged", 0, n));
	int rc = render_workers(o, s);
	return rc ? rc : render_ports(o, s);
}

int command_status(struct ctl *ctl)
{
	struct path p;
	json_t *tree = NULL;

	path_start(&p, "/api/v1/status");
	bool raw = ctl->options.value[OPTION_JSON];
	int rc = raw ? answer_raw_tree(ctl, &p, &tree) : answer_get(ctl, &p, &tree);
	if (rc == CTL_OK && !raw && render_status(&ctl->out, tree))
		rc = ctl_no_memory(ctl);
	if (rc == CTL_OK && !json_is_true(member(tree, "ready")))
		rc = CTL_NOT_READY;
	else if (rc == CTL_OK && (json_array_size(member(tree, "degraded")) ||
					 json_is_string(member(tree, "config.last_error"))))
		rc = CTL_DEGRADED;
	json_decref(tree);
	return rc;
}
