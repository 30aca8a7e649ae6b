/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* A list of the API that comes in pages with cursors. */

#include "answer.h"

struct listing {
	const char *path;
	const char *member;                                      /* the array of a page */
	bool all;                                                /* whether or not --all says so */
	int (*render)(const struct out *o, const json_t *array); /* 0 or -ENOMEM */
};

/*
 * One page as the options say, or with --all every page of one state of the list,
 * from the beginning again when it changed meanwhile; as a table or, page by page,
 * as the sensor's own JSON. An enum ctl_exit.
 */
int listing_run(struct ctl *ctl, const struct listing *l);
