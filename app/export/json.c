/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>
#include <string.h>

#include "export/counters.h"
#include "export/json.h"
#include "export/value.h"

json_t *export_octets(const char *text)
{
	json_t *value = json_string(text);

	if (value)
		return value;

	size_t n = 0;
	char *escaped = malloc(4 * strlen(text) + 1);
	if (!escaped)
		return NULL;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x80)
			escaped[n++] = (char)*p;
		else
			n += (size_t)snprintf(escaped + n, 5, "\\%03u", *p);
	}
	value = json_stringn(escaped, n);
	free(escaped);
	return value;
}

/* Walks the steps of one path, making the objects on its way. */
struct tree {
	json_t *root;
	bool failed;
};

static json_t *tree_step(json_t *at, const char *key)
{
	json_t *below = json_object_get(at, key);

	if (!below) {
		below = json_object();
		if (json_object_set_new(at, key, below))
			return NULL;
	}
	return below;
}

static void tree_count(void *ctx, const struct counter_family *family,
	const char *const keys[COUNTER_DEPTH], uint64_t value)
{
	struct tree *t = ctx;
	const char *steps[2 * COUNTER_DEPTH];
	unsigned n = 0;
	json_t *at = t->root;

	for (unsigned i = 0; i < COUNTER_DEPTH && family->path[i]; i++)
		steps[n++] = family->path[i];
	for (unsigned i = 0; i < COUNTER_DEPTH && keys[i]; i++)
		steps[n++] = keys[i];
	for (unsigned i = 0; i + 1 < n && at; i++)
		at = tree_step(at, steps[i]);
	/* A NULL tree is refused by jansson as any other failure. */
	if (json_object_set_new(at, steps[n - 1], value_count(value)))
		t->failed = true;
}

static json_t *value_known(uint64_t n)
{
	return n == PORT_UNKNOWN ? json_null() : value_count(n);
}

static json_t *xdp_json(const struct xdp_counters *x)
{
	json_t *causes = json_object();
	int bad = 0;

	for (unsigned i = 0; i < STEER_CAUSES; i++)
		bad |= json_object_set_new(
			causes, steer_cause_name((enum steer_cause)i), value_count(x->cause[i]));
	return value_whole(causes, bad);
}

static json_t *ports_json(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->ports && list; i++) {
		const struct port_status *p = &s->port[i];
		json_t *port = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", //
			"name", export_octets(p->name),                    //
			"profile", p->profile,                             //
			"vantage", p->vantage,                             //
			"link", p->link_up ? "up" : "down",                //
			"queues", value_count(p->queues),                  //
			"loss_rate", value_share(p->loss_rate));
		int bad = 0;

		for (unsigned c = 0; c < PORT_COUNTERS; c++)
			bad |= json_object_set_new(port, port_counters[c].key,
				value_known(counter_at(p, port_counters[c].offset)));
		if (p->has_xdp)
			bad |= json_object_set_new(port, "xdp", xdp_json(&p->xdp));
		bad |= json_array_append_new(list, port);
		list = value_whole(list, bad);
	}
	return list;
}

static json_t *workers_json(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->workers && list; i++) {
		const struct worker_status *w = &s->worker[i];
		json_t *worker = json_pack("{s:o}", "lcore", value_count(w->lcore));
		int bad = 0;

		for (unsigned c = 0; c < WORKER_COUNTERS; c++)
			bad |= json_object_set_new(worker, worker_counters[c].key,
				value_count(counter_at(w, worker_counters[c].offset)));
		bad |= json_array_append_new(list, worker);
		list = value_whole(list, bad);
	}
	return list;
}

static json_t *degraded_json(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DEGRADED_COUNT && list; i++) {
		if (!(s->degraded >> i & 1))
			continue;
		json_t *name = json_string(snapshot_degraded_name((enum degraded_reason)i));
		list = value_whole(list, json_array_append_new(list, name));
	}
	return list;
}

static json_t *imbalance_json(const struct snapshot *s)
{
	return s->imbalance ? value_real(s->imbalance / 1000.0) : json_null();
}

