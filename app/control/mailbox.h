/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Questions to control, and its answers: "explain this name".
 *
 * A thread that asks claims one of few slots, leaves the name there and waits, at most so
 * long. Control looks at the slots between two steps, never waits, and writes the answer
 * into the slot. Slots change hands by one atomic word each; there is no lock. Who gives
 * up waiting leaves the slot to control, which frees it. Workers know nothing of it.
 */

#include "detect/explain.h"

#define MAILBOX_SLOTS 4u
#define MAILBOX_DEADLINE_MS 1000u

struct mailbox;

/* NULL when out of memory. */
struct mailbox *mailbox_new(unsigned deadline_ms);

/* Nobody may be asking, nor control answering. NULL is allowed. */
void mailbox_free(struct mailbox *m);

/*
 * Asks control and waits for the answer. Any thread but control's.
 * 0, -EBUSY (all slots are taken) or -ETIMEDOUT (control did not answer in time).
 */
int mailbox_ask(struct mailbox *m, const struct dns_name *name, struct explanation *out);

/* Control: answers what was asked, at most `most` questions. Returns how many. */
unsigned mailbox_answer(struct mailbox *m, unsigned most,
	void (*answer)(void *ctx, const struct dns_name *name, struct explanation *out), void *ctx);
