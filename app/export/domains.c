/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "detect/columns.h"
#include "dns/dns.h"
#include "export/json.h"
#include "export/value.h"

/* Unknown where no glue was seen, which most answers have none of. */
static bool is_of_glue(const char *feature)
{
	static const char *const names[] = {"ns_addresses", "ns_networks", "glue_in_pool",
		"ns_transient", "ns_departures", "ns_server_share"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], feature) == 0)
			return true;
	return false;
}

json_t *export_features(const struct features *f)
{
	json_t *object = json_object();
	int bad = 0;

	for (unsigned i = 0; i < FEATURE_COUNT; i++) {
		bool unknown = f->ns_addresses == 0 && is_of_glue(feature_names[i]);
		bad |= json_object_set_new(object, feature_names[i],
			unknown ? json_null() : value_real(feature_get(f, i)));
	}
	return value_whole(object, bad);
}

static json_t *reasons_json(const struct verdict *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->reasons && list; i++) {
		const struct reason *r = &v->reason[i];
		json_t *reason = json_pack("{s:s, s:o, s:o, s:o}", //
			"code", r->code,                           //
			"value", value_real(r->value),             //
			"threshold", value_real(r->threshold),     //
			"text", export_octets(r->text));
		list = value_whole(list, json_array_append_new(list, reason));
	}
	return list;
}

/* A database may hold anything where a country code should be. */
static json_t *country_json(const char country[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (country[i] < 'A' || country[i] > 'Z')
			return json_null();
	}
	return json_stringn(country, 2);
}

json_t *export_address(const struct domain_item *item)
{
	char address[ADDRESS_TEXT_MAX];

	address_text(item->unit, address);
	return json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}",               //
		"address", address,                                      //
		"asn", item->asn ? value_count(item->asn) : json_null(), //
		"country", country_json(item->country),                  //
		"own", (int)item->own,                                   //
		"first_seen", value_seconds(item->first),                //
		"last_seen", value_seconds(item->last));
}

static json_t *sample_json(const struct verdict *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->samples && list; i++)
		list = value_whole(
			list, json_array_append_new(list, export_address(&v->sample[i])));
	return list;
}

/* The number as text: more than 53 bits are no number to many readers. */
static json_t *campaign_json(const struct verdict_campaign *c)
{
	char id[17];

	if (!c->id)
		return json_null();
	snprintf(id, sizeof(id), "%016" PRIx64, c->id);
	return json_pack("{s:s, s:o}", "id", id, "domains", value_count(c->domains));
}

json_t *export_probability(double p)
{
	return p < 0 ? json_null() : value_real(p);
}

json_t *export_domain(const struct verdict *v)
{
	const struct features *f = &v->features;
	char name[DNS_TEXT_MAX];

	dns_name_text(v->name, v->name_len, name, sizeof(name));
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:s,"
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"domain", name,                                                //
		"class", flux_class_name(v->class),                            //
		"suspected", (int)v->suspected,                                //
		"score", value_real(v->score),                                 //
		"confidence", value_real(v->confidence),                       //
		"model_probability", export_probability(v->probability),       //
		"first_flagged", value_seconds(v->first_flagged),              //
		"first_seen", value_seconds(v->first_seen),                    //
		"last_seen", value_seconds(v->last_seen),                      //
		"window", flux_window_name(v->window),                         //
		"addresses", value_estimate(f->addresses),                     //
		"networks", value_estimate(f->networks),                       //
		"effective_networks", value_real(f->effective_networks),       //
		"countries", value_estimate(f->countries),                     //
		"own_addresses", value_estimate(f->own_addresses),             //
		"ttl_max", value_estimate(f->ttl_max),                         //
		"host_names", value_estimate(f->host_names),                   //
		"campaign", campaign_json(&v->campaign),                       //
		"reasons", reasons_json(v),                                    //
		"sample", sample_json(v));
}

