/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "listing.h"
#include "render.h"
#include "sse.h"
#include "table.h"
#include "text.h"

#define LIMIT "1000"
#define POLL_SECONDS 2u
#define BUSY_SECONDS 5u
#define RETRY_LEAST 1u
#define RETRY_MOST 30u

static enum style event_style(const char *event)
{
	if (strcmp(event, "raised") == 0 || strcmp(event, "upgraded") == 0)
		return STYLE_BAD;
	return strcmp(event, "changed") == 0 ? STYLE_WARN : STYLE_GOOD;
}

/* One line an event with the name at its end: a stream has no widths to wait for. */
static void event_line(const struct out *o, const json_t *e)
{
	const char *event = member_text(e, "event");
	char n[NUMBER_MAX];

	fprintf(o->to, "%-20s  ", member_text(e, "time"));
	out_print(o, event_style(event), "%-8s", event);
	fprintf(o->to, "  %-11s  %5s  %6s  %s%s\n", member_text(e, "class"),
		member_print(e, "score", 1, n), member_text(e, "window"), member_text(e, "domain"),
		json_is_true(member(e, "suspected")) ? "  (suspected)" : "");
}

static void event_head(const struct out *o)
{
	out_print(o, STYLE_HEAD, "%-20s  %-8s  %-11s  %5s  %6s  %s", "TIME", "EVENT", "CLASS",
		"SCORE", "WINDOW", "DOMAIN");
	fputc('\n', o->to);
}

int render_events(const struct out *o, const json_t *events)
{
	const json_t *e;
	size_t i;

	event_head(o);
	json_array_foreach(events, i, e)
	{
		event_line(o, e);
	}
	return 0;
}

struct follower {
	struct ctl *ctl;
	struct sse *sse;
	char since[24]; /* sequence of the event told last; empty: from the oldest */
	bool headed;
	bool reached;   /* it has answered once: it may go and come back */
	bool streams;   /* false: the sensor has no stream */
	unsigned retry; /* seconds until the next try */
	int flushed;    /* CTL_OK while what is told goes out */
};

/* The head of the table, once there is an answer. */
static void head_tell(struct follower *f)
{
	if (!f->headed && !f->ctl->options.value[OPTION_JSON]) {
		event_head(&f->ctl->out);
		f->flushed = ctl_flush(f->ctl);
	}
	f->headed = true;
}

static void since_set(struct follower *f, const json_t *sequence)
{
	if (json_is_integer(sequence))
		snprintf(f->since, sizeof(f->since), "%" JSON_INTEGER_FORMAT,
			json_integer_value(sequence));
}

/* `text` is the event as the sensor wrote it; a line of its own with --json. */
static void event_tell(struct follower *f, const char *text, size_t len)
{
	const struct out *o = &f->ctl->out;
	json_t *event;

	if (f->flushed != CTL_OK)
		return;
	event = answer_clean(text, len);
	if (!json_is_object(event)) {
		/* Not ours to print; the next one may be. */
	} else if (!f->ctl->options.value[OPTION_JSON]) {
		event_line(o, event);
	} else if (text_is_plain(text, len)) {
		fprintf(o->to, "%s\n", text);
	} else {
		json_dumpf(event, o->to, JSON_COMPACT);
		fputc('\n', o->to);
	}
	since_set(f, member(event, "sequence"));
	json_decref(event);
	f->flushed = ctl_flush(f->ctl);
}

static void sse_taken(void *ctx, const char *event, const char *data, size_t len)
{
	struct follower *f = ctx;

	f->retry = RETRY_LEAST;
	if (strcmp(event, "verdict") == 0)
		event_tell(f, data, len);
}

static bool stream_taken(void *ctx, const char *data, size_t len)
{
	struct follower *f = ctx;

	head_tell(f);
	return sse_feed(f->sse, data, len) && f->flushed == CTL_OK;
}

static void events_path(const struct follower *f, const char *route, struct path *p)
{
	path_start(p, route);
	if (f->since[0])
		path_param(p, "since", f->since);
}

/* What a status other than 200 means to one who goes on: CTL_OK, or the end. */
static int refusal(struct follower *f, const struct path *p, const struct response *r)
{
	if (r->status == 410 && r->problem && f->since[0]) {
		fprintf(stderr,
			"fluxgatectl: events after %s are not held: going on from the oldest\n",
			f->since);
		f->since[0] = '\0';
		f->retry = 0;
		return CTL_OK;
	}
	/* A proxy, too, says so of a sensor that is away for a moment. */
	if (r->status == 503 && (r->problem || f->reached)) {
		f->retry = BUSY_SECONDS;
		return CTL_OK;
	}
	return answer_refused(f->ctl, p, r);
}