/* Which directions the tap shows, and how many of the responses found their query. */
static json_t *pairing_json(const struct snapshot *s)
{
	const struct pairing_status *p = &s->pairing;
	uint64_t all = p->paired + p->unpaired;

	return json_pack("{s:s, s:o, s:o, s:o}",                   //
		"direction", direction_name(pairing_direction(p)), //
		"queries", value_count(p->queries),                //
		"responses", value_count(p->responses),            //
		"paired_share", all ? value_real((double)p->paired / (double)all) : json_null());
}

/* The same with what a person needs: since when, and what to do. */
static json_t *conditions_json(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < DEGRADED_COUNT && list; i++) {
		enum degraded_reason r = (enum degraded_reason)i;

		if (!(s->degraded >> i & 1))
			continue;
		json_t *one = json_pack("{s:s, s:o, s:s}",            //
			"name", snapshot_degraded_name(r),            //
			"since", value_seconds(s->degraded_since[i]), //
			"remedy", snapshot_degraded_remedy(r));
		list = value_whole(list, json_array_append_new(list, one));
	}
	return list;
}

/* Who works and who does not; the counters of each are in the statistics. */
static json_t *worker_states_json(const struct snapshot *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->workers && list; i++) {
		const struct worker_status *w = &s->worker[i];
		json_t *one = json_pack("{s:i, s:o, s:s, s:o, s:o, s:o}",          //
			"worker", (int)i,                                          //
			"lcore", value_count(w->lcore),                            //
			"state", worker_state_name(w->state),                      //
			"since", w->since ? value_seconds(w->since) : json_null(), //
			"epochs_behind", value_count(w->behind),                   //
			"config_generation", value_count(w->settings));
		list = value_whole(list, json_array_append_new(list, one));
	}
	return list;
}

static json_t *config_report_json(const struct config_report *c)
{
	json_t *keys = json_array();

	for (unsigned i = 0; i < c->waiting && keys; i++)
		keys = value_whole(keys, json_array_append_new(keys, json_string(c->key[i])));
	return json_pack("{s:o, s:o, s:o, s:o, s:o}",                              //
		"generation", value_count(c->generation),                          //
		"loaded_at", value_seconds(c->loaded),                             //
		"refused", value_count(c->refused),                                //
		"last_error", c->error[0] ? export_octets(c->error) : json_null(), //
		"needs_restart", keys);
}

json_t *export_accounting(const struct snapshot *s)
{
	struct tree t = {json_pack("{s:o}", "port", ports_json(s)), false};

	counters_each(s, tree_count, &t);
	return value_whole(t.root, t.failed);
}

/* What could not be read: frames since start, the rest estimated, of the last epoch. */
static json_t *visibility_json(const struct snapshot *s)
{
	const struct visibility *v = &s->visibility;
	json_t *flows = json_object(), *frames = json_object();
	int bad = 0;

	for (unsigned i = 0; i < VISIBILITY_TRANSPORT_COUNT; i++) {
		enum visibility_transport t = (enum visibility_transport)i;
		const char *name = visibility_transport_name(t);

		bad |= json_object_set_new(flows, name, value_estimate(hll_estimate(&v->flow[t])));
		bad |= json_object_set_new(
			frames, name, value_count(visibility_frames(&s->account, t)));
	}
	json_t *tree = json_pack("{s:o, s:o, s:o, s:o, s:o}",                            //
		"flows", flows,                                                          //
		"encrypted_clients", value_estimate(hll_estimate(&v->encrypted_client)), //
		"plain_clients", value_estimate(hll_estimate(&v->plain_client)),         //
		"encrypted_client_share", value_real(visibility_encrypted_share(v)),     //
		"frames", frames);
	return value_whole(tree, bad);
}

json_t *export_stats(const struct snapshot *s)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"schema_version", EXPORT_SCHEMA_VERSION,                                 //
		"generation", value_count(s->generation),                                //
		"epoch", value_count(s->epoch),                                          //
		"epochs", value_count(s->epochs),                                        //
		"time", value_seconds(s->time),                                          //
		"first_ts", value_nanoseconds(s->first_ns),                              //
		"last_ts", value_nanoseconds(s->last_ns),                                //
		"merge_microseconds", value_count(s->merge_ns / 1000),                   //
		"degraded", degraded_json(s),                                            //
		"workers", workers_json(s),                                              //
		"visibility", visibility_json(s),                                        //
		"accounting", export_accounting(s));
}

