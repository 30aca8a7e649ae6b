/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "reload.h"
#include "thread.h"
#include "service.h"

void reload_init(struct reload *r, struct appliance *appliance, reload_read_fn *read, void *ctx)
{
	memset(r, 0, sizeof(*r));
	r->appliance = appliance;
	r->read = read;
	r->ctx = ctx;
	atomic_init(&r->done, false);
}

static void *load(void *arg)
{
	struct reload *r = arg;

	r->err[0] = '\0';
	r->networks = NULL;
	r->lists = NULL;
	r->guards = NULL;
	r->access = NULL;
	r->code = r->read(r->ctx, &r->next, r->err);
	/* Opened also under the same path: a file renamed over the old one is another. */
	if (r->code == EXIT_CODE_OK && appliance_networks(&r->networks, &r->next, r->err) < 0)
		r->code = EXIT_CODE_DATABASE;
	if (r->code == EXIT_CODE_OK && lists_load(&r->lists, &r->next,
					       suffix_list_psl(r->appliance->suffixes), r->err) < 0)
		r->code = EXIT_CODE_CONFIG;
	if (r->code == EXIT_CODE_OK && rpz_guards_load(&r->guards, &r->next,
					       suffix_list_psl(r->appliance->suffixes), r->err) < 0)
		r->code = EXIT_CODE_CONFIG;
	/* Their paths wait for a restart, what is in the files does not. */
	if (r->code == EXIT_CODE_OK && r->appliance->access &&
		access_files_read(&r->access, &r->appliance->config.http, r->err) < 0)
		r->code = EXIT_CODE_CONFIG;
	atomic_store_explicit(&r->done, true, memory_order_release);
	return NULL;
}

static void unused_free(struct reload *r)
{
	networks_close(r->networks);
	lists_free(r->lists);
	rpz_guards_free(r->guards);
	access_files_free(r->access);
	r->networks = NULL;
	r->lists = NULL;
	r->guards = NULL;
	r->access = NULL;
}

static void refuse(struct reload *r, const char *why)
{
	struct config_report *report = &r->appliance->control.report;

	report->refused++;
	snprintf(report->error, sizeof(report->error), "%s", why);
	log_line(LOG_LEVEL_ERROR, "reload: nothing changed: %s", why);
	unused_free(r);
}

static void start(struct reload *r)
{
	atomic_store_explicit(&r->done, false, memory_order_relaxed);
	r->loading = thread_start(&r->loader, load, r) == 0;
	if (!r->loading)
		refuse(r, "no thread could be started to read the configuration");
}

/* Names what the file says and only a restart brings. */
static void tell_waiting(const struct config_report *report)
{
	char keys[LOG_LINE_MAX] = "";
	size_t n = 0;

	for (unsigned i = 0; i < report->waiting && n < sizeof(keys); i++)
		n += (size_t)snprintf(
			keys + n, sizeof(keys) - n, "%s%s", i ? ", " : "", report->key[i]);
	if (report->waiting)
		log_line(LOG_LEVEL_WARNING, "reload: needs a restart: %s", keys);
}

/* All that can fail, before anything is changed. */
static int prepare(struct reload *r, struct config *running, struct config_report *report)
{
	struct appliance *a = r->appliance;
	struct wire_config wire;

	*running = a->config;
	*report = a->control.report;
	if (config_needs_restart(&a->config, &r->next, report->key, &report->waiting) < 0 ||
		config_take(running, &r->next) < 0)
		return -1;
	config_wire(running, &wire);
	return settings_offer(&a->settings, &wire);
}

static void apply(struct reload *r)
{
	struct appliance *a = r->appliance;
	struct config running;
	struct config_report report;

	if (prepare(r, &running, &report) < 0) {
		refuse(r, "out of memory");
		return;
	}
	a->config = running;
	log_level_set((enum log_level)running.log.level);
	struct net_lookup lookup = networks_lookup(r->networks);
	control_reload(&a->control, &running.detect, &running.scorer, lists_names(r->lists),
		&lookup, running.networks.asn_db[0] != '\0');
	feed_configure(a->feed, &running);
	networks_close(a->networks);
	lists_free(a->lists);
	a->networks = r->networks;
	a->lists = r->lists;
	rpz_reload(a->rpz, &running, r->guards);
	if (r->access) {
		access_take(a->access, r->access);
		/* Renamed since the loader opened it? SIGUSR1 was for the log before then. */
		access_audit_reopen(a->access);
	}
	r->networks = NULL;
	r->lists = NULL;
	r->guards = NULL;
	r->access = NULL;

	report.generation++;
	report.loaded = (uint32_t)time(NULL);
	report.error[0] = '\0';
	a->control.report = report;
	atomic_store_explicit(&a->about.config_generation, report.generation, memory_order_relaxed);
	log_line(LOG_LEVEL_NOTICE, "reload: configuration %u is in force", report.generation);
	tell_waiting(&report);
}

bool reload_step(struct reload *r, bool asked)
{
	struct appliance *a = r->appliance;

	settings_settle(&a->settings);
	if (r->loading && atomic_load_explicit(&r->done, memory_order_acquire)) {
		pthread_join(r->loader, NULL);
		r->loading = false;
		if (r->code == EXIT_CODE_OK)
			apply(r);
		else
			refuse(r, r->err);
		/* What is not ready does not become so by a reload. */
		if (a->control.generation)
			control_publish(&a->control);
		service_reloaded();
	}
	if (!asked || r->loading)
		return false;
	service_reloading();
	start(r);
	if (!r->loading)
		service_reloaded();
	return true;
}

void reload_end(struct reload *r)
{
	if (!r->loading)
		return;
	pthread_join(r->loader, NULL);
	r->loading = false;
	unused_free(r);
}
