/* SPDX-License-Identifier: BSD-3-Clause */
#include "truth.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define SCHEMA_VERSION 1

static uint64_t *set_seek(uint64_t *slots, size_t room, uint64_t unit)
{
	size_t at = hash_mix(unit) & (room - 1);

	while (slots[at] != 0 && slots[at] != unit)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static int set_add(struct truth_domain *domain, uint64_t unit)
{
	uint64_t *slot;

	if (2 * (domain->address_count + 1) > domain->address_room) {
		size_t room = domain->address_room == 0 ? 64 : 2 * domain->address_room;
		uint64_t *slots = calloc(room, sizeof(*slots));

		if (slots == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < domain->address_room; i++) {
			if (domain->addresses[i] != 0)
				*set_seek(slots, room, domain->addresses[i]) = domain->addresses[i];
		}
		free(domain->addresses);
		domain->addresses = slots;
		domain->address_room = room;
	}
	slot = set_seek(domain->addresses, domain->address_room, unit);
	domain->address_count += *slot == 0;
	*slot = unit;
	return 0;
}

int truth_add(struct truth *truth, const struct zone *zone, const struct family *family,
	enum flux_class flux_class, uint32_t campaign)
{
	struct truth_domain *domain;

	if (truth->domain_count == truth->domain_room) {
		size_t room = truth->domain_room == 0 ? 64 : 2 * truth->domain_room;
		struct truth_domain *domains = realloc(truth->domains, room * sizeof(*domains));

		if (domains == NULL)
			return -ENOMEM;
		truth->domains = domains;
		truth->domain_room = room;
	}
	domain = &truth->domains[truth->domain_count];
	*domain = (struct truth_domain){
		.family = family,
		.flux_class = flux_class,
		.campaign = campaign,
	};
	name_apex_text(&zone->apex, domain->name);
	return (int)truth->domain_count++;
}

int truth_add_forged(struct truth *truth, const struct zone *zone, const char *attack)
{
	int row = truth_add(truth, zone, NULL, FLUX_NONE, 0);

	if (row >= 0)
		truth->domains[row].attack = attack;
	return row;
}

int truth_observe(struct truth *truth, int row, const struct network_plan *plan, uint64_t time,
	const struct answer *answer)
{
	struct truth_domain *domain = &truth->domains[row];

	domain->responses++;
	if (domain->first_response == 0)
		domain->first_response = time / 1000000000u;
	for (uint8_t i = 0; i < answer->address_count; i++) {
		const struct address *address = &answer->addresses[i];
		uint16_t network = plan_owner(plan, address);
		/* Upper halves of 2400::/12 have the top bits set that an IPv4 address has not. */
		int ret = set_add(domain, address->v6 ? address->high : address->low);

		if (ret != 0)
			return ret;
		if (network != NETWORK_NONE)
			domain->networks[network / 64] |= 1ull << network % 64;
	}
	return 0;
}

static json_t *first_response_to_json(const struct truth_domain *domain)
{
	return domain->responses > 0 ? json_integer((json_int_t)domain->first_response)
				     : json_null();
}

static json_int_t network_count(const struct truth_domain *domain)
{
	json_int_t networks = 0;

	for (size_t i = 0; i < NETWORK_COUNT / 64; i++)
		networks += __builtin_popcountll(domain->networks[i]);
	return networks;
}

static json_t *domain_to_json(const struct truth_domain *domain)
{
	return json_pack("{s:s, s:s, s:b, s:s, s:o, s:o, s:I, s:I, s:I}", "domain", domain->name,
		"family", domain->family->name, "flux", domain->flux_class != FLUX_NONE, "class",
		flux_class_text(domain->flux_class), "campaign",
		domain->campaign > 0 ? json_integer(domain->campaign) : json_null(),
		"first_response", first_response_to_json(domain), "addresses",
		(json_int_t)domain->address_count, "networks", network_count(domain), "responses",
		(json_int_t)domain->responses);
}

static json_t *forged_to_json(const struct truth_domain *domain)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:I, s:I}", "attack", domain->attack, "domain",
		domain->name, "first_response", first_response_to_json(domain), "addresses",
		(json_int_t)domain->address_count, "networks", network_count(domain), "responses",
		(json_int_t)domain->responses);
}

static json_t *truth_to_json(const struct truth *truth, const struct options *options)
{
	json_t *domains = json_array(), *attacks = json_array(), *json;

	for (size_t i = 0; i < truth->domain_count; i++) {
		const struct truth_domain *domain = &truth->domains[i];

		if (domain->attack != NULL)
			json_array_append_new(attacks, forged_to_json(domain));
		else
			json_array_append_new(domains, domain_to_json(domain));
	}
	json = json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:I}}", "schema_version",
		SCHEMA_VERSION, "seed", (json_int_t)options->seed, "start",
		(json_int_t)options->start, "duration", (json_int_t)options->duration, "packets",
		(json_int_t)(truth->queries + truth->responses), "queries",
		(json_int_t)truth->queries, "responses", (json_int_t)truth->responses, "domains",
		domains, "background", "registered_domains", (json_int_t)truth->background_domains,
		"names", (json_int_t)truth->background_names);
	if (json_array_size(attacks) > 0)
		json_object_set(json, "attacks", attacks);
	json_decref(attacks);
	return json;
}

int truth_write(const struct truth *truth, const struct options *options, const char *path)
{
	json_t *json = truth_to_json(truth, options);
	FILE *file;
	int ret = 0;

	if (json == NULL)
		return -ENOMEM;
	file = fopen(path, "w");
	if (file == NULL) {
		ret = -errno;
		goto out;
	}
	errno = 0;
	if (json_dumpf(json, file, JSON_INDENT(2)) != 0 || fputc('\n', file) == EOF)
		ret = errno != 0 ? -errno : -EIO;
	if (fclose(file) != 0 && ret == 0)
		ret = -errno;
out:
	json_decref(json);
	return ret;
}

void truth_free(struct truth *truth)
{
	for (size_t i = 0; i < truth->domain_count; i++)
		free(truth->domains[i].addresses);
	free(truth->domains);
	*truth = (struct truth){0};
}
