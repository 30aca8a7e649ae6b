/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "export/counters.h"
#include "export/exposition.h"
#include "export/process.h"
#include "export/prometheus.h"

#define PREFIX EXPOSITION_PREFIX

struct counter_text {
	FILE *f;
	const struct counter_family *last; /* whose head is written */
};

static void counter_line(void *ctx, const struct counter_family *family,
	const char *const keys[COUNTER_DEPTH], uint64_t value)
{
	struct counter_text *t = ctx;

	if (!family->metric)
		return;
	if (family != t->last)
		exposition_head(t->f, family->metric, family->help, family->gauge);
	t->last = family;
	fprintf(t->f, PREFIX "%s", family->metric);
	for (unsigned i = 0; i < COUNTER_DEPTH && keys[i]; i++) {
		fputc(i ? ',' : '{', t->f);
		exposition_label(t->f, family->label[i], keys[i]);
	}
	fprintf(t->f, "%s %" PRIu64 "\n", keys[0] ? "}" : "", value);
}

static void workers_text(FILE *f, const struct snapshot *s)
{
	for (unsigned c = 0; c < WORKER_COUNTERS; c++) {
		const struct port_counter *w = &worker_counters[c];

		exposition_head(f, w->metric, w->help, false);
		for (unsigned i = 0; i < s->workers; i++)
			fprintf(f, PREFIX "%s{worker=\"%u\",lcore=\"%u\"} %" PRIu64 "\n", w->metric,
				i, s->worker[i].lcore, counter_at(&s->worker[i], w->offset));
	}
	exposition_head(f, "worker_epochs_behind",
		"Epochs that a worker is behind the time of the day.", true);
	for (unsigned i = 0; i < s->workers; i++)
		fprintf(f, PREFIX "worker_epochs_behind{worker=\"%u\",lcore=\"%u\"} %" PRIu64 "\n",
			i, s->worker[i].lcore, s->worker[i].behind);
}

static void port_line(FILE *f, const char *metric, const struct port_status *p)
{
	fprintf(f, PREFIX "%s{", metric);
	exposition_label(f, "port", p->name);
}

static void ports_text(FILE *f, const struct snapshot *s)
{
	for (unsigned c = 0; c < PORT_COUNTERS && s->ports; c++) {
		const struct port_counter *p = &port_counters[c];

		exposition_head(f, p->metric, p->help, p->gauge);
		for (unsigned i = 0; i < s->ports; i++) {
			uint64_t value = counter_at(&s->port[i], p->offset);

			if (value == PORT_UNKNOWN)
				continue;
			port_line(f, p->metric, &s->port[i]);
			fprintf(f, "} %" PRIu64 "\n", value);
		}
	}
	if (!s->ports)
		return;
	exposition_head(f, "port_info", "A port and its tap; always 1.", true);
	for (unsigned i = 0; i < s->ports; i++) {
		port_line(f, "port_info", &s->port[i]);
		fputc(',', f);
		exposition_label(f, "profile", s->port[i].profile);
		fputc(',', f);
		exposition_label(f, "vantage", s->port[i].vantage);
		fputs("} 1\n", f);
	}
	exposition_head(f, "port_link_up", "1 while the port's link is up.", true);
	for (unsigned i = 0; i < s->ports; i++) {
		port_line(f, "port_link_up", &s->port[i]);
		fprintf(f, "} %d\n", s->port[i].link_up);
	}
	exposition_head(
		f, "port_loss_rate", "Share of frames lost in the last epoch that ended.", true);
	for (unsigned i = 0; i < s->ports; i++) {
		if (!isfinite(s->port[i].loss_rate))
			continue;
		port_line(f, "port_loss_rate", &s->port[i]);
		fprintf(f, "} %.6f\n", s->port[i].loss_rate);
	}
}

