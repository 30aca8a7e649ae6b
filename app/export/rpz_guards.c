/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/table.h"
#include "export/rpz_guards.h"
#include "networks/lists.h"
#include "psl/list.h"

struct rpz_guards {
	const struct psl *psl;
	struct lists *popular; /* with detect.infrastructure */
	struct lists *top;     /* or NULL */
	unsigned zone_octets;
	unsigned own_zones;
	struct dns_name own_zone[CONFIG_OWN_ZONES_MAX];
};

static int names_take(struct rpz_guards *g, const struct config *c, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = "export.rpz", .err = err};
	struct dns_name zone;
	const char *why = psl_list_name(c->rpz.zone, strlen(c->rpz.zone), &zone);

	if (why)
		return config_refuse(&src, "", "zone: \"%.100s\": %s", c->rpz.zone, why);
	g->zone_octets = zone.len;
	for (; g->own_zones < c->rpz.own_zones_count; g->own_zones++) {
		const char *text = c->rpz.own_zones[g->own_zones];

		why = psl_list_name(text, strlen(text), &g->own_zone[g->own_zones]);
		if (why)
			return config_refuse(&src, "", "own_zones: \"%.100s\": %s", text, why);
	}
	return 0;
}

int rpz_guards_load(struct rpz_guards **out, const struct config *c, const struct psl *psl,
	char err[ERROR_LINE_MAX])
{
	struct rpz_guards *g = calloc(1, sizeof(*g));
	int rc;

	*out = NULL;
	if (!g) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory");
		return -ENOMEM;
	}
	g->psl = psl;
	rc = names_take(g, c, err);
	if (rc == 0)
		rc = lists_load_names(&g->popular, c, psl, err);
	if (rc == 0 && c->rpz.top_list[0])
		rc = lists_load_popular(&g->top, "export.rpz.top_list", c->rpz.top_list, psl, err);
	if (rc < 0)
		rpz_guards_free(g);
	else
		*out = g;
	return rc;
}

void rpz_guards_free(struct rpz_guards *g)
{
	if (!g)
		return;
	lists_free(g->popular);
	lists_free(g->top);
	free(g);
}

struct gate_guards rpz_guards_names(const struct rpz_guards *g)
{
	return (struct gate_guards){
		.psl = g->psl,
		.top = {lists_names(g->popular), g->top ? lists_names(g->top) : NULL},
		.own_zones = g->own_zones,
		.own_zone = g->own_zone,
		.zone_octets = g->zone_octets,
	};
}
