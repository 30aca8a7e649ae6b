/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * HTTP to one sensor, over TCP, TLS or a unix socket. It talks directly: no
 * proxy of the environment, no redirection; answers are bounded.
 */

#include "ctl.h"

#define ANSWER_MAX (64u << 20)
#define PATH_MAX_OCTETS 4096u

/* A path with its query, percent-encoded as it is made; too long a one is refused when asked for.
 */
struct path {
	char text[PATH_MAX_OCTETS];
	size_t n;
	bool params, too_long;
};

void path_start(struct path *p, const char *fixed);
void path_segment(struct path *p, const char *segment); /* "/" and the segment */
void path_param(struct path *p, const char *name, const char *value);

/* All options of the command line that are parameters of the API. */
void path_options(struct path *p, const struct options *o);

struct response {
	long status;
	char *body; /* NUL behind it; NULL when there is none */
	size_t len;
	bool problem; /* by its type a problem object of RFC 9457 */
};

/* By the options; CTL_USAGE when they can't be, such as a token that would go out in the clear. */
int client_open(struct ctl *ctl);
void client_close(struct ctl *ctl);

/* Where the sensor is, for messages. */
const char *client_where(const struct client *c);

/* While a request waits, this descriptor ends it when it can be read; -1: none. */
void client_interrupt(struct client *c, int fd);

/* True after a request that was ended so; its code is CTL_LOCAL and no error is left. */
bool client_interrupted(const struct client *c);

/*
 * One request; `json` is the body of a POST, else NULL. Returns CTL_OK whatever
 * the status; the caller frees r->body. CTL_CONNECT or CTL_SERVER with an error line.
 */
int client_ask(struct ctl *ctl, const char *method, const struct path *p, const char *json,
	struct response *r);

/*
 * A GET whose body is given in pieces as they come, when the status is 200; `take`
 * returns false to end it. The body of another status goes to `r`. One that says nothing
 * for a minute is gone: CTL_CONNECT. One that sends no stream of events: CTL_SERVER.
 */
int client_stream(struct ctl *ctl, const struct path *p,
	bool (*take)(void *ctx, const char *data, size_t len), void *ctx, struct response *r);
