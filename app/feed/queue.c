/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdlib.h>

#include "feed/queue.h"

static void drop_oldest(struct queue *q)
{
	struct queue_item *i = &q->item[q->first++ % QUEUE_ITEMS_MAX];

	q->octets -= i->len;
	free(i->text);
}

void queue_push(struct queue *q, uint64_t sequence, char *text, size_t len)
{
	while (q->first < q->next &&
		(q->next - q->first == QUEUE_ITEMS_MAX || q->octets + len > QUEUE_OCTETS_MAX))
		drop_oldest(q);
	q->item[q->next++ % QUEUE_ITEMS_MAX] = (struct queue_item){sequence, text, len};
	q->octets += len;
}

void queue_trim(struct queue *q, uint64_t place)
{
	while (q->first < q->next && q->first < place)
		drop_oldest(q);
}

const struct queue_item *queue_at(const struct queue *q, uint64_t *place, uint64_t *lost)
{
	if (*place < q->first) {
		*lost += q->first - *place;
		*place = q->first;
	}
	return *place < q->next ? &q->item[*place % QUEUE_ITEMS_MAX] : NULL;
}

void queue_free(struct queue *q)
{
	queue_trim(q, q->next);
}
