/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feed/output.h"
#include "log.h"

#define PAUSE_MIN_MS 250u
#define PAUSE_MAX_MS 8000u

/* Of one turn, so that one output that takes all does not keep the others waiting. */
#define TURN_MESSAGES 512u
#define READS_A_TURN 4u /* of what a peer has no reason to send */

static struct log_limit lines;

const char *feed_output_name(enum feed_output_kind k)
{
	static const char *const names[FEED_OUTPUT_COUNT] = {
#define X(name, text) [name] = text,
		FEED_OUTPUTS(X)
#undef X
	};
	return names[k];
}

void output_init(struct output *o, enum feed_output_kind kind, const char *host)
{
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	o->host = host;
	o->fd = -1;
	o->type = SOCK_STREAM;
	o->pause = PAUSE_MIN_MS;
}

static bool is_file(const struct output *o)
{
	return o->kind == FEED_EVE_FILE;
}

static bool is_stream(const struct output *o)
{
	return !is_file(o) && o->type == SOCK_STREAM;
}

static void hang_up(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	o->connecting = false;
	o->report.up = false;
	/* Of a stream that broke off the other side has no use: it gets the whole of it again. */
	o->sent = 0;
}

static void failed(struct output *o, const char *what, int why, uint64_t now)
{
	o->report.failures++;
	if (!o->report.error[0])
		log_limited(&lines, LOG_LEVEL_WARNING,
			"export: %s: %.200s: %s: %s: it is tried again", feed_output_name(o->kind),
			o->target, what, strerror(why));
	snprintf(o->report.error, sizeof(o->report.error), "%.200s: %s: %s", o->target, what,
		strerror(why));
	o->retry_at = now + o->pause;
	o->pause = o->pause * 2 < PAUSE_MAX_MS ? o->pause * 2 : PAUSE_MAX_MS;
	o->report.up = false;
}

static void works(struct output *o)
{
	if (o->report.error[0])
		log_limited(&lines, LOG_LEVEL_NOTICE,
			"export: %s: %.200s works again: %lu events lost since start",
			feed_output_name(o->kind), o->target, o->report.lost);
	o->report.error[0] = '\0';
	o->report.up = true;
	o->write_failed = false;
	o->retry_at = 0;
}

static int target_of(const struct output *o, struct target *t)
{
	return o->kind == FEED_SYSLOG ? target_parse(o->target, t)
				      : target_unix(o->target, o->type, t);
}

/* Descriptor or -errno. */
static int endpoint_open(struct output *o)
{
	struct target t;

	if (is_file(o))
		return open(
			o->target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0640);
	if (target_of(o, &t) < 0)
		return -EINVAL;
	int fd = target_connect(&t);
	/* The other side listens for the other kind. */
	if (fd == -EPROTOTYPE && o->kind == FEED_EVE_SOCKET) {
		o->type = o->type == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM;
		if (target_of(o, &t) == 0)
			fd = target_connect(&t);
	}
	if (fd >= 0) {
		o->type = t.type;
		o->connecting = true;
	}
	return fd;
}

/* Has the connection come about? True when it has, or needs none. */
static bool connected(struct output *o, uint64_t now)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer), size = sizeof(int);
	int why = 0;

	if (!o->connecting)
		return true;
	getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &why, &size);
	if (why) {
		hang_up(o);
		failed(o, "connect", why, now);
		return false;
	}
	if (getpeername(o->fd, (struct sockaddr *)&peer, &len) < 0)
		return false;
	o->connecting = false;
	return true;
}

static bool ready(struct output *o, uint64_t now)
{
	if (o->fd < 0) {
		if (now < o->retry_at)
			return false;
		int fd = endpoint_open(o);
		if (fd < 0) {
			failed(o, is_file(o) ? "open" : "connect", is_file(o) ? errno : -fd, now);
			return false;
		}
		o->fd = fd;
	}
	if (now < o->retry_at || !connected(o, now))
		return false;
	/* Of a file or a datagram only a write tells whether what failed works again. */
	if (!o->report.up && (!o->write_failed || is_stream(o)))
		works(o);
	return true;
}

/* Nothing is expected of the other side but that it closes. */
static void listen_for_end(struct output *o, uint64_t now)
{
	char octets[512];
	ssize_t n = 1;

	if (!is_stream(o) || o->fd < 0 || o->connecting)
		return;
	/* One that sends without end is read in the next turns. */
	for (unsigned i = 0; i < READS_A_TURN; i++)
		if ((n = recv(o->fd, octets, sizeof(octets), MSG_DONTWAIT)) <= 0)
			break;
	if (n > 0)
		return;
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		int why = n == 0 ? ECONNRESET : errno;

		hang_up(o);
		failed(o, "closed", why, now);
	}
}

