/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Takes a state into an empty store and detector. Whatever the octets are, it reads no
 * other memory and leaves the tables with their identities whole; after a fault they hold
 * a part and are to be made anew.
 *
 * A record that is whole and yet cannot be one of ours is left out and counted: one
 * name is lost by it, not all.
 */

#include "saved/format.h"

struct state_load {
	struct store *store;
	struct detector *detector;
	const struct psl *psl; /* another list than the state's; NULL: the same */
	struct state_header header;
	const struct state_reader *reader;
	enum state_fault fault;
	uint32_t crc;
	uint64_t octets; /* of records, fed so far */
	uint64_t records;
	uint64_t rejected;
	bool ended;
	struct state_restored restored;
	struct domain domain;   /* scratch */
	struct verdict verdict; /* scratch */
};

/*
 * For a store made with head->sketch. `psl` is the list in use; names are held against it
 * where it is another than the one that they were cut by.
 */
void state_load_begin(struct state_load *l, struct store *store, struct detector *detector,
	const struct psl *psl, const struct state_header *header, const struct state_head *head,
	const struct state_reader *reader);

/*
 * Takes the whole records at the start of what follows the header, and returns how
 * many octets these had; the rest is to come again, with more behind it. 0: more are
 * needed, at most STATE_RECORD_MAX, or l->fault says why not.
 */
size_t state_load_feed(struct state_load *l, const uint8_t *octets, size_t len);

/* After the last octet. The state counts only when this says STATE_OK. */
enum state_fault state_load_end(struct state_load *l);
