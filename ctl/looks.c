/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

const char *si_print(double n, char text[NUMBER_MAX])
{
	static const char units[] = " kMGT";
	unsigned unit = 0;

	if (!isfinite(n) || n < 0 || n > 1e15) {
		strcpy(text, "-");
		return text;
	}
	/* 999.95k would be printed as 1000.0k */
	while (n >= (unit ? 999.95 : 999.5) && units[unit + 1]) {
		n /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(text, NUMBER_MAX, n > 0 && n < 10 && n != floor(n) ? "%.1f" : "%.0f", n);
	else
		snprintf(text, NUMBER_MAX, "%.1f%c", n, units[unit]);
	return text;
}

static void sample_free(struct sample *s)
{
	json_decref(s->status);
	json_decref(s->stats);
	json_decref(s->domains);
	*s = (struct sample){0};
}

void looks_free(struct looks *l)
{
	sample_free(&l->now);
	sample_free(&l->before);
}

static int get(struct ctl *ctl, const char *route, unsigned limit, json_t **tree)
{
	struct path p;
	char text[16];

	path_start(&p, route);
	if (limit) {
		snprintf(text, sizeof(text), "%u", limit);
		path_param(&p, "limit", text);
	}
	return answer_get(ctl, &p, tree);
}

static bool is_same(const json_t *a, const json_t *b, const char *name)
{
	return a && b && json_equal(member(a, name), member(b, name));
}

/* Of a sensor that was started anew counters begin at 0: nothing to subtract from. */
int looks_take(struct ctl *ctl, struct looks *l, unsigned domains)
{
	struct sample s = {0};
	int rc = get(ctl, "/api/v1/stats", 0, &s.stats);

	if (rc == CTL_OK)
		rc = get(ctl, "/api/v1/status", 0, &s.status);
	if (rc == CTL_OK)
		rc = get(ctl, "/api/v1/domains", domains, &s.domains);
	if (rc) {
		sample_free(&s);
		return rc;
	}
	bool same_run = is_same(s.status, l->now.status, "started");

	l->fresh = !(same_run && is_same(s.stats, l->now.stats, "generation"));
	if (!same_run)
		sample_free(&l->before);
	if (l->fresh && same_run) {
		sample_free(&l->before);
		l->before = l->now;
	} else {
		sample_free(&l->now);
	}
	l->now = s;
	return CTL_OK;
}
