/* SPDX-License-Identifier: BSD-3-Clause */
#include "background.h"

#include <errno.h>
#include <stdlib.h>

#define HOST_LABELS 8
#define HOSTS_MAX 4
#define HOST_MISSING UINT64_MAX /* a host name that does not exist */
#define MISSING_PERCENT 5
#define AAAA_PERCENT 20
#define HAS_AAAA_PERCENT 60
#define ALIAS_PERCENT 8
#define SHOWN_SERVERS_PERCENT 30
#define NEGATIVE_TTL 900
/* A plain query with a name of 21 octets (root included) is 98 octets with its FCS. */
#define NAME_OCTETS_MIN 17
#define NAME_OCTETS_SPREAD 9

static const struct pool_shape cdn_shape = {
	.slots_min = 400,
	.slots_max = 400,
	.networks = 1,
	.kind = NETWORK_HOSTING,
	.answer_min = 2,
	.answer_max = 2,
	.ttl_min = 60,
	.ttl_max = 60,
};

/* One property of a zone in percent, independent of the others by its name. */
static bool zone_percent(const struct zone *zone, uint64_t property, uint32_t percent)
{
	return hash_below(hash_pair(zone->key, property), 100) < percent;
}

enum property { PROPERTY_AAAA, PROPERTY_ALIAS, PROPERTY_SERVERS, PROPERTY_LAYOUT, PROPERTY_HOSTS };

static void answer_empty(struct answer *answer, enum dns_rcode rcode)
{
	answer->rcode = (uint8_t)rcode;
	answer->address_count = 0;
	answer->cname = false;
	answer->ttl = NEGATIVE_TTL;
}

static void answer_addresses(
	const struct zone *zone, uint32_t count, bool v6, struct answer *answer)
{
	static const uint32_t ttls[] = {300, 300, 600, 900, 1800, 3600, 3600, 14400, 43200, 86400};
	uint64_t layout = hash_pair(zone->key, PROPERTY_LAYOUT);
	bool two_networks = layout % 4 == 0;

	answer->rcode = DNS_NOERROR;
	answer->cname = false;
	answer->ttl = ttls[hash_below(layout, sizeof(ttls) / sizeof(ttls[0]))];
	answer->address_count = (uint8_t)count;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t network = hash_pair(layout, two_networks ? i % 2 : 0);
		uint32_t index = hash_below(network, NETWORK_COUNT - NETWORK_EYEBALLS);

		answer->addresses[i] = plan_address(zone->plan,
			(uint16_t)(NETWORK_EYEBALLS + index), hash_pair(network, 16 + i), v6);
	}
}

static void answer_ten(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)question;
	(void)moment;
	answer_addresses(zone, 10, false, answer);
}

static void answer_missing(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)zone;
	(void)question;
	(void)moment;
	answer_empty(answer, DNS_NXDOMAIN);
}

static void answer_refused(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)zone;
	(void)question;
	(void)moment;
	answer_empty(answer, DNS_REFUSED);
}

static void answer_plain(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	(void)question;
	(void)moment;
	answer_addresses(zone, 1, false, answer);
}

static void answer_site(const struct zone *zone, const struct question *question,
	const struct moment *moment, struct answer *answer)
{
	uint64_t layout = hash_pair(zone->key, PROPERTY_LAYOUT);

	(void)moment;
	answer_empty(answer, question->host == HOST_MISSING ? DNS_NXDOMAIN : DNS_NOERROR);
	if (question->host == HOST_MISSING)
		return;
	if (question->host == 0 && zone_percent(zone, PROPERTY_ALIAS, ALIAS_PERCENT)) {
		char label[LABEL_TEXT];

		label_random(label, zone->key, 12);
		answer->cname = true;
		answer->target.host = zone->key;
		answer->target.type = question->type;
		name_under(&answer->target.name, label, &zone->target->apex);
		return;
	}
	if (question->type == DNS_A || zone_percent(zone, PROPERTY_AAAA, HAS_AAAA_PERCENT))
		answer_addresses(
			zone, 1 + (uint32_t)(layout >> 8) % 4, question->type == DNS_AAAA, answer);
}

static void cdn_init(struct background *background, uint32_t index)
{
	struct zone *zone = &background->cdn_zones[index];
	char label[LABEL_TEXT];

	*zone = (struct zone){
		.key = hash_pair(background->key, hash_text("cdn") + index),
		.plan = background->plan,
		.answer = answer_draw,
		.pool = &background->cdn_pools[index],
		.truth = -1,
	};
	pool_init(&background->cdn_pools[index], &cdn_shape, background->plan, zone->key);
	label_make(label, index, zone->key, LABEL_CORE);
	label[LABEL_CORE] = '\0';
	name_add(&zone->apex, "edge-");
	zone->apex.wire[0] = (uint8_t)(zone->apex.wire[0] + LABEL_CORE);
	for (uint32_t i = 0; i < LABEL_CORE; i++)
		zone->apex.wire[zone->apex.len++] = (uint8_t)label[i];
	name_add(&zone->apex, background->options->tlds[index % background->options->tld_count]);
	name_end(&zone->apex);
}

