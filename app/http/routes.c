/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <microhttpd.h>

#include "export/prometheus.h"
#include "export/value.h"
#include "http/answer.h"
#include "http/rendered.h"
#include "http/routes.h"

/* A text that is static. */
static void answer_text(struct answer *a, const char *text)
{
	a->status = MHD_HTTP_OK;
	a->content_type = TEXT_TYPE;
	a->body = text;
	a->len = strlen(text);
}

static void route_status(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)q, (void)rest;
	const struct snapshot *s = snapshot_get(r->board);
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	answer_json(a, MHD_HTTP_OK, JSON_TYPE,
		export_status(r->about, s, r->started, (ms - r->started_ms) / 1000));
	snapshot_put(s);
}

static void route_stats(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	const struct snapshot *s = snapshot_needed(r, a);

	if (s && !answer_known(r, q, s, a))
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, export_stats(s));
	snapshot_put(s);
}

static void route_metrics(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)q, (void)rest;
	const struct snapshot *s = snapshot_get(r->board);
	const struct rpz_picture *p = r->rpz ? rpz_get(r->rpz) : NULL;
	const struct prometheus_sources sources = {.requests = r->requests, .blocking = p};
	size_t len = 0;
	char *text = prometheus_text(r->about, s, r->started, &sources, &len);

	rpz_put(p);
	answer_body(a, MHD_HTTP_OK, PROMETHEUS_CONTENT_TYPE, text, len);
	snapshot_put(s);
}

static void route_livez(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)r, (void)q, (void)rest;
	answer_text(a, "alive\n");
}

static void route_readyz(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)q, (void)rest;
	const struct snapshot *s = snapshot_needed(r, a);

	if (s)
		answer_text(a, "ready\n");
	snapshot_put(s);
}

static void route_openapi(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)r, (void)rest;
	answer_embedded(q, &embedded_openapi_json, a);
}

static void route_schema(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	const struct embedded_name *schema = embedded_schemas;

	(void)r;
	while (schema->name && strcmp(schema->name, rest) != 0)
		schema++;
	if (schema->name)
		answer_embedded(q, schema->file, a);
	else
		answer_problem(a, MHD_HTTP_NOT_FOUND,
			"No such schema; those that there are are named in /api/v1/openapi.json.");
}

static void route_page(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)r, (void)rest;
	answer_embedded(q, &embedded_page_html, a);
}

/* For how long an answer may be given to others who ask the same. */
enum shelf_life {
	FRESH,       /* not at all */
	OF_SNAPSHOT, /* until the next snapshot: it has a tag */
	OF_GATE,     /* until the next snapshot, or the gate's next picture */
	OF_SECOND,   /* it has clocks in it */
};

static const struct route {
	const char *path;
	bool prefix; /* what follows the path is the handler's `rest` */
	enum shelf_life life;
	void (*answer)(const struct routes *r, const struct request *q, const char *rest,
		struct answer *a);
} routes[] = {
	{"/", false, FRESH, route_page},
	{"/api/v1/status", false, FRESH, route_status},
	{"/api/v1/stats", false, OF_SNAPSHOT, route_stats},
	{"/api/v1/domains", false, OF_SNAPSHOT, route_domains},
	{"/api/v1/domains/", true, OF_SNAPSHOT, route_domain},
	{"/api/v1/allow", false, FRESH, route_allow},
	{"/api/v1/allow/", true, FRESH, route_allowed},
	{"/api/v1/events", false, OF_SNAPSHOT, route_events},
	{"/api/v1/events/stream", false, FRESH, route_stream},
	{"/api/v1/explain/", true, FRESH, route_explain},
	{"/api/v1/blocking", false, FRESH, route_blocking},
	{"/api/v1/export/rpz", false, FRESH, route_rpz},
	{"/api/v1/export/eve", false, OF_SNAPSHOT, route_eve},
	{"/api/v1/history", false, FRESH, route_history},
	{"/api/v1/export/cof", false, OF_GATE, route_cof},
	{"/api/v1/export/csv", false, OF_GATE, route_csv},
	{"/api/v1/export/misp", false, OF_GATE, route_misp},
	{"/api/v1/export/misp/", true, OF_GATE, route_misp_file},
	{"/api/v1/export/stix", false, OF_GATE, route_stix},
	{"/api/v1/openapi.json", false, FRESH, route_openapi},
	{"/api/v1/schema/", true, FRESH, route_schema},
	{"/metrics", false, OF_SECOND, route_metrics},
	{"/livez", false, FRESH, route_livez},
	{"/readyz", false, FRESH, route_readyz},
};

static const struct route *route_find(const char *path, const char **rest)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		size_t n = strlen(routes[i].path);
		*rest = path + n;
		if (strncmp(path, routes[i].path, n) == 0 && (routes[i].prefix || !path[n]))
			return &routes[i];
	}
	return NULL;
}

