/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>

#include "export/exposition.h"
#include "export/requests.h"

/* The first is told also while it is 0; the last stands for any other. */
static const uint16_t codes[REQUEST_CODES] = {200, 201, 204, 304, 400, 401, 403, 404, 405, 408, 409,
	410, 413, 415, 421, 429, 431, 500, 503, 507, 0};

void request_route_add(struct request_counts *c, const char *path, bool prefix)
{
	if (c->routes == REQUEST_ROUTES_MAX)
		return;
	c->route[c->routes].path = path;
	c->route[c->routes++].prefix = prefix;
}

void request_count(struct request_counts *c, unsigned route, unsigned status)
{
	unsigned i = 0;

	while (i + 1 < REQUEST_CODES && codes[i] != status)
		i++;
	if (route >= c->routes)
		route = REQUEST_ROUTES_MAX;
	atomic_fetch_add_explicit(&c->route[route].count[i], 1, memory_order_relaxed);
}

static void route_text(FILE *f, const struct request_route *r)
{
	for (unsigned i = 0; i < REQUEST_CODES; i++) {
		uint64_t n = atomic_load_explicit(&r->count[i], memory_order_relaxed);
		char code[8] = "other";

		if (n == 0 && !(i == 0 && r->path))
			continue;
		if (codes[i])
			snprintf(code, sizeof(code), "%u", codes[i]);
		fprintf(f,
			EXPOSITION_PREFIX "http_requests_total{route=\"%s%s\",code=\"%s\"} %" PRIu64
					  "\n",
			r->path ? r->path : "none", r->prefix ? "{name}" : "", code, n);
	}
}

void request_text(FILE *f, const struct request_counts *c)
{
	exposition_head(f, "http_requests_total", "HTTP requests by route and status.", false);
	for (unsigned i = 0; i < c->routes; i++)
		route_text(f, &c->route[i]);
	route_text(f, &c->route[REQUEST_ROUTES_MAX]);
}
