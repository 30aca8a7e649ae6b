/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What `top` shows: two looks at a sensor, and what happened between them. */

#include "answer.h"

struct sample {
	json_t *status, *stats, *domains;
};

/* The latest look, and the one of another snapshot before it; whose trees are NULL at first. */
struct looks {
	struct sample now, before;
	bool fresh; /* `now` is of another snapshot than the look before */
};

/* 51234 -> "51.2k"; NAN -> "-". */
const char *si_print(double n, char text[NUMBER_MAX]);

/* Looks once more; an enum ctl_exit. `domains`: at most so many. */
int looks_take(struct ctl *ctl, struct looks *l, unsigned domains);
void looks_free(struct looks *l);

/* The whole picture in at most so many lines; 0: as many as there are. 0 or -ENOMEM. */
int render_top(const struct out *o, const struct looks *l, unsigned rows);
