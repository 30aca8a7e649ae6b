/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <rte_malloc.h>
#include <rte_version.h>

#include "appliance.h"
#include "base/bits.h"
#include "version.h"

/* A replay's keys are fixed: its output is the same on any machine and day. */
static const struct hash_key replay_placement = {0xa4093822299f31d0u, 0x082efa98ec4e6c89u};
static const struct hash_key replay_sketch = {0x452821e638d01377u, 0xbe5466cf34e90c6cu};

#define EVENTS_A_SECOND_LOG2 20

int appliance_networks(struct networks **out, const struct config *config, char err[ERROR_LINE_MAX])
{
	struct own_ranges own;
	int rc = networks_open(out, config->networks.asn_db, config->networks.country_db, err);

	if (rc == 0) {
		config_own(config, &own);
		networks_own(*out, &own);
	}
	return rc;
}

/* Before the memory is taken: a wrong file of tokens is better known now. */
static int access_load(struct appliance *a, char err[ERROR_LINE_MAX])
{
	struct access_files *files;
	int rc;

	if (a->config.http.listen[0] == '\0')
		return 0;
	rc = access_files_read(&files, &a->config.http, err);
	if (rc < 0)
		return rc;
	a->access = access_new(files);
	if (a->access)
		return 0;
	snprintf(err, ERROR_LINE_MAX, "http: out of memory");
	return -ENOMEM;
}

int appliance_load(struct appliance *a, const struct config *config, bool live, unsigned workers,
	char err[ERROR_LINE_MAX])
{
	memset(a, 0, sizeof(*a));
	a->config = *config;
	a->live = live;
	a->workers = workers;
	config_wire(config, &a->wire);
	a->about.version = FLUXGATE_VERSION;
	a->about.dpdk = rte_version();
	a->about.mode = live ? "live" : "replay";
	a->about.vantage = "";
	atomic_init(&a->about.config_generation, 1);
	if (suffix_list_load(&a->suffixes, config->networks.public_suffix_list, err) < 0)
		return EXIT_CODE_DATABASE;
	if (lists_load(&a->lists, config, suffix_list_psl(a->suffixes), err) < 0)
		return EXIT_CODE_CONFIG;
	if (appliance_networks(&a->networks, config, err) < 0)
		return EXIT_CODE_DATABASE;
	if (access_load(a, err) < 0)
		return EXIT_CODE_CONFIG;
	if (allow_open(&a->allow, live ? config->allow.path : "", err) < 0 ||
		acks_open(&a->acks, live ? config->acknowledge.path : "", err) < 0)
		return EXIT_CODE_STATE;
	a->board = snapshot_board_new();
	a->mailbox = mailbox_new(MAILBOX_DEADLINE_MS);
	if (!a->board || !a->mailbox) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory at start");
		return EXIT_CODE_RUNTIME;
	}
	if (appliance_keeps_state(a) && state_open(&a->state, a->config.state.path, err) < 0)
		return EXIT_CODE_STATE;
	if (live && feed_open(&a->feed, &a->config, err) < 0)
		return EXIT_CODE_STATE;
	return EXIT_CODE_OK;
}

bool appliance_keeps_state(const struct appliance *a)
{
	return a->live && a->config.state.path[0] != '\0';
}

static struct sensor_config sensor_config(
	const struct appliance *a, struct hash_key placement, struct hash_key sketch)
{
	struct sensor_config s = {
		.wire = &a->wire,
		.placement = placement,
		.sketch = sketch,
		.psl = suffix_list_psl(a->suffixes),
		.match_log2 = a->config.pairing.entries_log2,
		.reasm = a->config.reasm,
	};

	config_dns64(&a->config, &s.dns64);
	config_resolvers(&a->config, &s.resolvers);
	return s;
}

size_t appliance_octets(const struct appliance *a)
{
	struct sensor_config s = sensor_config(a, replay_placement, replay_sketch);

	return a->workers * SHARDS_A_WORKER * shard_size(&a->config.shard) +
	       a->workers * sensor_size(&s) + store_size(&a->config.store) +
	       detector_size(APPLIANCE_VERDICTS) + (appliance_keeps_state(a) ? writer_octets() : 0);
}

/* Zeroed, for a cache line's boundary; lives as long as the process. */
static void *table(const char *what, size_t size, char err[ERROR_LINE_MAX])
{
	void *mem = size ? rte_malloc(what, size, CACHE_LINE) : NULL;

	if (!mem)
		snprintf(err, ERROR_LINE_MAX,
			"memory: %s: no %zu MiB in one piece: make the table smaller, or give the "
			"EAL more memory",
			what, size >> 20);
	return mem;
}

static int workers_build(struct appliance *a, struct hash_key placement, struct hash_key sketch,
	char err[ERROR_LINE_MAX])
{
	struct sensor_config s = sensor_config(a, placement, sketch);

	if (handover_init(&a->handover, a->workers, &a->config.shard, placement, sketch) < 0) {
		snprintf(err, ERROR_LINE_MAX,
			"memory: shards: no memory for %u of %zu MiB: lower \"shard\"",
			a->workers * SHARDS_A_WORKER, shard_size(&a->config.shard) >> 20);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < a->workers; i++) {
		struct worker *w = &a->worker[i];
		void *mem = table("sensor", sensor_size(&s), err);

		if (!mem)
			return -ENOMEM;
		w->index = i;
		w->sensor = sensor_init(mem, &s);
		w->handover = &a->handover;
		w->epoch_ns = a->config.epoch_seconds * UINT64_C(1000000000);
		w->clock = &a->clock;
		a->settings.slot[a->settings.slots++] = &w->settings_slot;
	}
	if (settings_offer(&a->settings, &a->wire) < 0) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory at start");
		return -ENOMEM;
	}
	return 0;
}

