/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A wide sample of one domain's addresses: when each was seen, and no more. A full
 * record keeps 64 addresses with all that is known of them; of a domain that has hundreds,
 * so few are seldom seen twice, and whether its population is closed (docs/detection.md)
 * cannot be told. Domains with more addresses in several networks are given a ledger
 * out of a fixed pool (docs/adr/0011).
 *
 * As in the record, mark[] is a bottom-k sample: every unit active in hour i whose hash is
 * below hour_threshold[i] is in it with bit i set.
 */

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define LEDGER_MARKS 512u

struct ledger_mark {
	uint32_t hash;  /* top half of the unit's hash */
	uint32_t hours; /* activity bits as in struct domain_item */
	uint16_t slots;
	uint8_t server; /* likewise */
	uint8_t grade : 2;
	uint8_t brief : 1;
	uint8_t early : 1;
	uint8_t none : 4; /* 0: marks are compared as octets */
};
_Static_assert(sizeof(struct ledger_mark) == 12, "512 marks are 6 KiB");

struct ledger {
	uint64_t key;   /* of the domain it belongs to; 0: free */
	uint32_t since; /* seconds since 1970: when the domain was given it */
	uint32_t slot;  /* numbers of bit 0, as in struct domain; may be behind the domain's */
	uint32_t hour;
	uint32_t marks;
	uint32_t hour_threshold[STORE_HOURS];  /* exclusive bound of hash; UINT32_MAX: complete */
	struct ledger_mark mark[LEDGER_MARKS]; /* ascending by hash */
};

/* Ledgers of a store with so many full records. */
uint32_t ledger_count(uint32_t domains);

/* The ledger of a full record, owned by the store; NULL: it has none. */
const struct ledger *store_ledger(const struct store *st, const struct domain *d);
