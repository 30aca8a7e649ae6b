/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The text of /metrics (Prometheus exposition format 0.0.4). Label values are
 * reasons, classes, lcores, ports and routes; never a domain name.
 */

#include <stddef.h>
#include <stdint.h>

#include "control/snapshot.h"
#include "export/json.h"
#include "export/requests.h"
#include "export/rpz.h"

#define PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* What is told beside a snapshot; each may be NULL. */
struct prometheus_sources {
	const struct request_counts *requests;
	const struct rpz_picture *blocking;
};

/*
 * s may be NULL: then only what is known of the program itself. `started` in
 * seconds since 1970. NULL when out of memory; else *len octets that the caller
 * frees with free().
 */
char *prometheus_text(const struct about *about, const struct snapshot *s, uint32_t started,
	const struct prometheus_sources *sources, size_t *len);
