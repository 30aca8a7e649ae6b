/* SPDX-License-Identifier: BSD-3-Clause */
#include "heap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool node_before(const struct heap_node *a, const struct heap_node *b)
{
	return a->time != b->time ? a->time < b->time : a->order < b->order;
}

/* Moves a hole at the top down to where node belongs. */
static void sift_down(struct heap *heap, struct heap_node node)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count &&
			node_before(&heap->nodes[child + 1], &heap->nodes[child]))
			child++;
		if (node_before(&node, &heap->nodes[child]))
			break;
		heap->nodes[at] = heap->nodes[child];
		at = child;
	}
	heap->nodes[at] = node;
}

int heap_push(struct heap *heap, uint64_t time, void *item)
{
	struct heap_node node = {.time = time, .order = heap->next_order++, .item = item};
	size_t at = heap->count;

	if (heap->count == heap->room) {
		size_t room = heap->room == 0 ? 256 : heap->room * 2;
		struct heap_node *nodes = realloc(heap->nodes, room * sizeof(*nodes));

		if (nodes == NULL)
			return -ENOMEM;
		heap->nodes = nodes;
		heap->room = room;
	}
	heap->count++;
	while (at > 0 && node_before(&node, &heap->nodes[(at - 1) / 2])) {
		heap->nodes[at] = heap->nodes[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->nodes[at] = node;
	return 0;
}

void *heap_pop(struct heap *heap)
{
	void *item = heap->nodes[0].item;

	heap->count--;
	if (heap->count > 0)
		sift_down(heap, heap->nodes[heap->count]);
	return item;
}

void heap_delay_top(struct heap *heap, uint64_t time)
{
	struct heap_node node = {
		.time = time,
		.order = heap->next_order++,
		.item = heap->nodes[0].item,
	};

	sift_down(heap, node);
}

void heap_free(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){0};
}
