/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_FAMILIES 64 /* rows in the family table, at most */
#define OPTIONS_ATTACKS 16  /* rows in the table of attacks, at most */
#define OPTIONS_TLDS 32
#define TLD_OCTETS 24 /* of a top-level domain's text, at most, with its zero */

enum vantage {
	VANTAGE_CLIENT,   /* between clients and their resolvers: cached answers, decayed TTLs */
	VANTAGE_RESOLVER, /* between resolvers and authorities: full TTLs, NS sets */
};

/* What the background of a benchmark is, instead of what a network is like. */
enum plain {
	PLAIN_NONE,
	PLAIN_PAIRS,    /* one A each */
	PLAIN_TEN,      /* ten A each */
	PLAIN_NXDOMAIN, /* registered domains that do not exist */
	PLAIN_RANDOM,   /* random names under domains that do */
	PLAIN_HEADER,   /* refusals of 12 octets, as floods draw them */
};

struct options {
	const char *out, *truth, *asn_db, *country_db, *eyeballs; /* NULL: not wanted; not owned */
	const char *mix;
	uint64_t seed;
	uint64_t start, duration; /* seconds */
	uint64_t packets;         /* stop after so many; 0: no limit */
	uint32_t domains;         /* registered domains of the background */
	double zipf;              /* exponent of their popularity; 0: uniform */
	double rate;              /* background look-ups a second; 0: none */
	enum plain plain;         /* background of bare pairs for benchmarks */
	enum vantage vantage;
	uint32_t clients, resolvers;
	bool responses_only;
	uint32_t loss_percent;
	uint16_t vlan; /* 0: untagged */
	bool gtpu;     /* in GTP-U, as between base station and gateway */
	bool nanoseconds;
	bool mixed_case;
	uint32_t tld_count;
	char tlds[OPTIONS_TLDS][TLD_OCTETS];
	uint32_t family_domains[OPTIONS_FAMILIES];   /* by row of families[] */
	uint32_t family_intervals[OPTIONS_FAMILIES]; /* seconds; 0: as the family's row says */
	uint32_t attack_domains[OPTIONS_ATTACKS];    /* by row of attacks[] */
	uint32_t onset;    /* seconds after the start at which fluxing domains begin */
	uint32_t campaign; /* domains of a fluxing family that share one pool of hosts */
};

enum options_verdict { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_WRONG };

/*
 * Reads the command line: what is given there wins over the mix, and the mix over the defaults.
 * OPTIONS_HELP: help was printed; OPTIONS_WRONG: one line that says why went to stderr.
 */
enum options_verdict options_parse(struct options *options, int argc, char **argv);
