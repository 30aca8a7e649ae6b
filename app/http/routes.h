/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What each path answers. Knows requests and answers as plain data and nothing
 * of sockets; any number of threads may ask at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/mailbox.h"
#include "control/snapshot.h"
#include "export/json.h"
#include "export/marks.h"
#include "export/requests.h"
#include "export/rpz.h"
#include "http/access.h"
#include "http/listen.h"

#define REQUEST_PARAMS_MAX 16u
#define REQUEST_BODY_MAX 4096u
#define ANSWER_ETAG_MAX 32u

struct rendered_cache;

/* What answers are made from; constant while the server runs. */
struct routes {
	struct snapshot_board *board;
	struct mailbox *mailbox; /* NULL: nobody explains */
	struct rpz *rpz;         /* NULL: nothing blocks */
	const struct about *about;
	struct request_counts *requests; /* NULL: they are not counted */
	struct rendered_cache *rendered; /* NULL: each is rendered anew */
	const char *history;             /* path of the SQLite file; NULL: none is kept */
	struct access *access;           /* NULL: everybody reads, nothing changes */
	struct allow *allow;             /* NULL: there is no list */
	struct acks *acks;               /* NULL: nothing is acknowledged */
	struct marks marks;              /* of both */
	const struct psl *psl;           /* NULL: allowed names are not held against it */
	const char *host;    /* what Host must be, "[::1]" or localhost; NULL: it may be any */
	uint32_t started;    /* seconds since 1970 */
	uint64_t started_ms; /* the same instant on CLOCK_MONOTONIC */
};

struct param {
	const char *name;  /* name and value as sent, %XX and all */
	const char *value; /* or NULL */
};

struct request {
	const char *method;
	const char *path;          /* as sent, without the query */
	const char *host;          /* NULL when there is none or more than one */
	const char *if_none_match; /* or NULL */
	const char *last_event_id; /* or NULL */
	const char *authorization; /* NULL: there is none; "": several */
	const char *content_type;  /* or NULL */
	const char *body;          /* NULL: it was not read */
	size_t body_len;           /* more than REQUEST_BODY_MAX: it is cut */
	char from[PEER_TEXT_MAX];
	unsigned params; /* REQUEST_PARAMS_MAX + 1: more than there is room for */
	struct param param[REQUEST_PARAMS_MAX];
};

struct answer {
	unsigned status;
	const char *content_type;   /* static */
	const char *allow;          /* of a 405; else NULL */
	unsigned retry_after;       /* seconds, of a 503; 0: not told */
	uint64_t stream;            /* the body is the events from this one on; 0: it is not */
	uint32_t tokens;            /* of a stream: generation by which it was let in */
	const char *policy;         /* Content-Security-Policy of a page; else NULL */
	const char *authenticate;   /* of a 401 or 403; else NULL */
	char etag[ANSWER_ETAG_MAX]; /* quoted; "" for none */
	const void *body;           /* NULL: nothing, or out of memory with status 500 */
	size_t len;
	/* The caller lets go of the body by release(owner); NULL: it is static. */
	void (*release)(void *owner);
	void *owner;
};

/* The routes that there are; before the first answer. */
void routes_count(struct request_counts *c);

/* Is an answer to be asked for once the body is in, rather than at once? */
bool routes_wants_body(const struct routes *r, const struct request *q);

void routes_answer(const struct routes *r, const struct request *q, struct answer *a);
