/* SPDX-License-Identifier: BSD-3-Clause */

/* Control's side of the mailbox. */

#include "control/control.h"
#include "control/mailbox.h"

/* Each takes a millisecond at most; an epoch's end does not wait for more. */
#define ANSWERS_A_STEP 2u

void control_explain(const struct control *c, const struct dns_name *name, struct explanation *out)
{
	explain_name(c->config.detector, c->config.store, c->config.psl, &c->config.networks,
		c->renewing, name, control_epoch_end(c, c->closed), out);
	out->generation = c->generation;
}

static void answer(void *ctx, const struct dns_name *name, struct explanation *out)
{
	control_explain(ctx, name, out);
}

void control_answer(struct control *c)
{
	if (c->config.mailbox)
		mailbox_answer(c->config.mailbox, ANSWERS_A_STEP, answer, c);
}