/* A page of events. */
static int page_tell(struct follower *f, const struct response *r)
{
	json_t *tree = json_loadb(r->body ? r->body : "", r->len, 0, NULL), *e;
	const json_t *events = member(tree, "events");
	int rc = CTL_OK;
	size_t i;

	if (!answer_is_ours(tree) || !json_is_array(events)) {
		rc = ctl_fail(f->ctl, CTL_SERVER, "%s: an answer without events: is that a sensor?",
			client_where(f->ctl->client));
		goto end;
	}
	head_tell(f);
	json_array_foreach(events, i, e)
	{
		char *text = json_dumps(e, JSON_COMPACT);

		if (text)
			event_tell(f, text, strlen(text));
		free(text);
	}
	since_set(f, member(tree, "next_since"));
	f->retry = json_array_size(events) ? 0 : POLL_SECONDS;
end:
	json_decref(tree);
	return rc;
}

static int poll_once(struct follower *f)
{
	struct path p;
	struct response r;

	events_path(f, "/api/v1/events", &p);
	path_param(&p, "limit", LIMIT);
	int rc = client_ask(f->ctl, "GET", &p, NULL, &r);
	if (rc == CTL_OK)
		rc = r.status == 200 ? page_tell(f, &r) : refusal(f, &p, &r);
	free(r.body);
	return rc;
}

static int stream_once(struct follower *f)
{
	struct path p;
	struct response r;

	f->sse->n = f->sse->data_n = 0;
	f->sse->broken = false;
	events_path(f, "/api/v1/events/stream", &p);
	int rc = client_stream(f->ctl, &p, stream_taken, f, &r);
	f->reached |= rc == CTL_CONNECT && r.status == 200;
	if (f->sse->broken) {
		rc = ctl_fail(f->ctl, CTL_SERVER,
			"%s: an event of more than %u KiB: is that a sensor?",
			client_where(f->ctl->client), SSE_LINE_MAX >> 10);
	} else if (rc == CTL_OK && r.status == 404) {
		f->streams = false;
		f->retry = 0;
	} else if (rc == CTL_OK && r.status == 503) {
		rc = poll_once(f);
		f->retry = BUSY_SECONDS;
	} else if (rc == CTL_OK && r.status != 200) {
		rc = refusal(f, &p, &r);
	}
	free(r.body);
	return rc;
}

/* Somebody must be there at first; later a sensor may go and come back. */
static int follow(struct ctl *ctl)
{
	struct follower f = {.ctl = ctl, .streams = true, .retry = RETRY_LEAST};
	const char *since = ctl->options.value[OPTION_SINCE];
	int rc;

	f.sse = calloc(1, sizeof(*f.sse));
	if (!f.sse)
		return ctl_no_memory(ctl);
	f.sse->take = sse_taken;
	f.sse->ctx = &f;
	snprintf(f.since, sizeof(f.since), "%s", since ? since : "");
	for (;;) {
		rc = f.streams ? stream_once(&f) : poll_once(&f);
		if (rc == CTL_CONNECT && f.reached) {
			fprintf(stderr, "fluxgatectl: %s: trying again in %u s\n", ctl->error,
				f.retry);
			sleep(f.retry);
			f.retry = 2 * f.retry < RETRY_MOST ? 2 * f.retry + !f.retry : RETRY_MOST;
			continue;
		}
		if (rc == CTL_OK)
			rc = f.flushed;
		if (rc)
			break;
		f.reached = true;
		sleep(f.retry);
	}
	free(f.sse);
	return rc;
}

/* Page by page to the end of what is held, or one page with --limit. */
static int told_so_far(struct ctl *ctl)
{
	const char *limit = ctl->options.value[OPTION_LIMIT];
	struct follower f = {.ctl = ctl};
	const json_t *e;
	size_t i, count;
	int rc;

	if (ctl->options.value[OPTION_SINCE])
		snprintf(f.since, sizeof(f.since), "%s", ctl->options.value[OPTION_SINCE]);
	do {
		struct path p;
		json_t *tree = NULL;

		events_path(&f, "/api/v1/events", &p);
		path_param(&p, "limit", limit ? limit : LIMIT);
		rc = ctl->options.value[OPTION_JSON] ? answer_raw_tree(ctl, &p, &tree)
						     : answer_get(ctl, &p, &tree);
		if (rc == CTL_OK)
			head_tell(&f);
		count = json_array_size(member(tree, "events"));
		since_set(&f, member(tree, "next_since"));
		json_array_foreach(member(tree, "events"), i, e)
		{
			if (!ctl->options.value[OPTION_JSON])
				event_line(&ctl->out, e);
		}
		json_decref(tree);
	} while (rc == CTL_OK && !limit && count == (size_t)atoi(LIMIT));
	return rc;
}

int command_events(struct ctl *ctl)
{
	const char *since = ctl->options.value[OPTION_SINCE];

	if (since && (strlen(since) > 16 || since[strspn(since, "0123456789")]))
		return ctl_fail(
			ctl, CTL_USAGE, "--since: %.40s: the sequence number of an event", since);
	if (ctl->options.value[OPTION_FOLLOW] && ctl->options.value[OPTION_LIMIT])
		return ctl_fail(ctl, CTL_USAGE, "--follow, --limit: name one of them");
	return ctl->options.value[OPTION_FOLLOW] ? follow(ctl) : told_so_far(ctl);
}

int command_history(struct ctl *ctl)
{
	static const struct listing listing = {
		.path = "/api/v1/history",
		.member = "events",
		.render = render_events,
	};

	return listing_run(ctl, &listing);
}
