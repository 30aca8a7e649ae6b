/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/access.h"
#include "http/tls.h"

#define SCHEME "Bearer "

/* Immutable but for the audit log's own state, and `next`. */
struct access_files {
	_Atomic unsigned refs;
	struct access_files *next; /* those in force after these, with a reference */
	struct tokens *readers;    /* NULL: everybody reads */
	struct tokens *admins;     /* NULL: nothing is changed */
	struct tls_pair *tls;      /* until it is in force */
	bool has_tls;
	struct audit audit;
};

struct access {
	pthread_mutex_t lock; /* between "read the pointer" and "take a reference" */
	struct access_files *files;
	_Atomic uint32_t generation; /* of the tokens */
	bool has_tls;
};

static struct access_files *files_get(struct access *a)
{
	pthread_mutex_lock(&a->lock);
	struct access_files *f = a->files;
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&a->lock);
	return f;
}

/*
 * The last one frees: acq_rel, so that it sees what the others did. What was left out of the
 * audit log is told by the next line, whoever's that is.
 */
void access_files_free(struct access_files *f)
{
	if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (f->next)
		audit_inherit(&f->next->audit, &f->audit);
	access_files_free(f->next);
	tokens_free(f->readers);
	tokens_free(f->admins);
	tls_pair_free(f->tls);
	audit_close(&f->audit);
	free(f);
}

int access_files_read(
	struct access_files **out, const struct config_http *c, char err[ERROR_LINE_MAX])
{
	struct access_files *f = calloc(1, sizeof(*f));
	int rc;

	*out = NULL;
	if (!f) {
		snprintf(err, ERROR_LINE_MAX, "http: out of memory");
		return -ENOMEM;
	}
	atomic_init(&f->refs, 1);
	rc = audit_open(&f->audit, c->audit_log, err);
	if (rc == 0 && c->token_file[0])
		rc = tokens_read(&f->readers, "http.token_file", c->token_file, err);
	if (rc == 0 && c->admin_token_file[0])
		rc = tokens_read(&f->admins, "http.admin_token_file", c->admin_token_file, err);
	if (rc == 0 && c->tls_certificate[0])
		rc = tls_pair_read(&f->tls, c->tls_certificate, c->tls_key, err);
	f->has_tls = f->tls != NULL;
	if (rc == 0)
		*out = f;
	else
		access_files_free(f);
	return rc;
}

struct access *access_new(struct access_files *f)
{
	struct access *a = calloc(1, sizeof(*a));

	if (!a) {
		access_files_free(f);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	a->has_tls = f->has_tls;
	access_take(a, f);
	return a;
}

void access_take(struct access *a, struct access_files *f)
{
	if (f->has_tls)
		tls_use(f->tls);
	f->tls = NULL;
	pthread_mutex_lock(&a->lock);
	struct access_files *before = a->files;
	a->files = f;
	if (before) {
		atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
		before->next = f;
	}
	if (before && !(tokens_equal(before->readers, f->readers) &&
			      tokens_equal(before->admins, f->admins)))
		atomic_fetch_add_explicit(&a->generation, 1, memory_order_release);
	pthread_mutex_unlock(&a->lock);
	access_files_free(before);
}

void access_free(struct access *a)
{
	if (!a)
		return;
	if (a->has_tls)
		tls_use(NULL);
	access_files_free(a->files);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

bool access_is_tls(const struct access *a)
{
	return a && a->has_tls;
}

bool access_is_guarded(struct access *a)
{
	struct access_files *f = a ? files_get(a) : NULL;
	bool guarded = f && f->has_tls && f->readers;

	access_files_free(f);
	return guarded;
}

bool access_has_admins(struct access *a)
{
	struct access_files *f = a ? files_get(a) : NULL;
	bool has = f && f->admins;

	access_files_free(f);
	return has;
}

static void name_set(struct visitor *v, const char *name)
{
	snprintf(v->name, sizeof(v->name), "%s", name);
}

/* Both lists are always gone through: the time tells nothing of the role. */
static void token_look(const struct access_files *f, const char *token, struct visitor *v)
{
	uint8_t digest[TOKEN_DIGEST];

	if (token_digest(token, digest) < 0)
		return;
	const char *reader = tokens_find(f->readers, digest);
	const char *admin = tokens_find(f->admins, digest);

	v->admin = admin != NULL;
	v->reader |= reader || admin;
	if (reader || admin)
		name_set(v, admin ? admin : reader);
}

uint32_t access_generation(const struct access *a)
{
	return a ? atomic_load_explicit(&a->generation, memory_order_acquire) : 0;
}

void access_look(struct access *a, const char *authorization, struct visitor *out)
{
	struct access_files *f = a ? files_get(a) : NULL;

	memset(out, 0, sizeof(*out));
	out->presented = authorization != NULL;
	out->reader = !f || !f->readers;
	if (f && authorization && strncasecmp(authorization, SCHEME, strlen(SCHEME)) == 0) {
		const char *token = authorization + strlen(SCHEME);

		token_look(f, token + strspn(token, " "), out);
	}
	access_files_free(f);
}

int access_audit(struct access *a, const struct audit_fact *fact)
{
	struct access_files *f = files_get(a);
	int rc = audit_write(&f->audit, fact);

	access_files_free(f);
	return rc;
}

void access_audit_reopen(struct access *a)
{
	struct access_files *f = a ? files_get(a) : NULL;

	if (f)
		audit_reopen(&f->audit);
	access_files_free(f);
}
