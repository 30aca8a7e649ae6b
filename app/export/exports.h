/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What is flagged, in the forms that other programs read. All are made from one snapshot and,
 * where there is one, the blocking gate's picture (NULL: nothing is known to be protected).
 *
 * A domain's content moves only with an event of its verdict, or a change of its protection, so
 * that who polls sees no change where there is none; but for the CSV and COF, which hold
 * measurements. The caller frees what is returned; NULL when out of memory.
 */

#include <stddef.h>

#include "control/snapshot.h"
#include "export/rpz.h"
#include "export/uuid.h"

struct export_source {
	const struct snapshot *snapshot;
	const struct rpz_picture *picture; /* or NULL */
	const char *sensor;                /* its name; any octets */
};

/* RFC 4180 with a header; a cell that a spreadsheet takes for a formula gets a ' in front. */
char *export_csv(const struct export_source *from, size_t *len);

/*
 * Passive DNS, Common Output Format (draft-dulaunoy-dnsop-passive-dns-cof): a JSON object a
 * line. IPv4 only: of an IPv6 address the sensor keeps the /64.
 */
char *export_cof(const struct export_source *from, size_t *len);

/*
 * A STIX 2.1 bundle: an identity, and an indicator a domain. One that was cleared is there as
 * revoked for REVOKED_SECONDS, as long as the events that raised and cleared it are held.
 */
#define REVOKED_SECONDS 604800u
char *export_stix(const struct export_source *from, size_t *len);

/*
 * A MISP feed: its one event, the manifest that names it, and the hashes of its values. Who reads
 * it keeps what is in the event no more: one that was cleared is there as deleted, as long as in
 * STIX, but the event that raised it need not be held.
 */
char *export_misp_event(const struct export_source *from, size_t *len);
char *export_misp_manifest(const struct export_source *from, size_t *len);
char *export_misp_hashes(const struct export_source *from, size_t *len);
void export_misp_uuid(const struct export_source *from, char uuid[UUID_TEXT_MAX]);

/*
 * Parts that several share: what protects a domain, or NULL; and when its content last moved.
 * One that the gate has not looked at yet may be protected, and counts as such; its content moves
 * when the gate has.
 */
#define EXPORT_UNJUDGED "unjudged"
const char *export_protected(const struct export_source *from, const struct verdict *v);
uint32_t export_modified(const struct export_source *from, const struct verdict *v);

/*
 * A held event by which a domain went, for REVOKED_SECONDS and until it is flagged anew; NULL if
 * it is none.
 */
const struct verdict_event *export_gone(const struct snapshot *s, uint64_t at);
