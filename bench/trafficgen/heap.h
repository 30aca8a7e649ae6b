/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A binary heap ordered by time; equal times leave in the order they came. Items are not owned. */

struct heap_node {
	uint64_t time;
	uint64_t order;
	void *item;
};

struct heap {
	struct heap_node *nodes; /* owned; heap_free() */
	size_t count, room;
	uint64_t next_order;
};

/* 0 or -ENOMEM. */
int heap_push(struct heap *heap, uint64_t time, void *item);

/* The earliest node; count must not be 0. */
static inline const struct heap_node *heap_top(const struct heap *heap)
{
	return &heap->nodes[0];
}

/* Removes the earliest and returns its item. */
void *heap_pop(struct heap *heap);

/* The earliest item gets a later time. */
void heap_delay_top(struct heap *heap, uint64_t time);

void heap_free(struct heap *heap);
