/* SPDX-License-Identifier: BSD-3-Clause */
#include "families.h"

#include <string.h>

#define MISMATCH_PERCENT 10 /* look-ups for the address type that the domain does not have */

#define TAIL_LETTERS 4

/*
 * Two labels in one, joined by a hyphen: the first is unique within the family; the beginning of
 * the second stands for the family's row (label_make() gives the first hundred numbers different
 * beginnings). So no two domains of a seed are alike, and the background has no hyphens.
 */
static void apex_make(struct dns_name *apex, const struct family *family, uint32_t serial,
	uint64_t seed, const char *tld)
{
	uint64_t first = hash_pair(seed, hash_text(family->name)) % LABEL_CORE_COUNT;
	char label[2 * LABEL_TEXT], tail[LABEL_TEXT];
	size_t len;

	label_make(label, (uint32_t)((first + serial) % LABEL_CORE_COUNT), 0, LABEL_CORE);
	label_make(
		tail, family->row > 0 ? family->row : (uint32_t)(family - families), 0, LABEL_CORE);
	len = strlen(label);
	label[len++] = '-';
	memcpy(label + len, tail, TAIL_LETTERS);
	label[len + TAIL_LETTERS] = '\0';
	apex->len = 0;
	apex->apex_at = 0;
	name_add(apex, label);
	name_add(apex, tld);
	name_end(apex);
}

static void apex_given(struct dns_name *apex, const char *name)
{
	apex->len = 0;
	apex->apex_at = 0;
	name_add(apex, name);
	name_end(apex);
}

uint32_t family_room(const struct family *family)
{
	uint32_t room = 0;

	if (family->suffixes == NULL)
		return MAX_FAMILY_DOMAINS;
	while (family->suffixes[room] != NULL)
		room++;
	return room;
}

bool family_has_target(const struct family *family)
{
	return family->answer == answer_alias;
}

void family_domain_init(struct family_domain *domain, const struct family *family, uint32_t index,
	const struct options *options, const struct network_plan *plan)
{
	uint64_t family_key = hash_pair(options->seed, hash_text(family->name));
	uint64_t key = hash_pair(family_key, index);
	uint32_t campaign = family->flux_class == FLUX_NONE ? index : index / options->campaign;
	bool moving = family->moving_every > 0 && (index + 1) % family->moving_every == 0;
	uint32_t asked = family->row > 0 ? 0 : options->family_intervals[family - families];
	uint64_t tld_hash = hash_pair(hash_text(family->name), index);
	const char *tld = options->tlds[hash_below(tld_hash, options->tld_count)];

	memset(domain, 0, sizeof(*domain));
	domain->family = family;
	domain->interval_ms = asked > 0 ? 1000 * asked : family->interval_ms;
	domain->flux_class = family->flux_class;
	if (moving && family->flux_class == FLUX_SINGLE)
		domain->flux_class = FLUX_DOUBLE;
	rng_seed(&domain->rng, hash_pair(key, hash_text("look-ups")));
	pool_init(&domain->pool, &family->shape, plan, hash_pair(family_key, campaign));
	domain->zone = (struct zone){
		.key = key,
		.plan = plan,
		.answer = family->answer,
		.pool = &domain->pool,
		.moving_servers = moving,
		.steady_names = family->steady_names,
		.fleet = family->fleet,
		.shows_servers = true,
	};
	if (family->suffixes != NULL)
		apex_given(&domain->zone.apex, family->suffixes[index]);
	else
		apex_make(&domain->zone.apex, family, 2 * index, options->seed, tld);
	if (!family_has_target(family))
		return;
	domain->target = domain->zone;
	domain->target.key = hash_mix(key);
	domain->target.answer = answer_draw;
	domain->zone.target = &domain->target;
	apex_make(&domain->target.apex, family, 2 * index + 1, options->seed, tld);
}

uint64_t family_domain_ask(struct family_domain *domain, struct question *question)
{
	const struct family *family = domain->family;
	bool other = rng_percent(&domain->rng, MISMATCH_PERCENT);

	question->type = family->shape.v6 == other ? DNS_A : DNS_AAAA;
	question->host = rng_next(&domain->rng);
	if (family->hosts > 0)
		question->host = hash_below(question->host, family->hosts);
	family->host_name(&domain->zone, question->host, &question->name);
	return rng_wait(&domain->rng, (double)domain->interval_ms * 1e6);
}
