/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * From an address to its autonomous system and country, by files in the MaxMind
 * DB format. Keys of GeoLite2, DB-IP, IPinfo and iptoasn are understood, in
 * either file: a file that holds both serves alone. The files are mapped, not
 * read: replace them by renaming a new one over them, never in place.
 *
 * Immutable once opened; look-ups may run on any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "cli/exit.h"
#include "networks/own.h"
#include "store/store.h"

enum network_database { NETWORK_ASN, NETWORK_COUNTRY, NETWORK_DATABASES };

/* What a status says of one file. Texts live as long as the struct networks. */
struct network_description {
	const char *path;    /* "" when there is none; the others are 0 then */
	const char *type;    /* as its maker calls it, made printable */
	uint64_t built;      /* seconds since 1970 */
	unsigned ip_version; /* 4: it knows no IPv6 addresses */
	bool asn;            /* it has autonomous systems */
	bool country;        /* it has countries */
};

struct networks;

/*
 * Opens both files; "" stands for none. 0, or -errno and one line in err: a file
 * cannot be read, is no MaxMind DB, or holds nothing of what it is named for.
 * *out is NULL then.
 */
int networks_open(struct networks **out, const char *asn_db, const char *country_db,
	char err[ERROR_LINE_MAX]);
/* Whose subscribers' addresses are the operator's own; none until it is said. Before a look-up. */
void networks_own(struct networks *n, const struct own_ranges *own);

void networks_close(struct networks *n); /* NULL is allowed */

/*
 * The look-up that lib/store takes, valid until networks_close. An unknown
 * address gives 0; a damaged record does too.
 */
struct net_lookup networks_lookup(const struct networks *n);

void networks_describe(
	const struct networks *n, enum network_database which, struct network_description *out);
