/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Who is connected, and who has to go when there are too many: he who keeps the server waiting
 * for a request for longest, be it that he sent none, or an octet of it now and then. So no
 * number of slow clients keeps another one out, also not from the same address. Next goes an
 * answer that was not taken within GUEST_ANSWER_SECONDS; streams stay, and are bounded
 * for themselves.
 *
 * Called by the HTTP library's threads.
 */

#include <stdbool.h>

#include <microhttpd.h>

#define GUEST_ANSWER_SECONDS 60u

struct guests;

struct guests *guests_new(unsigned max); /* at a time; NULL when out of memory */
void guests_free(struct guests *guests); /* after MHD_stop_daemon; NULL is allowed */

/* For MHD_OPTION_NOTIFY_CONNECTION, with the guests as its argument. */
void guest_notify(void *guests, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode code);

/* The request is whole: what comes now is the answer; one that streams has no limit. */
void guest_answered(struct guests *guests, struct MHD_Connection *connection, bool streams);

/* For MHD_OPTION_NOTIFY_COMPLETED: it is the guest's turn again. */
void guest_completed(void *guests, struct MHD_Connection *connection, void **request,
	enum MHD_RequestTerminationCode code);
