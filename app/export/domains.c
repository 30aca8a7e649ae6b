/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
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

/* Oldest first, as a person reads it. */
static json_t *activity_json(const struct verdict_activity *a)
{
	json_t *list = json_array();

	for (unsigned i = a->units; i-- > 0 && list;)
		list = value_whole(list, json_array_append_new(list, value_count(a->addresses[i])));
	return json_pack("{s:o, s:o, s:o}",                   //
		"unit_seconds", value_count(a->unit_seconds), //
		"end", value_seconds(a->end),                 //
		"addresses", list);
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
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:n, s:o, s:o}", //
		"domain", name,                                                               //
		"class", flux_class_name(v->class),                                           //
		"suspected", (int)v->suspected,                                               //
		"score", value_real(v->score),                                                //
		"confidence", value_real(v->confidence),                                      //
		"model_probability", export_probability(v->probability),                      //
		"first_flagged", value_seconds(v->first_flagged),                             //
		"first_seen", value_seconds(v->first_seen),                                   //
		"last_seen", value_seconds(v->last_seen),                                     //
		"window", flux_window_name(v->window),                                        //
		"addresses", value_estimate(f->addresses),                                    //
		"networks", value_estimate(f->networks),                                      //
		"effective_networks", value_real(f->effective_networks),                      //
		"countries", value_estimate(f->countries),                                    //
		"own_addresses", value_estimate(f->own_addresses),                            //
		"ttl_max", value_estimate(f->ttl_max),                                        //
		"host_names", value_estimate(f->host_names),                                  //
		"campaign", campaign_json(&v->campaign),                                      //
		"activity", activity_json(&v->activity),                                      //
		"allowed", 0, "acknowledged", /* until marks_put */                           //
		"reasons", reasons_json(v),                                                   //
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
