/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/mailbox.h"

/*
 *            asker           asker           control             control
 *   FREE -----------> CLAIMED ------> ASKED ---------> ANSWERING ---------> ANSWERED
 *    ^                                  |                  |                   |
 *    +--- asker, out of patience -------+   asker: ABANDONED, then control     |
 *    +---------------------------------------------------------- asker, read --+
 */
enum slot_state {
	SLOT_FREE,
	SLOT_CLAIMED,
	SLOT_ASKED,
	SLOT_ANSWERING,
	SLOT_ANSWERED,
	SLOT_ABANDONED
};

struct slot {
	_Alignas(64) _Atomic int state;
	sem_t answered; /* a hint only: the state decides, a late post wakes for nothing */
	struct dns_name name;
	struct explanation answer;
};

struct mailbox {
	unsigned deadline_ms;
	struct slot slot[MAILBOX_SLOTS];
};

struct mailbox *mailbox_new(unsigned deadline_ms)
{
	struct mailbox *m = aligned_alloc(64, sizeof(*m));

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->deadline_ms = deadline_ms;
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++)
		sem_init(&m->slot[i].answered, 0, 0);
	return m;
}

void mailbox_free(struct mailbox *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++)
		sem_destroy(&m->slot[i].answered);
	free(m);
}

/* The one who moves a slot from a state acquires what the one before released. */
static bool slot_move(struct slot *s, int from, int to)
{
	return atomic_compare_exchange_strong_explicit(
		&s->state, &from, to, memory_order_acq_rel, memory_order_acquire);
}

static struct slot *slot_claim(struct mailbox *m)
{
	for (unsigned i = 0; i < MAILBOX_SLOTS; i++)
		if (slot_move(&m->slot[i], SLOT_FREE, SLOT_CLAIMED))
			return &m->slot[i];
	return NULL;
}

static struct timespec deadline_of(const struct mailbox *m)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += m->deadline_ms / 1000;
	t.tv_nsec += (long)(m->deadline_ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

/* True when the slot was left to control; false when the answer came after all. */
static bool slot_leave(struct slot *s)
{
	return slot_move(s, SLOT_ASKED, SLOT_FREE) || slot_move(s, SLOT_ANSWERING, SLOT_ABANDONED);
}

int mailbox_ask(struct mailbox *m, const struct dns_name *name, struct explanation *out)
{
	struct timespec deadline = deadline_of(m);
	struct slot *s = slot_claim(m);

	if (!s)
		return -EBUSY;
	s->name = *name;
	atomic_store_explicit(&s->state, SLOT_ASKED, memory_order_release);
	while (atomic_load_explicit(&s->state, memory_order_acquire) != SLOT_ANSWERED)
		if (sem_clockwait(&s->answered, CLOCK_MONOTONIC, &deadline) && errno == ETIMEDOUT &&
			slot_leave(s))
			return -ETIMEDOUT;
	*out = s->answer;
	atomic_store_explicit(&s->state, SLOT_FREE, memory_order_release);
	return 0;
}

unsigned mailbox_answer(struct mailbox *m, unsigned most,
	void (*answer)(void *ctx, const struct dns_name *name, struct explanation *out), void *ctx)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MAILBOX_SLOTS && n < most; i++) {
		struct slot *s = &m->slot[i];

		if (!slot_move(s, SLOT_ASKED, SLOT_ANSWERING))
			continue;
		answer(ctx, &s->name, &s->answer);
		n++;
		if (slot_move(s, SLOT_ANSWERING, SLOT_ANSWERED))
			sem_post(&s->answered);
		else
			atomic_store_explicit(&s->state, SLOT_FREE, memory_order_release);
	}
	return n;
}
