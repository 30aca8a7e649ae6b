/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Reader of the public suffix list's text form
 * (https://github.com/publicsuffix/list/wiki/Format).
 */

#include <stddef.h>

#include "dns/dns.h"
#include "psl/psl.h"

/* Bits, because one suffix may carry several rules. */
enum psl_kind {
	PSL_PLAIN = 1,
	PSL_WILDCARD = 2,  /* "*.name": every child of the name */
	PSL_EXCEPTION = 4, /* "!name": not a suffix, although the parent's wildcard says so */
};

struct psl_rule {
	struct dns_name name; /* without '*' and '!', in A-labels; the root for the rule "*" */
	enum psl_kind kind;
	unsigned line; /* 1-based */
};

struct psl_list {
	const char *at, *end;
	unsigned line; /* lines read */
};

/*
 * Reads up to and with the next rule. Returns 1 with *rule, 0 at the end of the
 * text, -1 with *err on a line that is no UTF-8, holds a NUL or no valid rule.
 */
int psl_list_next(struct psl_list *list, struct psl_rule *rule, struct psl_error *err);

/*
 * A name as people's lists write it, with U-labels or A-labels, a dot at the end or none:
 * lower-case (A-Z only) wire form in A-labels. NULL, or what is wrong with it (static).
 */
const char *psl_list_name(const char *text, size_t len, struct dns_name *name);
