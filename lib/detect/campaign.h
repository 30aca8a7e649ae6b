/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Campaigns: flagged domains on the same hosts.
 *
 * Flux is rented out: who flags one domain of a pool wants the others with it. Two flagged
 * domains belong together when they share min_shared_units addresses in min_shared_networks
 * networks (by the reverse view, as siblings do), and with all that belong to either.
 *
 * A campaign's id is made of the name of its oldest member, by a fixed key: the same on
 * every sensor and after every start that flags that one first. It stays when that
 * member goes; when two campaigns meet the older id stays. A member leaves with its verdict,
 * not before.
 */

#include "detect/detect.h"

/* A link between two domains is looked for again after so many seconds, if answers came. */
#define CAMPAIGN_LINK_SECONDS 300u

/* Octets of scratch for so many verdicts. */
size_t campaigns_size(unsigned verdicts);

/*
 * Brings verdict.campaign of all verdicts up to date; once an epoch, after detect_sweep.
 * O(verdicts log verdicts), and for each that had answers since it was last linked
 * O(sample * REVERSE_KEYS). The order of verdicts leaves no trace.
 */
void detect_campaigns(struct detector *t, const struct store *st, uint32_t now);