/* What the start found in the saved state, and what found no room. */
static json_t *state_loaded_json(const struct state_report *r)
{
	const struct state_restored *x = &r->restored;
	const struct {
		const char *key;
		uint64_t n;
	} counts[] = {
		{"domains", x->domains},
		{"candidates", x->candidates},
		{"waiting", x->door},
		{"addresses", x->reverse},
		{"verdicts", x->verdicts},
		{"reduced", x->reduced},
		{"domains_lost", x->domains_lost},
		{"candidates_lost", x->candidates_lost},
		{"waiting_lost", x->door_lost},
		{"addresses_lost", x->reverse_lost},
		{"verdicts_lost", x->verdicts_lost},
		{"renamed", x->renamed},
		{"rejected", r->rejected},
	};
	json_t *loaded = json_pack("{s:s, s:o, s:o}",                       //
		"result", state_load_name(r->load),                         //
		"time", r->loaded ? value_seconds(r->loaded) : json_null(), //
		"refused", r->refusal[0] ? export_octets(r->refusal) : json_null());
	int bad = 0;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		bad |= json_object_set_new(loaded, counts[i].key, value_count(counts[i].n));
	return value_whole(loaded, bad);
}

static json_t *state_json(const struct snapshot *s)
{
	const struct state_report *r = &s->state;
	uint32_t age = s->time > r->saved ? s->time - r->saved : 0;

	if (!r->path)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"path", export_octets(r->path),                                     //
		"saved_at", r->saved ? value_seconds(r->saved) : json_null(),       //
		"age_seconds", r->saved ? value_count(age) : json_null(),           //
		"bytes", value_count(r->octets),                                    //
		"write_milliseconds", value_count(r->write_ns / 1000000),           //
		"longest_step_microseconds", value_count(r->step_ns / 1000),        //
		"saves", value_count(r->saves),                                     //
		"failures", value_count(r->failures),                               //
		"torn", value_count(r->torn),                                       //
		"last_error", r->error[0] ? export_octets(r->error) : json_null(),  //
		"loaded", state_loaded_json(r));
}

/* Where events go: what is not configured is null. */
static json_t *output_json(const struct feed_output_report *r)
{
	if (!r->configured)
		return json_null();
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o}",                   //
		"up", (int)r->up,                                                 //
		"delivered", value_count(r->delivered),                           //
		"lost", value_count(r->lost),                                     //
		"failures", value_count(r->failures),                             //
		"waiting", value_count(r->waiting),                               //
		"sequence", r->sequence ? value_count(r->sequence) : json_null(), //
		"last_error", r->error[0] ? export_octets(r->error) : json_null());
}

static json_t *feed_json(const struct feed_report *r)
{
	json_t *feed = json_pack("{s:o}", "missed", value_count(r->missed));
	int bad = 0;

	if (!r->running) {
		json_decref(feed);
		return json_null();
	}
	for (unsigned k = 0; k < FEED_OUTPUT_COUNT; k++)
		bad |= json_object_set_new(feed, feed_output_name((enum feed_output_kind)k),
			output_json(&r->output[k]));
	if (r->output[FEED_HISTORY].configured) {
		json_t *rows = json_pack("{s:o, s:o, s:o, s:o}",    //
			"events", value_count(r->history.events),   //
			"bytes", value_count(r->history.octets),    //
			"removed", value_count(r->history.removed), //
			"oldest", value_seconds(r->history.oldest));
		bad |= !rows || json_object_update(json_object_get(feed, "history"), rows);
		json_decref(rows);
	}
	return value_whole(feed, bad);
}