int background_init(struct background *background, const struct options *options,
	const struct network_plan *plan)
{
	int ret;

	*background = (struct background){.options = options, .plan = plan};
	background->key = hash_pair(options->seed, hash_text("background"));
	rng_seed(&background->rng, background->key);
	for (uint32_t i = 0; i < BACKGROUND_CDNS; i++)
		cdn_init(background, i);
	background->seen = calloc(options->domains, 1);
	if (background->seen == NULL)
		return -ENOMEM;
	ret = zipf_init(&background->zipf, options->domains, options->zipf);
	if (ret != 0)
		free(background->seen);
	return ret;
}

/* Writes the n-th domain's zone, and its host's name, whose length the first host makes up. */
static void site_make(const struct background *background, uint32_t number, uint32_t host,
	struct zone *zone, struct dns_name *name)
{
	static const char *const hosts[HOST_LABELS] = {
		"www", "api", "cdn", "img", "m", "mail", "shop", "static"};
	uint64_t key = hash_pair(background->key, number);
	uint32_t first = hash_below(hash_pair(key, PROPERTY_HOSTS), 4);
	const char *tld =
		background->options->tlds[hash_below(key, background->options->tld_count)];
	unsigned int octets = NAME_OCTETS_MIN + (uint32_t)key % NAME_OCTETS_SPREAD;
	unsigned int length = octets - 4;
	char label[LABEL_TEXT];

	*zone = (struct zone){
		.key = key, .plan = background->plan, .answer = answer_site, .truth = -1};
	zone->target = &background->cdn_zones[key % BACKGROUND_CDNS];
	zone->shows_servers = zone_percent(zone, PROPERTY_SERVERS, SHOWN_SERVERS_PERCENT);
	for (const char *at = tld; *at != '\0'; at++)
		length--;
	for (const char *at = hosts[first]; *at != '\0'; at++)
		length--;
	if (length < LABEL_CORE || length > octets)
		length = LABEL_CORE;
	label_make(label, number, key, length);
	name->len = 0;
	name_add(name, hosts[(first + host) % HOST_LABELS]);
	name->apex_at = name->len;
	name_add(name, label);
	name_add(name, tld);
	name_end(name);
}

/* Puts a label that no host has in front of the registered domain. */
static void question_miss(struct background *background, struct question *question)
{
	struct dns_name apex = question->name;
	char label[LABEL_TEXT];

	label_random(label, rng_next(&background->rng), 9);
	question->host = HOST_MISSING;
	name_under(&question->name, label, &apex);
}

static void plain_make(struct background *background, struct zone *zone, struct question *question)
{
	static const zone_answer_fn answers[] = {
		[PLAIN_PAIRS] = answer_plain,
		[PLAIN_TEN] = answer_ten,
		[PLAIN_NXDOMAIN] = answer_missing,
		[PLAIN_RANDOM] = answer_missing,
		[PLAIN_HEADER] = answer_refused,
	};

	zone->answer = answers[background->options->plain];
	zone->shows_servers = false;
	if (background->options->plain == PLAIN_RANDOM)
		question_miss(background, question);
	/* It is the top-level domain that says so: its SOA record stands in the response. */
	if (background->options->plain == PLAIN_NXDOMAIN)
		question->name.apex_at = (uint8_t)(question->name.apex_at + 1 +
						   question->name.wire[question->name.apex_at]);
}

uint64_t background_lookup(struct background *background, struct tap *tap, uint64_t time)
{
	bool plain = background->options->plain != PLAIN_NONE;
	struct rng *rng = &background->rng;
	uint32_t number = zipf_draw(&background->zipf, rng);
	uint64_t choice = rng_next(rng), positives = tap->positives;
	uint32_t host = 0;
	struct question question = {.type = DNS_A};
	struct zone zone;

	if (!plain) {
		uint64_t key = hash_pair(background->key, number);

		host = hash_below(choice, 1 + (uint32_t)(key >> 40) % HOSTS_MAX);
		if (choice % 100 < AAAA_PERCENT)
			question.type = DNS_AAAA;
	}
	question.host = host;
	site_make(background, number, host, &zone, &question.name);
	if (plain) {
		plain_make(background, &zone, &question);
	} else if (rng_percent(rng, MISSING_PERCENT)) {
		question_miss(background, &question);
	}
	tap_lookup(tap, rng, &zone, &question, time);
	if (tap->positives > positives)
		background->seen[number] |= (uint8_t)(1u << host);
	return rng_wait(rng, 1e9 / background->options->rate);
}

void background_count(const struct background *background, struct truth *truth)
{
	for (uint32_t i = 0; i < background->options->domains; i++) {
		truth->background_domains += background->seen[i] != 0;
		truth->background_names += (uint64_t)__builtin_popcount(background->seen[i]);
	}
}

void background_free(struct background *background)
{
	free(background->seen);
	zipf_free(&background->zipf);
}
