/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The public suffix list from its file, compiled; immutable and shared by all lcores. */

#include "cli/exit.h"
#include "psl/psl.h"

struct suffix_list;

/* 0; or -errno, one line in err and *out NULL. */
int suffix_list_load(struct suffix_list **out, const char *path, char err[ERROR_LINE_MAX]);
void suffix_list_free(struct suffix_list *s); /* NULL is allowed */

/* Valid until suffix_list_free; NULL of NULL. */
const struct psl *suffix_list_psl(const struct suffix_list *s);
