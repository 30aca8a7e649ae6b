/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Events on their way out, in order, for several readers that each keep a place of their
 * own. Bounded in number and octets: the oldest go first, whole, and a reader that falls
 * behind is told how many it missed. One thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUEUE_ITEMS_MAX 4096u
#define QUEUE_OCTETS_MAX ((size_t)8 << 20)

struct queue_item {
	uint64_t sequence;
	char *text; /* compact JSON of export_event_detail */
	size_t len;
};

struct queue {
	uint64_t first; /* places count since start: the oldest that is held ... */
	uint64_t next;  /* ... and the one that comes next */
	size_t octets;
	struct queue_item item[QUEUE_ITEMS_MAX];
};

/* Takes `text` over. */
void queue_push(struct queue *q, uint64_t sequence, char *text, size_t len);

/* Lets go of what lies before `place`. */
void queue_trim(struct queue *q, uint64_t place);

/* The item at a reader's place, which is moved over what is gone; NULL when there is none. */
const struct queue_item *queue_at(const struct queue *q, uint64_t *place, uint64_t *lost);

void queue_free(struct queue *q);
