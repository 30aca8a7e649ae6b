/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "export/rpz.h"
#include "export/rpz_files.h"
#include "export/zone.h"
#include "log.h"
#include "thread.h"

/* How often it looks at the allow-list, if there is no new snapshot. */
#define TURN_MS 500

/* An epoch that ends late is one that was watched. */
#define STEP_EPOCHS 3u

struct rpz {
	struct rpz_options options;
	struct config_rpz config; /* the thread's, as all down to `lock` */
	struct rpz_guards *guards;
	struct gate gate;
	unsigned epoch_seconds;
	unsigned zone_octets; /* wire form of the zone's name, which no reload changes */
	uint32_t serial;
	uint32_t pictures;   /* made so far */
	uint32_t generation; /* of the last snapshot seen */
	uint32_t allowed;    /* generation of the allow-list by which the gate decided */
	char *records;       /* of the zone as it has its serial; NULL: none has yet */
	struct rpz_files files;
	pthread_t thread;
	bool running;
	uint32_t published;   /* by snapshot_wait */
	pthread_mutex_t lock; /* of what follows */
	bool stop;
	bool reloaded;
	struct config_rpz next_config;
	struct rpz_guards *next_guards;
	struct rpz_picture *picture;
};

const struct rpz_picture *rpz_get(struct rpz *r)
{
	pthread_mutex_lock(&r->lock);
	struct rpz_picture *p = r->picture;
	if (p)
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
	return p;
}

void rpz_put(const struct rpz_picture *picture)
{
	struct rpz_picture *p = (struct rpz_picture *)picture;

	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(p->entry);
	free(p->zone);
	free(p);
}

static struct gate_config gate_config(const struct rpz *r)
{
	const struct config_rpz *c = &r->config;

	return (struct gate_config){
		.step_max = STEP_EPOCHS * r->epoch_seconds,
		.suspected = c->suspected,
		.min_age = c->min_age_seconds,
		.warmup = c->warmup_seconds,
		.additions_per_hour = c->additions_per_hour,
	};
}

static struct rpz_picture *picture_new(struct rpz *r, uint32_t now)
{
	struct rpz_picture *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	p->number = ++r->pictures;
	p->mode = r->config.mode;
	p->gate = gate_config(r);
	p->serial = r->serial;
	p->time = now;
	p->watching_since = r->gate.watching_since;
	p->frozen_since = r->gate.frozen_since;
	p->additions = r->gate.additions;
	p->n = r->gate.n;
	snprintf(p->name, sizeof(p->name), "%s", r->config.zone);
	snprintf(p->error, sizeof(p->error), "%s", r->files.error);
	p->zone = zone_text(r->config.zone, r->serial, r->records, &p->zone_octets);
	p->entry = calloc(p->n + 1, sizeof(*p->entry));
	if (!p->zone || !p->entry) {
		rpz_put(p);
		return NULL;
	}
	for (unsigned i = 0; i < p->n; i++) {
		p->entry[i] = r->gate.entry[i];
		p->listed += p->entry[i].reason == GATE_LISTED;
		p->waiting += p->entry[i].reason == GATE_FROZEN;
	}
	return p;
}

static void picture_show(struct rpz *r, struct rpz_picture *p)
{
	pthread_mutex_lock(&r->lock);
	struct rpz_picture *before = r->picture;
	r->picture = p;
	pthread_mutex_unlock(&r->lock);
	rpz_put(before);
}

/*
 * What the gate decided, beside the zone as it was: what became protected is known before the
 * disk is waited for. The zone and its serial are not, for a serial must be in the state first.
 */
static void judgement_show(struct rpz *r)
{
	struct rpz_picture *p = picture_new(r, r->picture->time);

	if (p)
		picture_show(r, p);
}

