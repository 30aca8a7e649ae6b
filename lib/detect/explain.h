/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Why a name is flagged, and why not: one answer for any name.
 *
 * Features and rulings are those of a judgement made now (detect_window); the clauses are
 * those of the table CLAUSES over each of FLUX_WINDOWS. Nothing is changed by it, so that
 * a question asked leaves no trace in what is found.
 */

#include "detect/lists.h"
#include "detect/rules.h"
#include "detect/ways.h"
#include "psl/psl.h"
#include "store/look.h"

#define EVIDENCE_GRADES (EVIDENCE_PAIRED + 1u)

/* A clause held against the features of a window. */
struct explained_clause {
	enum clause clause;
	bool holds;
	bool counts;     /* and the ruling rests on it */
	double short_by; /* by how much it fails; 0 when it holds */
	struct reason reason;
};

struct explained_window {
	struct features features;
	struct ruling ruling; /* FLUX_NONE: no rule is met over this window */
	double probability;   /* by the model; below 0: there is none */
	unsigned ways;        /* what is lacking for a rule; 0 when one is met */
	struct way way[WAYS_MAX];
	struct explained_clause clause[CLAUSE_COUNT];
};

/* Plain data. Times in seconds since 1970. */
struct explanation {
	uint32_t time;       /* as of when */
	uint32_t generation; /* of the snapshot last published; control's to set */
	enum store_tier tier;
	uint8_t name_len;           /* of the registered domain; 0: the name has none, */
	uint8_t name[DNS_NAME_MAX]; /* being itself a public suffix */
	enum listing listed;
	bool known;          /* on a list of known domains */
	char text[256];      /* the answer in a sentence or two */
	uint32_t first_seen; /* the doorkeeper knows the day only; 0: unknown */
	uint32_t last_seen;
	uint32_t ttl_max;   /* of its address records; 0: unknown */
	unsigned addresses; /* that are kept ... */
	bool more;          /* ... and more were seen */
	unsigned prefixes;  /* /16 (IPv6: /32) that they lie in, as bits of a bitmap of 16 */
	uint64_t responses; /* record only */
	unsigned grade[EVIDENCE_GRADES]; /* kept addresses by enum evidence_grade */
	unsigned samples;
	struct domain_item sample[STORE_SAMPLE]; /* newest last_seen first */
	unsigned servers;                        /* addresses of its name servers; records only */
	struct domain_ns server[STORE_NS];       /* last seen first */
	/* Hysteresis; records only. */
	unsigned streak; /* evaluations in a row that met a rule */
	double raise_evaluations;
	double clear_after;
	uint32_t last_met; /* 0: never, or not since it was last cleared */
	bool flagged;
	struct verdict verdict; /* when flagged */
	unsigned windows;       /* FLUX_WINDOW_COUNT of a record; else 0 */
	struct explained_window window[FLUX_WINDOW_COUNT];
	double model_threshold; /* that decides; 0: the rules do */
};

/*
 * Explains `name` as of `now`, which is the end of the last epoch that was judged. Networks
 * of a record are looked up again when `renew`, those of a candidate always. `out` has
 * generation 0. Control's thread; a millisecond at most.
 */
void explain_name(const struct detector *t, const struct store *st, const struct psl *psl,
	const struct net_lookup *net, bool renew, const struct dns_name *name, uint32_t now,
	struct explanation *out);

/* Codes of a way's clauses, joined by ", ". */
void way_text(const struct way *w, char *text, size_t size);

const char *clause_code(enum clause k);
const char *evidence_grade_name(enum evidence_grade g);
