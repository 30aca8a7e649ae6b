/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Acknowledgements: who has seen which verdict. One is for a verdict and ends with it: when
 * the domain is cleared and flagged again, nobody has. Management threads only.
 */

#include "detect/detect.h"
#include "export/notes.h"

struct acks;

/* "": in memory only. As notes_open. */
int acks_open(struct acks **out, const char *path, char err[ERROR_LINE_MAX]);
void acks_close(struct acks *a); /* nobody may be reading; NULL is allowed */

/* Counts changes, from a number of the start; 0 of NULL. */
uint32_t acks_generation(const struct acks *a);

/*
 * Puts down who has seen the verdict, in the place of who had before. As notes_add; when
 * there is no room the oldest goes.
 */
int acks_put(struct acks *a, const struct dns_name *name, const struct note *note);

/* Of this very verdict; false: nobody has. */
bool acks_find(const struct acks *a, const struct verdict *v, struct note *out);
