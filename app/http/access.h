/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Who may ask, and who may change: tokens, certificate and audit log, as their files were
 * when they were read last.
 *
 *   access_files_read   any thread, may wait for a disk
 *   access_take         puts them in force, at once; requests underway keep those before, and
 *                       streams of events end when the tokens are others
 */

#include <stdbool.h>

#include "config/config.h"
#include "http/audit.h"
#include "http/token.h"

struct access;
struct access_files;

/* Who a request comes from. */
struct visitor {
	bool presented;            /* it has a token, whatever that is worth */
	bool reader;               /* may read */
	bool admin;                /* may change, too */
	char name[TOKEN_NAME_MAX]; /* of the token; "": of none */
};

/* The files that a configuration names. 0; or -errno, one line in err and *out NULL. */
int access_files_read(
	struct access_files **out, const struct config_http *c, char err[ERROR_LINE_MAX]);
void access_files_free(struct access_files *f); /* NULL is allowed */

/* Takes the files over; NULL when out of memory, and they are let go. */
struct access *access_new(struct access_files *f);
void access_take(struct access *a, struct access_files *f);
void access_free(struct access *a); /* nobody may be asking; NULL is allowed */

/* Is there a certificate? Does not change while the program runs. */
bool access_is_tls(const struct access *a);

/* The same, and everybody needs a token: it may be reached from other machines. */
bool access_is_guarded(struct access *a);

/* Can anything be changed by HTTP at all? */
bool access_has_admins(struct access *a);

/*
 * Who comes with this Authorization field (NULL: without). Any thread. A NULL access lets
 * everybody read.
 */
void access_look(struct access *a, const char *authorization, struct visitor *out);

/* Moves when other tokens come in force. Any thread; 0 for a NULL access. */
uint32_t access_generation(const struct access *a);

/* audit_write to the log in force. */
int access_audit(struct access *a, const struct audit_fact *fact);

/* audit_reopen of the log in force; of a NULL access nothing. */
void access_audit_reopen(struct access *a);
