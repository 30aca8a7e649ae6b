/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The lists that a configuration gives: of names detect.popular, a file, and
 * detect.infrastructure; of networks networks.eyeballs, a file; of what others know for bad
 * import.files (networks/imports.h). Immutable once loaded.
 */

#include "cli/exit.h"
#include "config/config.h"
#include "detect/lists.h"

struct lists;

/*
 * The first file has a domain a line, or a rank, a comma and a domain; the second an AS number,
 * with anything behind a blank or comma. '#' begins a comment line. Lines that are neither are left
 * out, and told in one line of the log. 0; or -errno, one line in err and *out NULL.
 */
int lists_load(struct lists **out, const struct config *c, const struct psl *psl,
	char err[ERROR_LINE_MAX]);

/* The lists of names alone, without networks and imports; as above. */
int lists_load_names(struct lists **out, const struct config *c, const struct psl *psl,
	char err[ERROR_LINE_MAX]);

/* A list of popular names alone, of a file that the configuration's `key` names; as above. */
int lists_load_popular(struct lists **out, const char *key, const char *path, const struct psl *psl,
	char err[ERROR_LINE_MAX]);
void lists_free(struct lists *l); /* NULL is allowed */

/* Valid until lists_free. */
const struct name_lists *lists_names(const struct lists *l);
