/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The store as records, and back (docs/adr/0006). What a record holds is in one
 * file each: state_domain.c, state_candidate.c, state_door.c, state_reverse.c.
 *
 * Saving walks the store in helpings, between two merges; restoring puts each
 * record where the new placement key and table sizes say. Pure: memory and octets
 * are the caller's. Records that are read are hostile until checked here. Left out are
 * the servers' names by day (struct servers), which fill again with the next answers.
 */

#include "base/codec.h"
#include "psl/psl.h"
#include "store/ledger.h"
#include "store/store.h"

/* Kinds of records, in the order in which they are saved: what is worth most comes first. */
enum state_kind {
	STATE_HEAD = 1,
	STATE_DOMAIN,  /* full records, flagged ones first */
	STATE_VERDICT, /* lib/detect */
	STATE_CANDIDATE,
	STATE_DOOR,
	STATE_REVERSE,
	STATE_END,
	STATE_KINDS
};

/* Longest record of all kinds, header included; a longer one is damage. */
#define STATE_RECORD_MAX 65536u

/* What a restore took in, and what found no room in tables smaller than those saved. */
struct state_restored {
	uint64_t domains; /* full records */
	uint64_t candidates;
	uint64_t door;    /* names in the doorkeeper */
	uint64_t reverse; /* addresses in the reverse view */
	uint64_t verdicts;
	uint64_t reduced;      /* full records that became candidates */
	uint64_t domains_lost; /* these and below: gone */
	uint64_t candidates_lost;
	uint64_t door_lost;
	uint64_t reverse_lost;
	uint64_t verdicts_lost;
	uint64_t renamed; /* of domains_lost: no registered domain by today's suffix list */
};

/* A place in the walk over one kind; starts from {0}. */
struct store_walk {
	uint64_t at;
	bool over;
};

/*
 * Each writes the records of the next places, at most `places`, until one finds no
 * room (e->full is then set and the place kept), and returns how many it wrote.
 * The store must not change from the first call of a save to the last.
 */
unsigned store_save_domains(const struct store *st, struct store_walk *w, bool flagged,
	struct encoder *e, unsigned places);
unsigned store_save_candidates(
	const struct store *st, struct store_walk *w, struct encoder *e, unsigned places);
unsigned store_save_door(
	const struct store *st, struct store_walk *w, struct encoder *e, unsigned places);
unsigned store_save_reverse(
	const struct store *st, struct store_walk *w, struct encoder *e, unsigned places);

/*
 * Each takes one record of version 1 in. False: it cannot be one of ours. `image`
 * is scratch. store_restore_begin comes first, with the times saved.
 */
void store_restore_begin(struct store *st, uint32_t now, uint32_t since);
/* A domain's ledger, or that it has none, as the end of its record. */
void ledger_put(struct encoder *e, const struct ledger *l);
/* Reads it back, for a domain not placed yet; *has: it had one. False: it cannot be ours. */
bool ledger_get(const struct store *st, struct decoder *in, const struct domain *d,
	struct ledger *out, bool *has);
bool domain_item_fits(const struct domain_item *it, uint32_t now);
bool store_restore_domain(struct store *st, struct decoder *d, const struct psl *psl,
	struct domain *image, struct state_restored *r);
bool store_restore_candidate(struct store *st, struct decoder *d, struct state_restored *r);
bool store_restore_door(struct store *st, struct decoder *d, struct state_restored *r);
bool store_restore_reverse(struct store *st, struct decoder *d, struct state_restored *r);