static void xdp_text(FILE *f, const struct snapshot *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->ports; i++) {
		if (!s->port[i].has_xdp)
			continue;
		if (!any)
			exposition_head(f, "port_xdp_frames_total",
				"Frames of an interface by what its XDP program did with them.",
				false);
		any = true;
		for (unsigned cause = 0; cause < STEER_CAUSES; cause++) {
			fprintf(f, PREFIX "port_xdp_frames_total{");
			exposition_label(f, "port", s->port[i].name);
			fprintf(f, ",cause=\"%s\"} %" PRIu64 "\n",
				steer_cause_name((enum steer_cause)cause),
				s->port[i].xdp.cause[cause]);
		}
	}
}

static void flagged_text(FILE *f, const struct snapshot *s)
{
	unsigned count[FLUX_CLASS_COUNT][2] = {{0}}, own = 0;

	for (unsigned i = 0; i < s->verdicts; i++) {
		count[s->verdict[i].class][s->verdict[i].suspected]++;
		own += s->verdict[i].features.own_addresses > 0;
	}
	exposition_head(f, "flagged_domains", "Domains flagged now.", true);
	for (unsigned c = FLUX_NONE + 1; c < FLUX_CLASS_COUNT; c++) {
		for (unsigned suspected = 0; suspected < 2; suspected++)
			fprintf(f, PREFIX "flagged_domains{class=\"%s\",suspected=\"%s\"} %u\n",
				flux_class_name((enum flux_class)c), suspected ? "true" : "false",
				count[c][suspected]);
	}
	exposition_head(
		f, "flagged_own_domains", "Of these, with addresses of own subscribers.", true);
	fprintf(f, PREFIX "flagged_own_domains %u\n", own);
}

static void degraded_text(FILE *f, const struct snapshot *s)
{
	exposition_head(f, "degraded", "1 when the sensor runs with this restriction.", true);
	for (unsigned i = 0; i < DEGRADED_COUNT; i++)
		fprintf(f, PREFIX "degraded{reason=\"%s\"} %u\n",
			snapshot_degraded_name((enum degraded_reason)i), s->degraded >> i & 1);
}

static void visibility_text(FILE *f, const struct snapshot *s)
{
	const struct visibility *v = &s->visibility;

	exposition_head(f, "visibility_flows",
		"Flows to encrypted resolvers in the last epoch, an estimate within 13 %.", true);
	for (unsigned t = 0; t < VISIBILITY_TRANSPORT_COUNT; t++)
		fprintf(f, PREFIX "visibility_flows{transport=\"%s\"} %.0f\n",
			visibility_transport_name((enum visibility_transport)t),
			hll_estimate(&v->flow[t]));
	exposition_head(f, "visibility_clients",
		"Clients seen with a kind of DNS in the last epoch, an estimate within 13 %.",
		true);
	fprintf(f, PREFIX "visibility_clients{dns=\"encrypted\"} %.0f\n",
		hll_estimate(&v->encrypted_client));
	fprintf(f, PREFIX "visibility_clients{dns=\"plain\"} %.0f\n",
		hll_estimate(&v->plain_client));
	exposition_head(f, "visibility_encrypted_client_share",
		"Share of clients seen with an encrypted resolver, 0 to 1, an estimate.", true);
	fprintf(f, PREFIX "visibility_encrypted_client_share %.3f\n",
		visibility_encrypted_share(v));
}

/* Nothing where no state is kept. */
static void state_text(FILE *f, const struct state_report *r)
{
	if (!r->path)
		return;
	exposition_number(f, "state_saves_total", "States saved since start.", false, r->saves);
	exposition_number(
		f, "state_failures_total", "States that could not be saved.", false, r->failures);
	exposition_number(
		f, "state_torn_total", "States begun anew because an epoch ended.", false, r->torn);
	exposition_number(
		f, "state_size_bytes", "Size of the newest state on the disk.", true, r->octets);
	exposition_number(f, "state_saved_time_seconds",
		"Time of the newest state on the disk, seconds since 1970; 0: there is none.", true,
		r->saved);
	exposition_head(f, "state_write_seconds", "Time that it took to write it.", true);
	fprintf(f, PREFIX "state_write_seconds %.9f\n", (double)r->write_ns * 1e-9);
	exposition_head(f, "state_longest_step_seconds",
		"Longest that control was held up by saving.", true);
	fprintf(f, PREFIX "state_longest_step_seconds %.9f\n", (double)r->step_ns * 1e-9);
	exposition_head(f, "state_loaded", "What the start found; 1 for the one that holds.", true);
	for (unsigned i = 0; i < STATE_LOAD_COUNT; i++)
		fprintf(f, PREFIX "state_loaded{result=\"%s\"} %d\n",
			state_load_name((enum state_load_result)i), r->load == i);
}