json_t *export_domain_detail(const struct snapshot *s, const struct verdict *v)
{
	json_t *detail = json_pack("{s:i, s:o, s:o, s:o}", //
		"schema_version", EXPORT_SCHEMA_VERSION,   //
		"generation", value_count(s->generation),  //
		"time", value_seconds(s->time),            //
		"evaluated", value_seconds(v->evaluated));
	json_t *domain = export_domain(v);
	int bad = json_object_update(detail, domain);

	json_decref(domain);
	bad |= json_object_set_new(detail, "features", export_features(&v->features));
	return value_whole(detail, bad);
}

void domains_query_init(struct domains_query *q)
{
	*q = (struct domains_query){
		.class = -1,
		.window = -1,
		.suspected = -1,
		.own = -1,
		.limit = EXPORT_LIMIT_DEFAULT,
	};
}

static bool query_admits(const struct domains_query *q, const struct verdict *v)
{
	return (q->class < 0 || q->class == (int)v->class) &&
	       (q->window < 0 || q->window == (int)v->window) &&
	       (q->suspected < 0 || q->suspected == (int)v->suspected) &&
	       (q->own < 0 || q->own == (v->features.own_addresses > 0)) &&
	       v->score * 1000 >= q->min_score;
}

/*
 * A cursor is where the next page starts and what it belongs to: four words in
 * hexadecimal. The time tells generations of two runs of the program apart.
 */
#define CURSOR_WORDS 4u
#define CURSOR_LEN (8 * CURSOR_WORDS)

struct cursor {
	uint32_t generation;
	uint32_t time;
	uint32_t filter;
	uint32_t index;
};

/* All filters in one word: 17 bits of score, then the others from -1 up. */
static uint32_t query_filter(const struct domains_query *q)
{
	return q->min_score | (uint32_t)(q->class + 1) << 17 | (uint32_t)(q->window + 1) << 22 |
	       (uint32_t)(q->suspected + 1) << 27 | (uint32_t)(q->own + 1) << 29;
}

static json_t *cursor_json(const struct cursor *c)
{
	return json_sprintf("%08x%08x%08x%08x", c->generation, c->time, c->filter, c->index);
}

static bool cursor_parse(const char *text, struct cursor *c)
{
	uint32_t word[CURSOR_WORDS];

	if (strlen(text) != CURSOR_LEN || strspn(text, "0123456789abcdef") != CURSOR_LEN)
		return false;
	for (unsigned i = 0; i < CURSOR_WORDS; i++) {
		char digits[9] = {0};

		memcpy(digits, text + 8 * i, 8);
		word[i] = (uint32_t)strtoul(digits, NULL, 16);
	}
	*c = (struct cursor){word[0], word[1], word[2], word[3]};
	return true;
}

/* Where the page starts, or -errno. */
static int64_t query_start(const struct snapshot *s, const struct domains_query *q)
{
	struct cursor c;

	if (!q->cursor)
		return 0;
	if (!cursor_parse(q->cursor, &c) || c.filter != query_filter(q))
		return -EINVAL;
	if (c.generation != s->generation || c.time != s->time)
		return -ESTALE;
	return c.index <= s->verdicts ? (int64_t)c.index : -EINVAL;
}

int export_domains(const struct snapshot *s, const struct domains_query *q, json_t **out)
{
	struct cursor next = {s->generation, s->time, query_filter(q), 0};
	int64_t start = query_start(s, q);
	unsigned matched = 0, page = 0;
	json_t *list;

	if (start < 0)
		return (int)start;
	list = json_array();
	for (unsigned i = 0; i < s->verdicts && list; i++) {
		if (!query_admits(q, &s->verdict[i]))
			continue;
		matched++;
		if (i < start || next.index)
			continue;
		if (page++ == q->limit)
			next.index = i;
		else
			list = value_whole(
				list, json_array_append_new(list, export_domain(&s->verdict[i])));
	}
	*out = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"schema_version", EXPORT_SCHEMA_VERSION,             //
		"generation", value_count(s->generation),            //
		"time", value_seconds(s->time),                      //
		"flagged", value_count(s->verdicts),                 //
		"matched", value_count(matched),                     //
		"limit", value_count(q->limit),                      //
		"domains", list,                                     //
		"next_cursor", next.index ? cursor_json(&next) : json_null());
	return *out ? 0 : -ENOMEM;
}