json_t *export_status(
	const struct about *about, const struct snapshot *s, uint32_t started, uint64_t uptime)
{
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:o, s:o, s:o}",                                          //
		"schema_version", EXPORT_SCHEMA_VERSION,                                  //
		"version", about->version,                                                //
		"dpdk", about->dpdk,                                                      //
		"mode", about->mode,                                                      //
		"vantage", about->vantage,                                                //
		"config_generation", value_count(about->config_generation),               //
		"config", s ? config_report_json(&s->config) : json_null(),               //
		"state", s ? state_json(s) : json_null(),                                 //
		"export", s ? feed_json(&s->feed) : json_null(),                          //
		"started", value_seconds(started),                                        //
		"uptime_seconds", value_count(uptime),                                    //
		"time", s ? value_seconds(s->time) : json_null(),                         //
		"ready", s != NULL,                                                       //
		"degraded", s ? degraded_json(s) : json_array(),                          //
		"conditions", s ? conditions_json(s) : json_array(),                      //
		"workers", s ? worker_states_json(s) : json_array(),                      //
		"accounting_error", s ? value_count(s->accounting_error) : json_null(),   //
		"epochs_with_error", s ? value_count(s->epochs_with_error) : json_null(), //
		"pairing", s ? pairing_json(s) : json_null(), "imbalance",
		s ? imbalance_json(s) : json_null(),                   //
		"flagged", s ? value_count(s->verdicts) : json_null(), //
		"ports", s ? ports_json(s) : json_array());
}

json_t *export_problem(unsigned status, const char *title, const char *detail)
{
	return json_pack("{s:i, s:s, s:s, s:i, s:o}",    //
		"schema_version", EXPORT_SCHEMA_VERSION, //
		"type", "about:blank",                   //
		"title", title,                          //
		"status", (int)status,                   //
		"detail", export_octets(detail));
}

static json_t *capture_json(const struct replay_capture *c)
{
	json_t *files = json_array();

	for (unsigned i = 0; i < c->count && files; i++)
		files = value_whole(
			files, json_array_append_new(files, export_octets(c->files[i])));
	return json_pack("{s:o, s:o, s:o, s:o, s:o}",       //
		"files", files,                             //
		"cut_files", value_count(c->cut),           //
		"packets", value_count(c->packets),         //
		"first_ts", value_nanoseconds(c->first_ns), //
		"last_ts", value_nanoseconds(c->last_ns));
}

static json_t *merges_json(const struct histogram *h)
{
	return json_pack("{s:o, s:o, s:o, s:o}",                              //
		"count", value_count(h->count),                               //
		"p50_microseconds", value_count(histogram_quantile(h, 0.5)),  //
		"p99_microseconds", value_count(histogram_quantile(h, 0.99)), //
		"max_microseconds", value_count(h->max));
}

static json_t *run_json(const struct run_facts *r, const struct snapshot *s)
{
	double rate = r->seconds > 0 ? (double)r->packets / r->seconds : 0;

	return json_pack("{s:o, s:o, s:o, s:o, s:o}",       //
		"workers", value_count(r->workers),         //
		"seconds", value_real(r->seconds),          //
		"packets_per_second", value_estimate(rate), //
		"merges", merges_json(&s->merges),          //
		"host", export_octets(r->host));
}

json_t *export_replay(const struct snapshot *s, const struct replay_capture *capture,
	const struct run_facts *run, json_t *explained)
{
	json_t *domains = json_array();

	for (unsigned i = 0; i < s->verdicts && domains; i++)
		domains = value_whole(
			domains, json_array_append_new(domains, export_domain(&s->verdict[i])));
	/* o* leaves out what is NULL. */
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o*, s:o}", //
		"schema_version", EXPORT_SCHEMA_VERSION,         //
		"capture", capture_json(capture),                //
		"visibility", visibility_json(s),                //
		"accounting", export_accounting(s),              //
		"domains", domains,                              //
		"explained", explained,                          //
		"run", run_json(run, s));
}

char *export_text(json_t *tree, size_t *len)
{
	/* Twelve digits hold every real rounded to three decimals up to 10^9. */
	size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(12);
	char *text = tree ? json_dumps(tree, flags) : NULL;

	json_decref(tree);
	if (!text)
		return NULL;
	*len = strlen(text);
	char *line = realloc(text, *len + 2);
	if (!line) {
		free(text);
		return NULL;
	}
	line[(*len)++] = '\n';
	line[*len] = '\0';
	return line;
}