/* Nothing where no zone is kept. */
static void blocking_text(FILE *f, const struct rpz_picture *p)
{
	exposition_head(
		f, "blocking_mode", "Whether the zone blocks; 1 for the mode that holds.", true);
	for (unsigned mode = 0; mode < RPZ_MODE_COUNT; mode++)
		fprintf(f, PREFIX "blocking_mode{mode=\"%s\"} %d\n",
			config_rpz_mode_name((enum config_rpz_mode)mode), p->mode == mode);
	exposition_number(f, "blocking_listed_domains",
		"Domains in the zone, or that mode block would put there.", true, p->listed);
	exposition_number(f, "blocking_waiting_domains",
		"Domains that wait for additions to go on.", true, p->waiting);
	exposition_number(f, "blocking_additions",
		"Domains that came in within the last hour that was watched.", true, p->additions);
	exposition_number(
		f, "blocking_frozen", "1 while additions are frozen.", true, p->frozen_since != 0);
	exposition_number(f, "blocking_behind", "1 while a file of the zone could not be written.",
		true, p->error[0] != '\0');
	exposition_number(f, "blocking_serial", "Serial of the zone.", true, p->serial);
}

/* A number of each output that is configured. */
static void feed_numbers(FILE *f, const struct feed_report *r, const char *metric, const char *help,
	bool gauge, size_t offset)
{
	exposition_head(f, metric, help, gauge);
	for (unsigned k = 0; k < FEED_OUTPUT_COUNT; k++)
		if (r->output[k].configured)
			fprintf(f, PREFIX "%s{output=\"%s\"} %" PRIu64 "\n", metric,
				feed_output_name((enum feed_output_kind)k),
				counter_at(&r->output[k], offset));
}

static void feed_text(FILE *f, const struct feed_report *r)
{
#define OF(field) offsetof(struct feed_output_report, field)
	if (!r->running)
		return;
	exposition_number(f, "export_events_missed_total",
		"Events that came faster than they were handed on.", false, r->missed);
	feed_numbers(
		f, r, "export_delivered_total", "Events that an output got.", false, OF(delivered));
	feed_numbers(
		f, r, "export_lost_total", "Events that an output did not get.", false, OF(lost));
	feed_numbers(f, r, "export_failures_total", "Attempts to write that failed.", false,
		OF(failures));
	feed_numbers(f, r, "export_waiting_events", "Events that wait for an output.", true,
		OF(waiting));
#undef OF
	exposition_head(f, "export_up", "1 while an output can be written to.", true);
	for (unsigned k = 0; k < FEED_OUTPUT_COUNT; k++)
		if (r->output[k].configured)
			fprintf(f, PREFIX "export_up{output=\"%s\"} %d\n",
				feed_output_name((enum feed_output_kind)k), r->output[k].up);
	if (!r->output[FEED_HISTORY].configured)
		return;
	exposition_number(f, "history_events", "Events in the history.", true, r->history.events);
	exposition_number(
		f, "history_size_bytes", "Size of the history's file.", true, r->history.octets);
	exposition_number(f, "history_removed_total", "Events deleted for their age or for room.",
		false, r->history.removed);
}

