/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "dns/dns.h"
#include "export/json.h"
#include "http/stream.h"
#include "thread.h"

/* A name of presentation form and what stands around it. */
#define RECORD_MAX (DNS_TEXT_MAX + 512u)

#define BLOCK_OCTETS 4096u
#define SEND_OCTETS (64 * 1024) /* what the kernel keeps for a slow reader */
#define SEND_TIMEOUT_MS 30000u  /* after which a peer that says nothing is gone */
#define STOP_MS UINT64_C(1000)
#define HEARTBEAT_MS (STREAM_HEARTBEAT_SECONDS * UINT64_C(1000))

struct stream {
	struct streams *all;
	struct MHD_Connection *connection;
	uint64_t next;            /* event to send next */
	uint32_t generation;      /* of the snapshot told last; 0: none */
	uint32_t beat;            /* heartbeat sent last */
	uint32_t tokens;          /* generation of those that it was let in by */
	bool suspended;           /* under the lock */
	LIST_ENTRY(stream) entry; /* under the lock */
	size_t at, len;           /* what is left of the record is record[at..len) */
	char record[RECORD_MAX];
};

struct streams {
	struct snapshot_board *board;
	const struct access *access;
	pthread_t thread;
	unsigned max;
	pthread_mutex_t lock; /* of all below, and of what streams have under it */
	pthread_cond_t gone;  /* signalled when the last stream ends */
	unsigned count;
	uint32_t turn; /* counts the times that all were let go on */
	uint32_t beat; /* counts heartbeats */
	bool stopping;
	LIST_HEAD(, stream) list;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Takes the tree over. False when it could not be made. */
static bool record_fill(struct stream *s, const char *event, uint64_t id, json_t *tree)
{
	int head = snprintf(s->record, sizeof(s->record), "event: %s\nid: %llu\ndata: ", event,
		(unsigned long long)id);
	size_t room = sizeof(s->record) - (size_t)head - 2;
	size_t len = tree ? json_dumpb(tree, s->record + head, room,
				    JSON_COMPACT | JSON_REAL_PRECISION(12))
			  : 0;

	json_decref(tree);
	if (len == 0 || len > room)
		return false;
	s->at = 0;
	s->len = (size_t)head + len;
	s->record[s->len++] = '\n';
	s->record[s->len++] = '\n';
	return true;
}

/* The next record. 1: there is one; 0: nothing to say; -1: the stream ends. */
static int record_next(struct stream *s, const struct snapshot *now, uint32_t beat)
{
	if (s->next < events_oldest(&now->events))
		return -1;
	if (s->next < now->events.next) {
		const struct verdict_event *e = events_at(&now->events, s->next);
		s->next++;
		return record_fill(s, "verdict", e->sequence, export_event(e)) ? 1 : -1;
	}
	if (s->generation != now->generation) {
		s->generation = now->generation;
		return record_fill(s, "snapshot", s->next - 1, export_snapshot_event(now)) ? 1 : -1;
	}
	if (s->beat == beat)
		return 0;
	s->beat = beat;
	s->at = 0;
	s->len = (size_t)snprintf(s->record, sizeof(s->record), ":\n\n");
	return 1;
}

/* Octets of what fits in `buf`; 0 or less as record_next. */
static ssize_t stream_fill(struct stream *s, uint32_t beat, char *buf, size_t max)
{
	const struct snapshot *now = snapshot_get(s->all->board);
	size_t n = 0;
	int rc = 1;

	while (n < max && (s->at < s->len || (rc = record_next(s, now, beat)) > 0)) {
		size_t part = s->len - s->at < max - n ? s->len - s->at : max - n;
		memcpy(buf + n, s->record + s->at, part);
		s->at += part;
		n += part;
	}
	snapshot_put(now);
	return n > 0 ? (ssize_t)n : rc;
}

/* Nothing was to be said as of `turn`: true when it waits now, false to look again. */
static bool stream_wait(struct stream *s, uint32_t turn)
{
	struct streams *all = s->all;

	pthread_mutex_lock(&all->lock);
	bool wait = all->turn == turn;
	if (wait) {
		s->suspended = true;
		MHD_suspend_connection(s->connection);
	}
	pthread_mutex_unlock(&all->lock);
	return wait;
}

static ssize_t stream_read(void *ctx, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = ctx;
	struct streams *all = s->all;

	(void)pos;
	for (;;) {
		pthread_mutex_lock(&all->lock);
		uint32_t turn = all->turn, beat = all->beat;
		bool stopping = all->stopping;
		pthread_mutex_unlock(&all->lock);

		/* Whoever may still read comes again, with what is in force now. */
		bool ends = stopping || access_generation(all->access) != s->tokens;
		ssize_t n = ends ? -1 : stream_fill(s, beat, buf, max);
		if (n < 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (n > 0 || stream_wait(s, turn))
			return n;
	}
}

static void stream_close(void *ctx)
{
	struct stream *s = ctx;
	struct streams *all = s->all;

	pthread_mutex_lock(&all->lock);
	LIST_REMOVE(s, entry);
	if (--all->count == 0)
		pthread_cond_signal(&all->gone);
	pthread_mutex_unlock(&all->lock);
	free(s);
}

/* Bounds what a reader that is slow, or gone without a word, costs. Unix sockets have less to set.
 */
static void socket_bound(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int octets = SEND_OCTETS;
	unsigned ms = SEND_TIMEOUT_MS;

	if (!info)
		return;
	setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
	setsockopt(info->connect_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

struct MHD_Response *stream_open(
	struct streams *all, struct MHD_Connection *connection, uint64_t next, uint32_t tokens)
{
	struct MHD_Response *response = NULL;
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->all = all;
	s->connection = connection;
	s->next = next;
	s->tokens = tokens;
	pthread_mutex_lock(&all->lock);
	bool admitted = all->count < all->max && !all->stopping;
	if (admitted) {
		s->beat = all->beat;
		all->count++;
		LIST_INSERT_HEAD(&all->list, s, entry);
	}
	pthread_mutex_unlock(&all->lock);
	if (!admitted) {
		free(s);
		return NULL;
	}
	response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK_OCTETS, stream_read, s, stream_close);
	if (response)
		socket_bound(connection);
	else
		stream_close(s);
	return response;
}

static void streams_resume(struct streams *all, bool beat)
{
	struct stream *s;

	pthread_mutex_lock(&all->lock);
	all->turn++;
	all->beat += beat;
	LIST_FOREACH(s, &all->list, entry)
	{
		if (s->suspended)
			MHD_resume_connection(s->connection);
		s->suspended = false;
	}
	pthread_mutex_unlock(&all->lock);
}

static bool streams_stopping(struct streams *all)
{
	pthread_mutex_lock(&all->lock);
	bool stopping = all->stopping;
	pthread_mutex_unlock(&all->lock);
	return stopping;
}

static void *streams_run(void *ctx)
{
	struct streams *all = ctx;
	uint64_t due = now_ms() + HEARTBEAT_MS;
	uint32_t published = 0;

	while (!streams_stopping(all)) {
		published = snapshot_wait(all->board, published, due);
		bool beat = now_ms() >= due;
		if (beat)
			due += HEARTBEAT_MS;
		streams_resume(all, beat);
	}
	return NULL;
}

struct streams *streams_start(
	struct snapshot_board *board, const struct access *access, unsigned max)
{
	struct streams *all = calloc(1, sizeof(*all));
	pthread_condattr_t monotonic;

	if (!all)
		return NULL;
	all->board = board;
	all->access = access;
	all->max = max;
	LIST_INIT(&all->list);
	pthread_mutex_init(&all->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&all->gone, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (thread_start(&all->thread, streams_run, all) == 0)
		return all;
	streams_free(all);
	return NULL;
}

void streams_stop(struct streams *all)
{
	uint64_t until = now_ms() + STOP_MS;
	struct timespec limit = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};

	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	pthread_mutex_unlock(&all->lock);
	snapshot_wake(all->board);
	pthread_join(all->thread, NULL);
	/* One that is suspended when the library ends would be an error to it. */
	streams_resume(all, false);
	pthread_mutex_lock(&all->lock);
	while (all->count > 0 && pthread_cond_timedwait(&all->gone, &all->lock, &limit) == 0)
		;
	pthread_mutex_unlock(&all->lock);
}

void streams_free(struct streams *all)
{
	if (!all)
		return;
	pthread_cond_destroy(&all->gone);
	pthread_mutex_destroy(&all->lock);
	free(all);
}
