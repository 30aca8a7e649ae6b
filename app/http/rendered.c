/* SPDX-License-Identifier: BSD-3-Clause */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/rendered.h"

/* The octets of a body; each connection that sends them has a reference, and so has the cache. */
struct octets {
	_Atomic unsigned refs;
	size_t len;
	char *text;
};

struct entry {
	struct octets *octets; /* NULL: free */
	uint64_t used;         /* the turn it was last asked for in */
	const char *content_type;
	char etag[ANSWER_ETAG_MAX]; /* of the answer; may be "" */
	char tag[ANSWER_ETAG_MAX];  /* what it is the answer as of */
	char question[RENDERED_QUESTION_MAX];
};

struct rendered_cache {
	pthread_mutex_t lock; /* of all below */
	uint64_t turn;
	size_t octets; /* of all entries */
	struct entry entry[RENDERED_ENTRIES];
};

static void octets_put(void *owner)
{
	struct octets *o = owner;

	/* acq_rel: the freeing thread sees every other one's last access. */
	if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1) {
		free(o->text);
		free(o);
	}
}

static void octets_share(struct octets *o, struct answer *a)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	a->body = o->text;
	a->len = o->len;
	a->release = octets_put;
	a->owner = o;
}

struct rendered_cache *rendered_cache_new(void)
{
	struct rendered_cache *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void entry_drop(struct rendered_cache *c, struct entry *e)
{
	if (!e->octets)
		return;
	c->octets -= e->octets->len;
	octets_put(e->octets);
	e->octets = NULL;
}

void rendered_cache_free(struct rendered_cache *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < RENDERED_ENTRIES; i++)
		entry_drop(c, &c->entry[i]);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

bool rendered_question(const struct request *q, char question[RENDERED_QUESTION_MAX])
{
	int n = snprintf(question, RENDERED_QUESTION_MAX, "%s", q->path);

	if (q->params > REQUEST_PARAMS_MAX)
		return false;
	for (unsigned i = 0; i < q->params && n < (int)RENDERED_QUESTION_MAX; i++) {
		const struct param *p = &q->param[i];
		n += snprintf(question + n, RENDERED_QUESTION_MAX - (size_t)n, "%c%s%s%s",
			i ? '&' : '?', p->name, p->value ? "=" : "", p->value ? p->value : "");
	}
	return n < (int)RENDERED_QUESTION_MAX;
}

/* The question's entry, else the one to put it in: a free one, or who waited longest. */
static struct entry *entry_of(struct rendered_cache *c, const char *question)
{
	struct entry *oldest = &c->entry[0];

	for (unsigned i = 0; i < RENDERED_ENTRIES; i++) {
		struct entry *e = &c->entry[i];
		if (e->octets && strcmp(e->question, question) == 0)
			return e;
		if (oldest->octets && (!e->octets || e->used < oldest->used))
			oldest = e;
	}
	return oldest;
}

bool rendered_find(
	struct rendered_cache *c, const char *question, const char *tag, struct answer *a)
{
	pthread_mutex_lock(&c->lock);
	struct entry *e = entry_of(c, question);
	bool found = e->octets && strcmp(e->question, question) == 0 && strcmp(e->tag, tag) == 0;
	if (found) {
		e->used = ++c->turn;
		octets_share(e->octets, a);
		a->status = 200;
		a->content_type = e->content_type;
		memcpy(a->etag, e->etag, sizeof(a->etag));
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

static struct entry *entry_oldest(struct rendered_cache *c)
{
	struct entry *oldest = NULL;

	for (unsigned i = 0; i < RENDERED_ENTRIES; i++) {
		struct entry *e = &c->entry[i];
		if (e->octets && (!oldest || e->used < oldest->used))
			oldest = e;
	}
	return oldest;
}

/*
 * Content that is the same over tags is held once, however many connections still send that of
 * earlier tags. False: it is not the same.
 */
static bool same_keep(
	struct rendered_cache *c, const char *question, const char *tag, struct answer *a)
{
	struct entry *e = entry_of(c, question);
	bool same = e->octets && strcmp(e->question, question) == 0 && a->etag[0] &&
		    strcmp(e->etag, a->etag) == 0 && e->octets->len == a->len &&
		    memcmp(e->octets->text, a->body, a->len) == 0;

	if (same) {
		free(a->owner);
		octets_share(e->octets, a);
		e->used = ++c->turn;
		snprintf(e->tag, sizeof(e->tag), "%s", tag);
	}
	return same;
}

/* Gives the octets' one reference to the question's entry, the oldest of others making room. */
static void entry_take(struct rendered_cache *c, const char *question, const char *tag,
	const struct answer *a, struct octets *o)
{
	struct entry *e = entry_of(c, question);

	entry_drop(c, e);
	while (c->octets + o->len > RENDERED_OCTETS_MAX)
		entry_drop(c, entry_oldest(c));
	e->octets = o;
	e->used = ++c->turn;
	e->content_type = a->content_type;
	memcpy(e->etag, a->etag, sizeof(e->etag));
	snprintf(e->tag, sizeof(e->tag), "%s", tag);
	snprintf(e->question, sizeof(e->question), "%s", question);
	c->octets += o->len;
}

void rendered_keep(
	struct rendered_cache *c, const char *question, const char *tag, struct answer *a)
{
	struct octets *o;

	if (a->status != 200 || a->release != free || a->len > RENDERED_OCTETS_MAX / 2)
		return;
	o = malloc(sizeof(*o));
	if (!o)
		return;
	pthread_mutex_lock(&c->lock);
	if (same_keep(c, question, tag, a)) {
		free(o);
	} else {
		atomic_init(&o->refs, 1);
		o->len = a->len;
		o->text = a->owner;
		octets_share(o, a);
		entry_take(c, question, tag, a, o);
	}
	pthread_mutex_unlock(&c->lock);
}
