/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* fluxgate replay --explain NAME: why a name is flagged, and why not. */

#include <stdio.h>

#include "control/control.h"
#include "export/json.h"

#define EXPLAIN_NAMES_MAX 32u

struct explain_names {
	unsigned n;
	struct dns_name name[EXPLAIN_NAMES_MAX];
};

/* Takes a name in presentation form. 0, -EINVAL: it is none, or -ENOSPC: too many. */
int explain_names_add(struct explain_names *names, const char *text);

/* Explains each on standard output in words. 0 or -ENOMEM. */
int explain_print(FILE *to, const struct control *c, const struct explain_names *names);

/* The same as a list of JSON; NULL when there are no names, or out of memory. */
json_t *explain_json(const struct control *c, const struct explain_names *names);
