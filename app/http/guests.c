/* SPDX-License-Identifier: BSD-3-Clause */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

#include "http/guests.h"

TAILQ_HEAD(guest_list, guest);

struct guest {
	TAILQ_ENTRY(guest) entry;
	struct guest_list *list; /* the one that it is on */
	int fd;                  /* open until the library says that the connection closed */
	uint64_t since_ms;       /* on the list */
};

/* Each list is in order of `since_ms`: who waited longest stands first. */
struct guests {
	pthread_mutex_t lock; /* of all below */
	unsigned max;
	unsigned count;            /* of all but those that leave */
	struct guest_list waiting; /* for a request */
	struct guest_list answering;
	struct guest_list streaming;
	struct guest_list leaving; /* shut down; the library has still to see it */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct guests *guests_new(unsigned max)
{
	struct guests *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->max = max;
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->answering);
	TAILQ_INIT(&all->streaming);
	TAILQ_INIT(&all->leaving);
	pthread_mutex_init(&all->lock, NULL);
	return all;
}

void guests_free(struct guests *all)
{
	if (!all)
		return;
	pthread_mutex_destroy(&all->lock);
	free(all);
}

/* Under the lock. */
static void guest_move(struct guest *g, struct guest_list *to)
{
	TAILQ_REMOVE(g->list, g, entry);
	g->list = to;
	g->since_ms = now_ms();
	TAILQ_INSERT_TAIL(to, g, entry);
}

/* One goes, the newest where no other may. Under the lock. */
static void guest_evict(struct guests *all, struct guest *newest)
{
	struct guest *g = TAILQ_FIRST(&all->waiting);
	struct guest *slow = TAILQ_FIRST(&all->answering);

	if (g == newest && slow &&
		now_ms() - slow->since_ms > GUEST_ANSWER_SECONDS * UINT64_C(1000))
		g = slow;
	all->count--;
	guest_move(g, &all->leaving);
	/* The library sees the end of it and closes; until then the descriptor is nobody else's. */
	shutdown(g->fd, SHUT_RDWR);
}

static void guest_arrive(struct guests *all, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct guest *g = calloc(1, sizeof(*g));

	*context = g;
	if (!g) {
		if (info)
			shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	g->fd = info ? info->connect_fd : -1;
	g->since_ms = now_ms();
	pthread_mutex_lock(&all->lock);
	g->list = &all->waiting;
	TAILQ_INSERT_TAIL(&all->waiting, g, entry);
	if (all->count++ == all->max)
		guest_evict(all, g);
	pthread_mutex_unlock(&all->lock);
}

static void guest_leave(struct guests *all, struct guest *g)
{
	pthread_mutex_lock(&all->lock);
	if (g->list != &all->leaving)
		all->count--;
	TAILQ_REMOVE(g->list, g, entry);
	pthread_mutex_unlock(&all->lock);
	free(g);
}

void guest_notify(void *guests, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		guest_arrive(guests, connection, context);
	else if (*context)
		guest_leave(guests, *context);
}

/* To another list, unless it was told to go. */
static void guest_turn(struct guests *all, struct MHD_Connection *connection, struct guest_list *to)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct guest *g = info ? info->socket_context : NULL;

	if (!g)
		return;
	pthread_mutex_lock(&all->lock);
	if (g->list != &all->leaving)
		guest_move(g, to);
	pthread_mutex_unlock(&all->lock);
}

void guest_answered(struct guests *all, struct MHD_Connection *connection, bool streams)
{
	guest_turn(all, connection, streams ? &all->streaming : &all->answering);
}

void guest_completed(void *guests, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode code)
{
	struct guests *all = guests;

	(void)request, (void)code;
	guest_turn(all, connection, &all->waiting);
}