/* Takes the next event and renders it. False when there is none. */
static bool message_take(struct output *o, const struct queue *q)
{
	const struct queue_item *item;

	while (!o->message && (item = queue_at(q, &o->place, &o->report.lost))) {
		json_t *event = json_loadb(item->text, item->len, 0, NULL);

		o->place++;
		o->sequence = item->sequence;
		o->sent = 0;
		if (event && o->kind == FEED_SYSLOG)
			o->message = export_syslog(event, o->host, (int)getpid(), &o->len);
		else if (event)
			o->message = export_line(export_eve(event, o->host), "\n", &o->len);
		json_decref(event);
		o->report.lost += !o->message;
	}
	return o->message != NULL;
}

/* RFC 6587 section 3.4.1: a message's length stands before it. False when out of memory. */
static bool octets_counted(struct output *o)
{
	char *framed = malloc(o->len + 24);

	if (!framed)
		return false;
	int n = snprintf(framed, 24, "%zu ", o->len);
	memcpy(framed + n, o->message, o->len);
	free(o->message);
	o->message = framed;
	o->len += (size_t)n;
	return true;
}

static void message_drop(struct output *o)
{
	free(o->message);
	o->message = NULL;
	o->len = o->sent = 0;
}

/* No half line may stay in the file: the next one would hang on to it. */
static ssize_t file_write(struct output *o)
{
	struct stat before;
	bool regular = fstat(o->fd, &before) == 0 && S_ISREG(before.st_mode);
	ssize_t n = write(o->fd, o->message + o->sent, o->len - o->sent);

	if (n < 0 || (size_t)n == o->len || !regular)
		return n;
	errno = ftruncate(o->fd, before.st_size) < 0 ? errno : ENOSPC;
	return -1;
}

/* Writes the message. True when all of it went. */
static bool message_write(struct output *o, uint64_t now)
{
	ssize_t n = is_file(o) ? file_write(o)
			       : send(o->fd, o->message + o->sent, o->len - o->sent, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return false;
	if (n < 0 && errno == EMSGSIZE) {
		/* No datagram takes it, now or later. */
		message_drop(o);
		o->report.lost++;
		return true;
	}
	if (n < 0) {
		int why = errno;

		hang_up(o);
		o->write_failed = true;
		failed(o, "write", why, now);
		return false;
	}
	o->sent += (size_t)n;
	if (o->sent < o->len)
		return false;
	message_drop(o);
	works(o);
	o->pause = PAUSE_MIN_MS;
	o->report.delivered++;
	o->report.sequence = o->sequence;
	return true;
}

/* A stream's messages have a length in front, a datagram's or a file's have not. */
static bool message_next(struct output *o, const struct queue *q)
{
	if (o->message)
		return true;
	if (!message_take(o, q))
		return false;
	if (o->kind == FEED_SYSLOG && strncmp(o->target, "tcp:", 4) == 0 && !octets_counted(o)) {
		message_drop(o);
		o->report.lost++;
		return false;
	}
	return true;
}

bool output_idle(const struct output *o, const struct queue *q)
{
	return !o->target[0] || (!o->message && o->place >= q->next);
}

void output_pump(struct output *o, const struct queue *q, uint64_t now)
{
	o->report.configured = o->target[0] != '\0';
	if (!o->report.configured) {
		o->place = q->next;
		o->waiting_since = o->report.waiting = 0;
		return;
	}
	uint64_t lost = o->report.lost;
	listen_for_end(o, now);
	if (ready(o, now))
		for (unsigned i = 0; i < TURN_MESSAGES && message_next(o, q); i++)
			if (!message_write(o, now))
				break;
	/* What the queue let go meanwhile. */
	queue_at(q, &o->place, &o->report.lost);
	if (o->report.lost > lost)
		o->lost_at = now;
	o->report.waiting = q->next - o->place + (o->message != NULL);
	o->waiting_since = !o->report.waiting ? 0 : o->waiting_since ? o->waiting_since : now;
}

void output_reopen(struct output *o)
{
	if (is_file(o))
		hang_up(o);
	o->retry_at = 0;
}

void output_target(struct output *o, const char *target)
{
	if (strcmp(o->target, target) == 0)
		return;
	/* Its message is taken anew: the next place may want another form. */
	o->place -= o->message != NULL;
	output_close(o);
	snprintf(o->target, sizeof(o->target), "%s", target);
	o->report.error[0] = '\0';
	o->write_failed = false;
	o->retry_at = 0;
	o->pause = PAUSE_MIN_MS;
}

uint64_t output_place(const struct output *o)
{
	return o->place - (o->message != NULL);
}

short output_waits_for(const struct output *o)
{
	if (o->fd < 0 || is_file(o))
		return 0;
	return o->connecting || o->message ? POLLOUT : is_stream(o) ? POLLIN : 0;
}

void output_close(struct output *o)
{
	hang_up(o);
	message_drop(o);
}
