/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>
#include <rte_version.h>

#include "dns/dns.h"
#include "export/counters.h"
#include "export/telemetry.h"

#if RTE_VERSION < RTE_VERSION_NUM(23, 3, 0, 0)
#define rte_tel_data_add_dict_uint rte_tel_data_add_dict_u64
#endif

/* Commands carry no context. The lock is between management threads only. */
static struct {
	pthread_mutex_t lock;
	struct snapshot_board *board; /* NULL: nothing to answer from */
	const struct about *about;
} source = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int status_fill(struct rte_tel_data *d, const struct snapshot *s)
{
	struct rte_tel_data *degraded = rte_tel_data_alloc();
	int bad = 0;

	if (!degraded)
		return -ENOMEM;
	rte_tel_data_start_dict(degraded);
	for (unsigned i = 0; i < DEGRADED_COUNT; i++)
		bad |= rte_tel_data_add_dict_int(degraded,
			snapshot_degraded_name((enum degraded_reason)i), s->degraded >> i & 1);
	bad |= rte_tel_data_add_dict_uint(d, "generation", s->generation);
	bad |= rte_tel_data_add_dict_uint(d, "epochs", s->epochs);
	bad |= rte_tel_data_add_dict_uint(d, "time", s->time);
	bad |= rte_tel_data_add_dict_uint(d, "received", s->account.received);
	bad |= rte_tel_data_add_dict_uint(d, "flagged", s->verdicts);
	bad |= rte_tel_data_add_dict_uint(d, "accounting_error", s->accounting_error);
	bad |= rte_tel_data_add_dict_uint(d, "epochs_with_error", s->epochs_with_error);
	bad |= rte_tel_data_add_dict_container(d, "degraded", degraded, 0);
	return bad ? -ENOSPC : 0;
}

static int status_answer(const struct snapshot *s, const char *params, struct rte_tel_data *d)
{
	(void)params;
	rte_tel_data_start_dict(d);
	if (rte_tel_data_add_dict_string(d, "version", source.about->version) ||
		rte_tel_data_add_dict_string(d, "mode", source.about->mode) ||
		rte_tel_data_add_dict_int(d, "ready", s != NULL))
		return -ENOSPC;
	return s ? status_fill(d, s) : 0;
}

struct stats_walk {
	struct rte_tel_data *d;
	const char *part; /* "": all */
	int bad;
};

/* "tcp/octets/held"; names may have no dots in DPDK. */
static void stats_count(void *ctx, const struct counter_family *family,
	const char *const keys[COUNTER_DEPTH], uint64_t value)
{
	struct stats_walk *w = ctx;
	char name[RTE_TEL_MAX_STRING_LEN];
	size_t n = 0, part = strlen(w->part);

	for (unsigned i = 0; i < 2 * COUNTER_DEPTH && n < sizeof(name); i++) {
		const char *step = i < COUNTER_DEPTH ? family->path[i] : keys[i - COUNTER_DEPTH];

		if (step)
			n += (size_t)snprintf(
				name + n, sizeof(name) - n, "%s%s", n ? "/" : "", step);
	}
	if (part && (strncmp(name, w->part, part) != 0 || (name[part] && name[part] != '/')))
		return;
	w->bad |= rte_tel_data_add_dict_uint(w->d, name, value);
}

static int stats_answer(const struct snapshot *s, const char *params, struct rte_tel_data *d)
{
	struct stats_walk w = {d, params ? params : "", 0};

	rte_tel_data_start_dict(d);
	if (s)
		counters_each(s, stats_count, &w);
	return w.bad ? -ENOSPC : 0;
}

/* DPDK has no lists of objects: places are keys. A name that is too long for the socket is cut, and
 * ends in dots. */
static int domain_add(struct rte_tel_data *to, unsigned long place, const struct verdict *v)
{
	struct rte_tel_data *d = rte_tel_data_alloc();
	char name[DNS_TEXT_MAX], key[24];
	int bad = 0;

	if (!d)
		return -ENOMEM;
	if (dns_name_text(v->name, v->name_len, name, sizeof(name)) >= RTE_TEL_MAX_STRING_LEN)
		memcpy(name + RTE_TEL_MAX_STRING_LEN - 4, "...", 4);
	rte_tel_data_start_dict(d);
	bad |= rte_tel_data_add_dict_string(d, "domain", name);
	bad |= rte_tel_data_add_dict_string(d, "class", flux_class_name(v->class));
	bad |= rte_tel_data_add_dict_int(d, "suspected", v->suspected);
	bad |= rte_tel_data_add_dict_int(d, "score", (int)(v->score + 0.5));
	bad |= rte_tel_data_add_dict_int(d, "addresses", (int)(v->features.addresses + 0.5));
	bad |= rte_tel_data_add_dict_int(d, "networks", (int)(v->features.networks + 0.5));
	bad |= rte_tel_data_add_dict_uint(d, "first_flagged", v->first_flagged);
	snprintf(key, sizeof(key), "%lu", place);
	bad |= rte_tel_data_add_dict_container(to, key, d, 0);
	return bad ? -ENOSPC : 0;
}

static int domains_answer(const struct snapshot *s, const char *params, struct rte_tel_data *d)
{
	char *end = NULL;
	unsigned long from = params ? strtoul(params, &end, 10) : 0;
	int rc;

	if (params && (*params < '0' || *params > '9' || *end))
		return -EINVAL;
	rte_tel_data_start_dict(d);
	rc = rte_tel_data_add_dict_uint(d, "flagged", s ? s->verdicts : 0);
	for (unsigned long i = from; s && rc == 0 && i < s->verdicts; i++) {
		if (i - from == TELEMETRY_DOMAINS)
			break;
		rc = domain_add(d, i, &s->verdict[i]);
	}
	return rc;
}

typedef int answer_fn(const struct snapshot *s, const char *params, struct rte_tel_data *d);

static int answer(answer_fn *fn, const char *params, struct rte_tel_data *d)
{
	int rc = -ENODEV;

	if (params && *params == '\0')
		params = NULL;
	pthread_mutex_lock(&source.lock);
	if (source.board) {
		const struct snapshot *s = snapshot_get(source.board);

		rc = fn(s, params, d);
		snapshot_put(s);
	}
	pthread_mutex_unlock(&source.lock);
	return rc;
}

static int status(const char *command, const char *params, struct rte_tel_data *d)
{
	(void)command;
	return answer(status_answer, params, d);
}

static int stats(const char *command, const char *params, struct rte_tel_data *d)
{
	(void)command;
	return answer(stats_answer, params, d);
}

static int domains(const char *command, const char *params, struct rte_tel_data *d)
{
	(void)command;
	return answer(domains_answer, params, d);
}

int telemetry_start(struct snapshot_board *board, const struct about *about)
{
	int rc = rte_telemetry_register_cmd(
		"/fluxgate/status", status, "The program and its restrictions. No parameters.");

	if (rc == 0)
		rc = rte_telemetry_register_cmd("/fluxgate/stats", stats,
			"Counters since start. Parameter: a part of the tree, such as rx.");
	if (rc == 0)
		rc = rte_telemetry_register_cmd("/fluxgate/domains", domains,
			"Flagged domains, best first, 32 of them. Parameter: from which on.");
	pthread_mutex_lock(&source.lock);
	source.about = about;
	source.board = board;
	pthread_mutex_unlock(&source.lock);
	return rc;
}

void telemetry_stop(void)
{
	pthread_mutex_lock(&source.lock);
	source.board = NULL;
	pthread_mutex_unlock(&source.lock);
}