/* What can be changed, and how. */
static const struct change_route {
	const char *path;
	bool prefix;
	const char *end; /* of a path behind its name; "": the name ends it */
	const char *method;
	const char *allow; /* methods that the path has */
	void (*make)(const struct routes *r, struct change *c, const char *rest, struct answer *a);
} change_routes[] = {
	{"/api/v1/allow", false, "", "POST", "GET, HEAD, POST", change_allow},
	{"/api/v1/allow/", true, "", "DELETE", "GET, HEAD, DELETE", change_disallow},
	{"/api/v1/domains/", true, ACKNOWLEDGE, "POST", "POST", change_acknowledge},
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static const struct change_route *change_find(const char *path, const char **rest)
{
	for (size_t i = 0; i < sizeof(change_routes) / sizeof(*change_routes); i++) {
		const struct change_route *route = &change_routes[i];
		size_t n = strlen(route->path);

		*rest = path + n;
		if (strncmp(path, route->path, n) == 0 && (route->prefix || !path[n]) &&
			ends_with(*rest, route->end))
			return route;
	}
	return NULL;
}

/* `name` or `name` with a port: a forwarded port may differ from ours. */
static bool host_is(const char *host, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(host, name, n) != 0)
		return false;
	host += n;
	return !*host || (*host == ':' && host[1] && !host[1 + strspn(host + 1, "0123456789")]);
}

void routes_count(struct request_counts *c)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		request_route_add(c, routes[i].path, routes[i].prefix);
}

/* What an answer of this route would be as of now; false: of nothing. */
static bool route_tag(const struct routes *r, const struct route *route, char tag[ANSWER_ETAG_MAX])
{
	const struct snapshot *s = snapshot_get(r->board);
	struct timespec now;

	if (s && route->life == OF_SNAPSHOT) {
		snapshot_tag(r, s, tag);
	} else if (s && route->life == OF_GATE) {
		const struct rpz_picture *p = r->rpz ? rpz_get(r->rpz) : NULL;

		snprintf(tag, ANSWER_ETAG_MAX, "%" PRIx32 "-%" PRIx32, s->generation,
			p ? p->number : 0);
		rpz_put(p);
	} else {
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		snprintf(tag, ANSWER_ETAG_MAX, "%" PRIx32 "-%lx", s ? s->generation : 0,
			(unsigned long)now.tv_sec);
	}
	snapshot_put(s);
	return s || route->life == OF_SECOND;
}

/* The route's answer, by its handler or as it was given to others. */
static void route_answer(const struct routes *r, const struct route *route, const struct request *q,
	const char *rest, struct answer *a)
{
	char question[RENDERED_QUESTION_MAX], tag[ANSWER_ETAG_MAX];

	if (!r->rendered || route->life == FRESH || !rendered_question(q, question) ||
		!route_tag(r, route, tag)) {
		route->answer(r, q, rest, a);
		return;
	}
	if (!rendered_find(r->rendered, question, tag, a)) {
		route->answer(r, q, rest, a);
		/* Another snapshot may hang there by now; the gate's answers have tags of content.
		 */
		rendered_keep(r->rendered, question,
			route->life == OF_SNAPSHOT && a->etag[0] ? a->etag : tag, a);
	} else if (a->etag[0] && q->if_none_match && etag_listed(q->if_none_match, a->etag)) {
		a->release(a->owner);
		a->release = NULL;
		a->body = NULL;
		a->len = 0;
		a->status = MHD_HTTP_NOT_MODIFIED;
	}
}

static bool host_right(const struct routes *r, const struct request *q)
{
	return !r->host ||
	       (q->host && (host_is(q->host, r->host) || host_is(q->host, "localhost")));
}

static bool is_reading(const struct request *q)
{
	return strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
}

bool routes_wants_body(const struct routes *r, const struct request *q)
{
	const char *rest;
	const struct change_route *route = change_find(q->path, &rest);

	return route && strcmp(q->method, route->method) == 0 && strcmp(q->method, "POST") == 0 &&
	       host_right(r, q) && change_is_admins(r, q);
}

static void answer_change(const struct routes *r, const struct request *q, struct answer *a)
{
	struct change c = {.request = q};
	const struct change_route *route;
	const char *rest;

	if (change_admitted(r, &c, a)) {
		route = change_find(q->path, &rest);
		if (route && strcmp(q->method, route->method) == 0) {
			route->make(r, &c, rest, a);
			return;
		}
		c.why = "Nothing is changed there by this method.";
		answer_problem(a, MHD_HTTP_METHOD_NOT_ALLOWED, c.why);
		a->allow = route ? route->allow : "GET, HEAD";
	}
	change_settle(r, &c, a);
}

void routes_answer(const struct routes *r, const struct request *q, struct answer *a)
{
	const char *rest;
	const struct route *route = route_find(q->path, &rest);

	memset(a, 0, sizeof(*a));
	if (!host_right(r, q)) {
		answer_problem(a, MHD_HTTP_MISDIRECTED_REQUEST,
			"Host is neither the address listened on nor localhost.");
		route = NULL;
	} else if (!is_reading(q)) {
		answer_change(r, q, a);
	} else if (visitor_refused(r, q, a)) {
		route = NULL;
	} else if (!route) {
		answer_problem(a, MHD_HTTP_NOT_FOUND, "No such path; see docs/api.md.");
	} else {
		route_answer(r, route, q, rest, a);
	}
	if (r->requests)
		request_count(
			r->requests, route ? (unsigned)(route - routes) : UINT_MAX, a->status);
}
