/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * HTTP requests by route and status. Any thread counts, any thread reads; routes
 * are fixed before the first request. A route is a path of ours, never what a
 * client sent: labels stay few.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define REQUEST_ROUTES_MAX 64u
#define REQUEST_CODES 21u

struct request_route {
	const char *path; /* static */
	bool prefix;      /* a name follows it */
	_Atomic uint64_t count[REQUEST_CODES];
};

/* Zeroed: no routes. The last place counts what went to none of them. */
struct request_counts {
	unsigned routes;
	struct request_route route[REQUEST_ROUTES_MAX + 1];
};

/* One more route; routes beyond REQUEST_ROUTES_MAX are counted as none. */
void request_route_add(struct request_counts *c, const char *path, bool prefix);

/* A request to the route that was added as number `route`; UINT_MAX: to none. */
void request_count(struct request_counts *c, unsigned route, unsigned status);

/* Lines of /metrics. */
void request_text(FILE *f, const struct request_counts *c);
