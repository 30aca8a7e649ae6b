/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "render.h"
#include "table.h"

#define PAGE "1000"
#define PAGES_MAX 1000u
#define ALL_MAX (4 * ANSWER_MAX)
#define TRIES 5u
#define SNAPSHOT_GONE (-1)

static enum style score_style(const json_t *domain)
{
	if (json_is_true(member(domain, "allowed")))
		return STYLE_DIM;
	return json_is_true(member(domain, "suspected")) ? STYLE_WARN : STYLE_BAD;
}

int render_domains(const struct out *o, const json_t *domains)
{
	static const struct column columns[] = {{"DOMAIN", false}, {"CLASS", false},
		{"SCORE", true}, {"WINDOW", true}, {"ADDRS", true}, {"NETS", true}, {"CC", true},
		{"OWN", true}, {"FLAGGED SINCE", false}, {"", false}};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *d;
	char n[NUMBER_MAX];
	size_t i;

	json_array_foreach(domains, i, d)
	{
		enum style style = score_style(d);

		table_cell(t, style, "%s", member_text(d, "domain"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "class"));
		table_cell(t, style, "%s", member_print(d, "score", 1, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "window"));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "addresses", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "networks", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "countries", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "own_addresses", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "first_flagged"));
		table_cell(t, style, "%s",
			json_is_true(member(d, "allowed"))     ? "allowed"
			: json_is_true(member(d, "suspected")) ? "suspected"
							       : "");
	}
	return table_end(t, o);
}

/* Pages of one snapshot, as the sensor sent them. */
struct pages {
	struct response page[PAGES_MAX];
	unsigned n;
	size_t octets;
};

static void pages_free(struct pages *pages)
{
	for (unsigned i = 0; i < pages->n; i++)
		free(pages->page[i].body);
	pages->n = 0;
	pages->octets = 0;
}

/* The page after `cursor`; its domains join `all`. Its own cursor is kept in *tree. */
static int page_get(struct ctl *ctl, struct pages *pages, json_t *all, json_t **tree)
{
	const char *cursor = json_string_value(member(*tree, "next_cursor"));
	struct response *r = &pages->page[pages->n];
	struct path p;

	path_start(&p, "/api/v1/domains");
	path_options(&p, &ctl->options);
	if (!ctl->options.value[OPTION_LIMIT])
		path_param(&p, "limit", PAGE);
	if (cursor)
		path_param(&p, "cursor", cursor);
	json_decref(*tree);
	*tree = NULL;
	int rc = client_ask(ctl, "GET", &p, NULL, r);
	if (r->body)
		pages->n++;
	if (rc)
		return rc;
	if (r->status != 200)
		return r->status == 410 ? SNAPSHOT_GONE : answer_refused(ctl, &p, r);
	*tree = answer_clean(r->body, r->len);
	if (json_array_extend(all, (json_t *)(uintptr_t)member(*tree, "domains")))
		return ctl_fail(ctl, CTL_SERVER, "%s: that are no domains: is that a sensor?",
			client_where(ctl->client));
	pages->octets += r->len;
	if (pages->n < PAGES_MAX && pages->octets <= ALL_MAX)
		return CTL_OK;
	return ctl_fail(ctl, CTL_SERVER,
		"--all: more than %u pages or %u MiB: narrow it down, such "
		"as by --min-score",
		PAGES_MAX, ALL_MAX >> 20);
}

static int pages_get(struct ctl *ctl, struct pages *pages, json_t *all)
{
	json_t *tree = NULL;
	int rc;

	do {
		rc = page_get(ctl, pages, all, &tree);
	} while (rc == CTL_OK && json_is_string(member(tree, "next_cursor")));
	json_decref(tree);
	return rc;
}

/* A snapshot lives for an epoch or so: whoever reads slower than that begins again. */
static int domains_all(struct ctl *ctl, struct pages *pages, json_t *all)
{
	int rc = SNAPSHOT_GONE;

	for (unsigned i = 0; i < TRIES && rc == SNAPSHOT_GONE; i++) {
		pages_free(pages);
		json_array_clear(all);
		rc = pages_get(ctl, pages, all);
	}
	if (rc == SNAPSHOT_GONE)
		return ctl_fail(ctl, CTL_NOT_READY,
			"--all: snapshots go faster than they are read: narrow it down, such as by "
			"--min-score");
	for (unsigned i = 0; rc == CTL_OK && ctl->options.value[OPTION_JSON] && i < pages->n; i++)
		rc = answer_print(ctl, &pages->page[i]);
	if (rc == CTL_OK && !ctl->options.value[OPTION_JSON] && render_domains(&ctl->out, all))
		rc = ctl_no_memory(ctl);
	return rc;
}

static int domains_page(struct ctl *ctl)
{
	struct path p;
	json_t *tree;
	char n[NUMBER_MAX];

	path_start(&p, "/api/v1/domains");
	path_options(&p, &ctl->options);
	if (ctl->options.value[OPTION_JSON])
		return answer_raw(ctl, &p);
	int rc = answer_get(ctl, &p, &tree);
	if (rc)
		return rc;
	const json_t *domains = member(tree, "domains");
	if (render_domains(&ctl->out, domains))
		rc = ctl_no_memory(ctl);
	else if (json_is_string(member(tree, "next_cursor")))
		fprintf(stderr, "%zu of %s: the rest is --all, or --cursor %s\n",
			json_array_size(domains), member_print(tree, "matched", 0, n),
			member_text(tree, "next_cursor"));
	json_decref(tree);
	return rc;
}

int command_domains(struct ctl *ctl)
{
	if (!ctl->options.value[OPTION_ALL])
		return domains_page(ctl);
	struct pages *pages = calloc(1, sizeof(*pages));
	json_t *all = json_array();
	int rc = pages && all ? domains_all(ctl, pages, all) : ctl_no_memory(ctl);

	if (pages)
		pages_free(pages);
	free(pages);
	json_decref(all);
	return rc;
}
