/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Answers that were rendered before, for others who ask the same: a thousand scrapes of one
 * snapshot cost one rendering. Octets are shared by reference count with the connections that
 * still send them. Bounded: RENDERED_ENTRIES answers, RENDERED_OCTETS_MAX in all; who was not
 * asked for longest goes first. Any thread.
 */

#include <stdbool.h>

#include "http/routes.h"

#define RENDERED_ENTRIES 32u
#define RENDERED_OCTETS_MAX ((size_t)32 << 20) /* one of half of it is kept: a full STIX bundle */
#define RENDERED_QUESTION_MAX 512u

struct rendered_cache;

struct rendered_cache *rendered_cache_new(void);        /* NULL when out of memory */
void rendered_cache_free(struct rendered_cache *cache); /* NULL is allowed */

/*
 * What is asked for, in one line: path and parameters as sent. False when it is too long to be
 * kept.
 */
bool rendered_question(const struct request *q, char question[RENDERED_QUESTION_MAX]);

/* The answer to the question as of `tag`; true with *a made. */
bool rendered_find(
	struct rendered_cache *cache, const char *question, const char *tag, struct answer *a);

/*
 * Keeps *a, whose body is of malloc and is shared from now on, where it was rendered whole and
 * there is room. With the ETag and the octets of what is kept already it becomes that.
 */
void rendered_keep(
	struct rendered_cache *cache, const char *question, const char *tag, struct answer *a);
