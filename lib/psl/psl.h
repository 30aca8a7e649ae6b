/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Registered domain by the public suffix list (publicsuffix.org, "Algorithm"),
 * private section included: a name under github.io is its owner's, not
 * GitHub's.
 *
 * The list is compiled once, at start, into a hash table of suffixes walked
 * from the right: a node is a suffix that is a rule or on the way to one, so a
 * lookup stops at the first suffix that is not in the table. Immutable
 * afterwards and shared by all lcores.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/dns.h"

struct psl;

/* Where and why a list was refused. */
struct psl_error {
	unsigned line;    /* 1-based; 0 when the list as a whole is meant */
	const char *what; /* static text */
};

/* Octets that psl_init needs for this list text. O(len). */
size_t psl_size(const char *text, size_t len);

/*
 * Compiles the list in `text` (the file as distributed: UTF-8, rules, '!'
 * exceptions, '*' wildcards, // comments; IDN rules are converted to their
 * A-labels) into `mem` (64-octet aligned, psl_size octets, owned by the caller).
 * NULL and *err on a malformed list or one without rules.
 */
struct psl *psl_init(void *mem, size_t size, const char *text, size_t len, struct psl_error *err);

/* Number of rules compiled. */
unsigned psl_rules(const struct psl *psl);

/* Identity of the compiled rules: the same for the same list on any machine. */
uint64_t psl_fingerprint(const struct psl *psl);

/*
 * Index of the label at which the registered domain of `name` begins, so that
 * name->wire + name->label[i] is its wire form, or -1 when the name is itself a
 * public suffix or the root (it then has no registered domain). An unlisted
 * top-level name counts as a suffix (the list's default rule '*').
 * O(labels of the longest matching rule); <= 40 cycles for common names.
 */
int psl_registered(const struct psl *psl, const struct dns_name *name);

/*
 * Does a rule name `name`, or something below it? Under "amazonaws.com", which is registered,
 * lie public suffixes: what is done to all below it is done to theirs. O(labels).
 */
bool psl_above(const struct psl *psl, const struct dns_name *name);