static void about_text(FILE *f, const struct about *about, uint32_t started, bool ready)
{
	exposition_head(f, "build_info", "The program; always 1.", true);
	fprintf(f, PREFIX "build_info{");
	exposition_label(f, "version", about->version);
	fputc(',', f);
	exposition_label(f, "dpdk", about->dpdk);
	fputc(',', f);
	exposition_label(f, "mode", about->mode);
	fprintf(f, "} 1\n");
	exposition_number(f, "start_time_seconds", "When the program started, seconds since 1970.",
		true, started);
	exposition_number(f, "config_generation", "Configurations put in force since start.", true,
		about->config_generation);
	exposition_number(f, "ready", "1 once the first epoch is in.", true, ready);
}

/* Seconds since a moment in nanoseconds since 1970. */
static double age_of(uint64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	double age = (double)now.tv_sec + (double)now.tv_nsec * 1e-9 - (double)ns * 1e-9;
	return age > 0 ? age : 0;
}

/* Signs of life, as of now: they age also when nothing is published any more. */
static void live_text(FILE *f, const struct snapshot *s)
{
	exposition_head(f, "worker_heartbeat_age_seconds",
		"Time since a worker entered an epoch; an epoch and a little at most while it "
		"lives.",
		true);
	for (unsigned i = 0; i < s->workers; i++)
		if (s->worker[i].seen_ns)
			fprintf(f,
				PREFIX "worker_heartbeat_age_seconds{worker=\"%u\",lcore=\"%u\"} "
				       "%.3f\n",
				i, s->worker[i].lcore, age_of(s->worker[i].seen_ns));
	exposition_head(f, "snapshot_age_seconds",
		"Time since control published; an epoch and a little at most while it lives.",
		true);
	fprintf(f, PREFIX "snapshot_age_seconds %.3f\n", age_of(s->published_ns));
	exposition_histogram(f, "epoch_lag_seconds",
		"From the end of an epoch until it was merged, since start.", &s->lags, 11, 26);
}

static void snapshot_text(FILE *f, const struct snapshot *s)
{
	struct counter_text counters = {f, NULL};

	counters_each(s, counter_line, &counters);
	workers_text(f, s);
	ports_text(f, s);
	xdp_text(f, s);
	flagged_text(f, s);
	degraded_text(f, s);
	exposition_number(f, "config_reloads_refused_total", "Reloads that changed nothing.", false,
		s->config.refused);
	exposition_number(f, "config_keys_waiting",
		"Keys that differ in the file and need a restart.", true, s->config.waiting);
	visibility_text(f, s);
	state_text(f, &s->state);
	feed_text(f, &s->feed);
	exposition_number(f, "epoch", "Number of the last epoch that is in.", true, s->epoch);
	exposition_number(f, "epochs_total", "Epochs merged.", false, s->epochs);
	exposition_number(f, "epoch_end_time_seconds", "End of that epoch, seconds since 1970.",
		true, s->time);
	exposition_number(f, "snapshot_generation", "Snapshots published.", true, s->generation);
	if (s->imbalance) {
		exposition_head(
			f, "worker_imbalance", "Frames of the busiest worker over the mean.", true);
		fprintf(f, PREFIX "worker_imbalance %.3f\n", s->imbalance / 1000.0);
	}
	exposition_head(f, "merge_seconds", "Time that the last merge took.", true);
	fprintf(f, PREFIX "merge_seconds %.9f\n", (double)s->merge_ns * 1e-9);
	/* 128 us to 17 s, and 2 ms to 67 s. */
	exposition_histogram(f, "merge_duration_seconds", "Time that merges took since start.",
		&s->merges, 7, 24);
	if (s->published_ns)
		live_text(f, s);
}

char *prometheus_text(const struct about *about, const struct snapshot *s, uint32_t started,
	const struct prometheus_sources *sources, size_t *len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, len);

	if (!f)
		return NULL;
	about_text(f, about, started, s != NULL);
	process_text(f);
	if (sources->requests)
		request_text(f, sources->requests);
	if (sources->blocking)
		blocking_text(f, sources->blocking);
	if (s)
		snapshot_text(f, s);
	bool failed = ferror(f);
	if (fclose(f) == EOF || failed) {
		free(text);
		return NULL;
	}
	return text;
}