/* Store and detector, with the saved state in them where one is kept. */
static int tables_build(struct appliance *a, struct state_tables *t, char err[ERROR_LINE_MAX])
{
	t->store_config = a->config.store;
	t->verdicts = APPLIANCE_VERDICTS;
	t->detect = a->config.detect;
	t->psl = suffix_list_psl(a->suffixes);
	t->store_memory = table("store", store_size(&t->store_config), err);
	if (t->store_memory)
		t->detector_memory = table("detector", detector_size(t->verdicts), err);
	if (!t->detector_memory)
		return -ENOMEM;
	if (!appliance_keeps_state(a)) {
		t->store = store_init(t->store_memory, &t->store_config, t->placement, t->sketch);
		t->detector = detector_init(t->detector_memory, t->verdicts, &t->detect);
		return 0;
	}
	void *buffers = table("state", writer_octets(), err);
	if (!buffers)
		return -ENOMEM;
	state_restore(&a->state, t, (uint32_t)time(NULL), buffers);
	return state_start(&a->state, t, buffers, err);
}

int appliance_build(struct appliance *a, char err[ERROR_LINE_MAX])
{
	struct state_tables tables = {.placement = replay_placement, .sketch = replay_sketch};

	if (a->live && (getrandom(&tables.placement, sizeof(tables.placement), 0) < 0 ||
			       getrandom(&tables.sketch, sizeof(tables.sketch), 0) < 0)) {
		snprintf(err, ERROR_LINE_MAX, "getrandom: %s", strerror(errno));
		return EXIT_CODE_RUNTIME;
	}
	/* The sketch key is that of the state, where there is one. */
	if (tables_build(a, &tables, err) < 0 ||
		workers_build(a, tables.placement, tables.sketch, err) < 0)
		return EXIT_CODE_RUNTIME;
	control_init(&a->control,
		&(struct control_config){
			.handover = &a->handover,
			.workers = a->worker,
			.store = tables.store,
			.detector = tables.detector,
			.networks = networks_lookup(a->networks),
			.board = a->board,
			.mailbox = a->mailbox,
			.psl = suffix_list_psl(a->suffixes),
			.epoch_ns = a->config.epoch_seconds * UINT64_C(1000000000),
			.live = a->live,
			.asn_known = a->config.networks.asn_db[0] != '\0',
			.feed = a->feed,
			.state = appliance_keeps_state(a) ? &a->state.report : NULL,
			.degraded = &a->degraded,
		});
	detector_score_by(tables.detector, &a->config.scorer);
	detector_lists(tables.detector, lists_names(a->lists));
	if (a->state.report.loaded)
		control_restored(&a->control);
	/* Above the numbers of every run before: less than a million events come a second. */
	if (a->live) {
		uint64_t first = (uint64_t)time(NULL) << EVENTS_A_SECOND_LOG2;

		/* Also when the clock was set back since. */
		detect_events_from(
			tables.detector, feed_first(a->feed) > first ? feed_first(a->feed) : first);
		if (feed_start(a->feed, a->board) < 0) {
			snprintf(err, ERROR_LINE_MAX, "export: no thread could be started");
			return EXIT_CODE_RUNTIME;
		}
	}
	a->control.report = (struct config_report){
		.generation =
			atomic_load_explicit(&a->about.config_generation, memory_order_relaxed),
		.loaded = (uint32_t)time(NULL),
	};
	return EXIT_CODE_OK;
}

int appliance_export(struct appliance *a, char err[ERROR_LINE_MAX])
{
	return rpz_start(&a->rpz,
		&(struct rpz_options){
			.config = &a->config,
			.psl = suffix_list_psl(a->suffixes),
			.board = a->board,
			.allow = a->allow,
			.degraded = &a->degraded,
		},
		err);
}

int appliance_serve(struct appliance *a, char err[ERROR_LINE_MAX])
{
	const struct http_config http = {
		.listen = a->config.http.listen,
		.max_connections = a->config.http.max_connections,
		.board = a->board,
		.mailbox = a->mailbox,
		.about = &a->about,
		.rpz = a->rpz,
		.access = a->access,
		.allow = a->allow,
		.acks = a->acks,
		.psl = suffix_list_psl(a->suffixes),
		.history = a->live && a->config.history.path[0] ? a->config.history.path : NULL,
	};
	char line[256] = "";

	if (a->config.http.listen[0] == '\0')
		return EXIT_CODE_OK;
	int rc = http_start(&a->http, &http, line, sizeof(line));
	if (rc == 0)
		return EXIT_CODE_OK;
	snprintf(err, ERROR_LINE_MAX, "http: %s", line);
	return rc == -EINVAL ? EXIT_CODE_CONFIG : EXIT_CODE_LISTEN;
}

void appliance_free(struct appliance *a)
{
	http_stop(a->http);
	rpz_stop(a->rpz);
	access_free(a->access);
	feed_stop(a->feed);
	snapshot_board_free(a->board);
	mailbox_free(a->mailbox);
	networks_close(a->networks);
	lists_free(a->lists);
	allow_close(a->allow);
	acks_close(a->acks);
	suffix_list_free(a->suffixes);
	settings_free(&a->settings);
	state_close(&a->state);
	a->http = NULL;
	a->rpz = NULL;
	a->access = NULL;
	a->feed = NULL;
	a->board = NULL;
	a->mailbox = NULL;
	a->networks = NULL;
	a->lists = NULL;
	a->allow = NULL;
	a->acks = NULL;
	a->suffixes = NULL;
}
