/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What others know for bad: domains and addresses from files (import.files). As evidence
 * only: lib/detect names it among the reasons, and convicts nobody by it.
 *
 * A file is, by its content,
 *
 *   a STIX 2.1 bundle   a JSON object: indicators whose pattern is one comparison of
 *                       domain-name:value, ipv4-addr:value or ipv6-addr:value, or several
 *                       joined by OR; not revoked, and valid now
 *   an RPZ zone         has an SOA record: QNAME and address triggers that do not pass through
 *   a plain list        a domain or an address a line; in the form of /etc/hosts, too
 *
 * A domain counts where it is a registered domain, with "*." or "www." before it or without:
 * a host below somebody's domain says nothing of that. An address is one IPv4 address or one
 * IPv6 /64 at most, and none of special purpose.
 */

#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"
#include "config/config.h"
#include "detect/lists.h"

/* Of each kind, over all files. */
#define IMPORT_ENTRIES_MAX (1u << 20)
#define IMPORT_OCTETS_MAX (64u << 20) /* of one file */

/* One file as it is read. */
struct import {
	struct name_lists *lists; /* what is taken goes to known and known_units, malloc'ed */
	const struct psl *psl;
	const char *format; /* for the log */
	int64_t now;        /* seconds since 1970 */
	unsigned domains, addresses;
	unsigned left;   /* entries that were left out, ... */
	unsigned first;  /* ... the line or object of the first of them, from 1, ... */
	const char *why; /* ... and why (static) */
	int error;       /* -ENOMEM, or 0 */
};

/*
 * Reads the configuration's files and seals the lists; made by getrandom, the key of
 * `known` is the caller's. 0; or -errno and one line in err. What was taken is the caller's
 * to free in both cases.
 */
int imports_load(struct name_lists *lists, const struct config *c, const struct psl *psl,
	char err[ERROR_LINE_MAX]);

/* For the readers of a format: NULL, or why it was not taken (static). */
const char *import_domain(struct import *i, const char *text, size_t len);
const char *import_address(struct import *i, const char *text, size_t len);

/* Counts what was left out, at a line or object. why NULL: nothing was. */
void import_left(struct import *i, unsigned at, const char *why);

/* The readers. 0, or why the whole file is none of this format (static). */
const char *import_stix(struct import *i, const char *text, size_t len);
const char *import_rpz(struct import *i, const char *text, size_t len);
