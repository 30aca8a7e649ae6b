/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The names that a configuration protects from being blocked; immutable once loaded. */

#include "cli/exit.h"
#include "config/config.h"
#include "export/gate.h"

struct rpz_guards;

/* Reads the lists of names. 0; or -errno, one line in err and *out NULL. */
int rpz_guards_load(struct rpz_guards **out, const struct config *c, const struct psl *psl,
	char err[ERROR_LINE_MAX]);
void rpz_guards_free(struct rpz_guards *g); /* NULL is allowed */

/* As the gate takes them, without the allow-list. Valid until rpz_guards_free. */
struct gate_guards rpz_guards_names(const struct rpz_guards *g);