static void degraded_set(struct rpz *r, enum degraded_reason reason, bool on)
{
	uint32_t bit = UINT32_C(1) << reason;

	if (on)
		atomic_fetch_or_explicit(r->options.degraded, bit, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(r->options.degraded, ~bit, memory_order_relaxed);
}

/* The zone's records by what the gate decided; the serial moves when they changed. */
static int zone_renew(struct rpz *r, bool *changed)
{
	unsigned n = r->config.mode == RPZ_BLOCK ? r->gate.n : 0;
	size_t len;
	char *records = zone_records(r->gate.entry, n, &len);

	if (!records)
		return -ENOMEM;
	*changed = !r->records || strcmp(records, r->records) != 0;
	if (!*changed) {
		free(records);
		return 0;
	}
	free(r->records);
	r->records = records;
	r->serial = zone_serial_next(r->serial, (uint32_t)time(NULL));
	return 0;
}

/* Brings the files to where the gate is. */
static int files_bring(struct rpz *r, bool changed)
{
	const struct rpz_content c = {r->config.zone, r->serial, r->records};
	int rc = rpz_files_write(&r->files, &r->gate, &c, changed);

	degraded_set(r, DEGRADED_EXPORT_LAG, r->files.behind);
	return rc;
}

static void entry_tell(const struct rpz *r, const struct gate_entry *e, bool in)
{
	char name[DNS_TEXT_MAX];

	dns_name_text(e->name, e->name_len, name, sizeof(name));
	if (r->config.mode == RPZ_BLOCK)
		log_line(LOG_LEVEL_NOTICE, "rpz: %s %.300s", in ? "blocks" : "blocks no longer",
			name);
	else
		log_line(LOG_LEVEL_NOTICE, "rpz: would %s %.300s (export.rpz.mode is \"log\")",
			in ? "block" : "block no longer", name);
}

/* Entries of one step that are in and were not in the other. */
static void difference_tell(const struct rpz *r, const struct gate_entry *entry, unsigned n,
	const struct gate_entry *other, unsigned other_n, bool in)
{
	for (unsigned i = 0; i < n; i++) {
		const struct gate_entry *e = &entry[i], *o;

		if (e->reason != GATE_LISTED)
			continue;
		o = gate_find(other, other_n, e->name, e->name_len);
		if (!o || o->reason != GATE_LISTED)
			entry_tell(r, e, in);
	}
}

static void changes_tell(const struct rpz *r, uint32_t frozen_before)
{
	const struct gate *g = &r->gate;

	difference_tell(r, g->entry, g->n, g->before, g->before_n, true);
	difference_tell(r, g->before, g->before_n, g->entry, g->n, false);
	if (g->frozen_since && !frozen_before)
		log_line(LOG_LEVEL_WARNING,
			"rpz: additions are frozen for an hour: %u within the last one: look at "
			"/api/v1/blocking, raise export.rpz.additions_per_hour and send SIGHUP, "
			"or wait",
			g->additions);
	else if (!g->frozen_since && frozen_before)
		log_line(LOG_LEVEL_NOTICE, "rpz: additions are no longer frozen");
}

/* Was anything known of before this start? */
static bool is_cold(const struct snapshot *s)
{
	return s->state.load != STATE_LOAD_NEWEST && s->state.load != STATE_LOAD_PREVIOUS;
}

static bool allowed(const void *allow, const struct dns_name *name)
{
	/* All below a blocked name are refused with it. */
	return allow_has(allow, name) || allow_below(allow, name);
}

static struct gate_guards guards_of(const struct rpz *r)
{
	struct gate_guards guards = rpz_guards_names(r->guards);

	guards.allowed = allowed;
	guards.allowed_ctx = r->options.allow;
	guards.zone_octets = r->zone_octets;
	return guards;
}

static int judge(struct rpz *r, const struct snapshot *s)
{
	const struct gate_config config = gate_config(r);
	const struct gate_guards guards = guards_of(r);
	struct gate_candidate *candidate = calloc(s->verdicts + 1, sizeof(*candidate));

	if (!candidate)
		return -ENOMEM;
	for (unsigned i = 0; i < s->verdicts; i++) {
		const struct verdict *v = &s->verdict[i];
		candidate[i] = (struct gate_candidate){v->name, v->name_len, v->suspected};
	}
	int rc = gate_step(&r->gate, &config, &guards, candidate, s->verdicts, s->time);
	free(candidate);
	return rc;
}

static void turn(struct rpz *r, const struct snapshot *s)
{
	static struct log_limit lines;
	uint32_t frozen = r->gate.frozen_since;
	bool changed = false;

	if (r->generation == 0 && is_cold(s))
		gate_cold(&r->gate, s->time);
	r->generation = s->generation;
	r->allowed = r->options.allow ? allow_generation(r->options.allow) : 0;
	int rc = judge(r, s);
	if (rc == 0 && r->config.file[0])
		judgement_show(r);
	if (rc == 0)
		rc = zone_renew(r, &changed);
	if (rc < 0) {
		log_limited(&lines, LOG_LEVEL_ERROR, "rpz: out of memory: the zone stays as it is");
		return;
	}
	changes_tell(r, frozen);
	degraded_set(r, DEGRADED_RPZ_FROZEN, r->gate.frozen_since != 0);
	if (files_bring(r, changed) < 0)
		log_limited(&lines, LOG_LEVEL_ERROR, "%s", r->files.error);
	struct rpz_picture *p = picture_new(r, s->time);
	if (p)
		picture_show(r, p);
}

/* Waits for a while; false at the end. Takes over what a reload brought. */
static bool wait_turn(struct rpz *r, bool *reloaded)
{
	struct rpz_guards *before = NULL;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	r->published = snapshot_wait(r->options.board, r->published,
		(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + TURN_MS);
	pthread_mutex_lock(&r->lock);
	bool stop = r->stop;
	*reloaded = r->reloaded;
	if (r->reloaded) {
		before = r->guards;
		r->config = r->next_config;
		r->guards = r->next_guards;
		r->next_guards = NULL;
		r->reloaded = false;
	}
	pthread_mutex_unlock(&r->lock);
	rpz_guards_free(before);
	return !stop;
}

static bool allow_changed(const struct rpz *r)
{
	return r->options.allow && allow_generation(r->options.allow) != r->allowed;
}

static void *run(void *arg)
{
	struct rpz *r = arg;
	bool reloaded;

	while (wait_turn(r, &reloaded)) {
		const struct snapshot *s = snapshot_get(r->options.board);

		if (s && (s->generation != r->generation || reloaded || allow_changed(r)))
			turn(r, s);
		snapshot_put(s);
	}
	return NULL;
}

void rpz_reload(struct rpz *r, const struct config *config, struct rpz_guards *guards)
{
	pthread_mutex_lock(&r->lock);
	struct rpz_guards *unused = r->next_guards;
	r->next_config = config->rpz;
	r->next_guards = guards;
	r->reloaded = true;
	pthread_mutex_unlock(&r->lock);
	snapshot_wake(r->options.board);
	rpz_guards_free(unused);
}

/* What the guards protect by now is in no longer. */
static void gate_restore(struct rpz *r)
{
	const struct gate_guards guards = guards_of(r);

	for (unsigned i = 0; i < r->gate.n; i++) {
		struct gate_entry *e = &r->gate.entry[i];
		enum gate_reason reason = gate_protects(&guards, e->name, e->name_len);

		if (reason == GATE_LISTED)
			continue;
		e->listed_since = 0;
		e->reason = (uint8_t)reason;
	}
}

/* Takes up where the last run ended: with the same content the zone keeps its serial. */
static int begin(struct rpz *r)
{
	bool changed = false, same = false;
	char *zone;

	r->zone_octets = rpz_guards_names(r->guards).zone_octets;
	int rc = rpz_files_open(&r->files, &r->gate, &r->serial, &zone);
	if (rc < 0) {
		free(zone);
		return rc;
	}
	gate_restore(r);
	uint32_t serial = r->serial;
	rc = zone_renew(r, &changed);
	if (rc == 0 && zone) {
		const struct rpz_content c = {r->config.zone, serial, r->records};
		same = rpz_files_hold(&r->files, zone, &c);
	}
	if (same)
		r->serial = serial;
	free(zone);
	if (rc == 0)
		return files_bring(r, changed && !same);
	snprintf(r->files.error, sizeof(r->files.error), "rpz: out of memory at start");
	return rc;
}

int rpz_start(struct rpz **out, const struct rpz_options *options, char err[ERROR_LINE_MAX])
{
	struct rpz *r = calloc(1, sizeof(*r));
	int code = EXIT_CODE_OK;

	*out = NULL;
	if (!r) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory at start");
		return EXIT_CODE_RUNTIME;
	}
	pthread_mutex_init(&r->lock, NULL);
	r->options = *options;
	r->config = options->config->rpz;
	r->epoch_seconds = options->config->epoch_seconds;
	rpz_files_init(&r->files, r->config.file);
	if (rpz_guards_load(&r->guards, options->config, options->psl, err) < 0) {
		code = EXIT_CODE_CONFIG;
	} else if (begin(r) < 0) {
		snprintf(err, ERROR_LINE_MAX, "%s", r->files.error);
		code = EXIT_CODE_STATE;
	} else if (!(r->picture = picture_new(r, 0)) || thread_start(&r->thread, run, r) < 0) {
		snprintf(err, ERROR_LINE_MAX, "rpz: no thread or memory for it at start");
		code = EXIT_CODE_RUNTIME;
	}
	r->running = code == EXIT_CODE_OK;
	if (r->running)
		*out = r;
	else
		rpz_stop(r);
	return code;
}

void rpz_stop(struct rpz *r)
{
	if (!r)
		return;
	if (r->running) {
		pthread_mutex_lock(&r->lock);
		r->stop = true;
		pthread_mutex_unlock(&r->lock);
		snapshot_wake(r->options.board);
		pthread_join(r->thread, NULL);
	}
	rpz_put(r->picture);
	rpz_guards_free(r->guards);
	rpz_guards_free(r->next_guards);
	gate_free(&r->gate);
	pthread_mutex_destroy(&r->lock);
	rpz_files_free(&r->files);
	free(r->records);
	free(r);
}
