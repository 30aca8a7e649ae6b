/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include "listing.h"

#define PAGE "1000"
#define PAGES_MAX 1000u
#define ALL_MAX (4 * ANSWER_MAX)
#define TRIES 5u
#define LIST_GONE (-1)

/* Pages of one state of the list, as the sensor sent them. */
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

/* The page after the one of *tree, which it takes the place of; its items join `all`. */
static int page_get(
	struct ctl *ctl, const struct listing *l, struct pages *pages, json_t *all, json_t **tree)
{
	const char *cursor = json_string_value(member(*tree, "next_cursor"));
	struct response *r = &pages->page[pages->n];
	struct path p;

	path_start(&p, l->path);
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
	if (r->status == 410 && r->problem)
		return LIST_GONE;
	rc = answer_of(ctl, &p, r, tree);
	if (rc)
		return rc;
	if (json_array_extend(all, (json_t *)(uintptr_t)member(*tree, l->member)))
		return ctl_fail(ctl, CTL_SERVER, "%s: %s: an answer without %s: is that a sensor?",
			client_where(ctl->client), l->path, l->member);
	pages->octets += r->len;
	if (pages->n < PAGES_MAX && pages->octets <= ALL_MAX)
		return CTL_OK;
	return ctl_fail(ctl, CTL_SERVER,
		"%s: more than %u pages or %u MiB: narrow it down by filters", l->path, PAGES_MAX,
		ALL_MAX >> 20);
}

static int pages_get(struct ctl *ctl, const struct listing *l, struct pages *pages, json_t *all)
{
	json_t *tree = NULL;
	int rc;

	do {
		rc = page_get(ctl, l, pages, all, &tree);
	} while (rc == CTL_OK && json_is_string(member(tree, "next_cursor")));
	json_decref(tree);
	return rc;
}

static int list_all(struct ctl *ctl, const struct listing *l, struct pages *pages, json_t *all)
{
	int rc = LIST_GONE;

	for (unsigned i = 0; i < TRIES && rc == LIST_GONE; i++) {
		pages_free(pages);
		json_array_clear(all);
		rc = pages_get(ctl, l, pages, all);
	}
	if (rc == LIST_GONE)
		return ctl_fail(ctl, CTL_NOT_READY,
			"%s: it changes faster than it is read: narrow it down by filters",
			l->path);
	for (unsigned i = 0; rc == CTL_OK && ctl->options.value[OPTION_JSON] && i < pages->n; i++)
		rc = answer_print(ctl, &pages->page[i]);
	if (rc == CTL_OK && !ctl->options.value[OPTION_JSON] && l->render(&ctl->out, all))
		rc = ctl_no_memory(ctl);
	return rc;
}

static int list_page(struct ctl *ctl, const struct listing *l)
{
	struct path p;
	json_t *tree;

	path_start(&p, l->path);
	path_options(&p, &ctl->options);
	if (ctl->options.value[OPTION_JSON])
		return answer_raw(ctl, &p);
	int rc = answer_get(ctl, &p, &tree);
	if (rc)
		return rc;
	if (l->render(&ctl->out, member(tree, l->member)))
		rc = ctl_no_memory(ctl);
	else if (json_is_string(member(tree, "next_cursor")))
		fprintf(stderr, "fluxgatectl: there is more: --all, or --cursor %s\n",
			member_text(tree, "next_cursor"));
	json_decref(tree);
	return rc;
}

int listing_run(struct ctl *ctl, const struct listing *l)
{
	if (!l->all && !ctl->options.value[OPTION_ALL])
		return list_page(ctl, l);
	struct pages *pages = calloc(1, sizeof(*pages));
	json_t *all = json_array();
	int rc = pages && all ? list_all(ctl, l, pages, all) : ctl_no_memory(ctl);

	if (pages)
		pages_free(pages);
	free(pages);
	json_decref(all);
	return rc;
}
