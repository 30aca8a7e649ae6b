/* SPDX-License-Identifier: BSD-3-Clause */

/* JSON of an explanation. All that is a list of features, windows or clauses comes of their tables.
 */

#include "base/address.h"
#include "export/json.h"
#include "export/value.h"

static json_t *name_json(const uint8_t *wire, size_t len)
{
	char text[DNS_TEXT_MAX];

	dns_name_text(wire, len, text, sizeof(text));
	return json_string(text);
}

static json_t *clauses_json(const struct explained_window *w)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < CLAUSE_COUNT && list; k++) {
		const struct explained_clause *c = &w->clause[k];
		json_t *clause = json_pack("{s:s, s:o, s:o, s:b, s:b, s:o, s:o}", //
			"code", c->reason.code,                                   //
			"value", value_real(c->reason.value),                     //
			"threshold", value_real(c->reason.threshold),             //
			"holds", (int)c->holds,                                   //
			"counts", (int)c->counts,                                 //
			"short_by", value_real(c->short_by),                      //
			"text", export_octets(c->reason.text));
		list = value_whole(list, json_array_append_new(list, clause));
	}
	return list;
}

static json_t *ways_json(const struct explained_window *w)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < w->ways && list; i++) {
		json_t *codes = json_array();

		for (uint64_t bits = w->way[i].clauses; bits && codes; bits &= bits - 1) {
			enum clause k = (enum clause)__builtin_ctzll(bits);
			codes = value_whole(
				codes, json_array_append_new(codes, json_string(clause_code(k))));
		}
		json_t *way = json_pack("{s:s, s:b, s:o}",         //
			"class", flux_class_name(w->way[i].class), //
			"suspected", (int)w->way[i].suspected,     //
			"lacks", codes);
		list = value_whole(list, json_array_append_new(list, way));
	}
	return list;
}

static json_t *window_json(const struct explained_window *w)
{
	const struct ruling *r = &w->ruling;
	bool met = r->class != FLUX_NONE;

	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}",            //
		"window", flux_window_name(w->features.window),                      //
		"class", met ? json_string(flux_class_name(r->class)) : json_null(), //
		"suspected", (int)r->suspected,                                      //
		"score", met ? value_real(r->score) : json_null(),                   //
		"confidence", met ? value_real(r->confidence) : json_null(),         //
		"model_probability", export_probability(w->probability),             //
		"features", export_features(&w->features),                           //
		"clauses", clauses_json(w),                                          //
		"ways", ways_json(w));
}

static json_t *windows_json(const struct explanation *e)
{
	json_t *list = json_array();

	for (unsigned w = 0; w < e->windows && list; w++)
		list = value_whole(list, json_array_append_new(list, window_json(&e->window[w])));
	return list;
}

static json_t *grades_json(const struct explanation *e)
{
	json_t *object = json_object();
	int bad = 0;

	/* The best first. */
	for (unsigned g = EVIDENCE_GRADES; g-- > 0;)
		bad |= json_object_set_new(object, evidence_grade_name((enum evidence_grade)g),
			value_count(e->grade[g]));
	return value_whole(object, bad);
}

static json_t *evidence_json(const struct explanation *e)
{
	return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}",                                    //
		"addresses", value_count(e->addresses),                                       //
		"more", (int)e->more,                                                         //
		"prefixes", value_count(e->prefixes),                                         //
		"responses", e->windows ? value_count(e->responses) : json_null(),            //
		"ttl_max", e->tier >= TIER_CANDIDATE ? value_count(e->ttl_max) : json_null(), //
		"grades", grades_json(e));
}

static json_t *hysteresis_json(const struct explanation *e)
{
	return json_pack("{s:o, s:o, s:o, s:o}",                   //
		"streak", value_count(e->streak),                  //
		"raised_at", value_estimate(e->raise_evaluations), //
		"last_met", value_seconds(e->last_met),            //
		"clear_after", value_estimate(e->clear_after));
}

static json_t *sample_json(const struct explanation *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->samples && list; i++) {
		const struct domain_item *item = &e->sample[i];
		json_t *sample = export_address(item);
		int bad = json_object_set_new(sample, "grade",
			json_string(evidence_grade_name((enum evidence_grade)item->grade)));

		/* Of the last 32 those in which it was answered. */
		uint64_t hours = (uint64_t)__builtin_popcount(item->hours);
		bad |= json_object_set_new(
			sample, "hours", e->windows ? value_count(hours) : json_null());
		bad |= json_object_set_new(
			sample, "name_server", e->windows ? json_boolean(item->ns) : json_null());
		sample = value_whole(sample, bad);
		list = value_whole(list, json_array_append_new(list, sample));
	}
	return list;
}

/* Of its name servers, as glue tells them. */
static json_t *servers_json(const struct explanation *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->servers && list; i++) {
		const struct domain_ns *ns = &e->server[i];
		char address[ADDRESS_TEXT_MAX];

		address_text(ns->unit, address);
		json_t *server = json_pack("{s:s, s:o, s:o, s:i}",           //
			"address", address,                                  //
			"asn", ns->asn ? value_count(ns->asn) : json_null(), //
			"last_seen", value_seconds(ns->last),                //
			"ticks", __builtin_popcountll(ns->ticks));
		list = value_whole(list, json_array_append_new(list, server));
	}
	return list;
}

static json_t *listed_json(enum listing l)
{
	return l == LISTED_NOT ? json_null() : json_string(listing_name(l));
}

json_t *export_explanation(const struct dns_name *name, const struct explanation *e)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:b, s:o,"
			 " s:o, s:o, s:o, s:o, s:o, s:o, s:o}",                        //
		"schema_version", EXPORT_SCHEMA_VERSION,                               //
		"generation", value_count(e->generation),                              //
		"time", value_seconds(e->time),                                        //
		"name", name_json(name->wire, name->len),                              //
		"domain", e->name_len ? name_json(e->name, e->name_len) : json_null(), //
		"tier", store_tier_name(e->tier),                                      //
		"flagged", (int)e->flagged,                                            //
		"text", export_octets(e->text),                                        //
		"listed", listed_json(e->listed),                                      //
		"known", (int)e->known,                                                //
		"first_seen", value_seconds(e->first_seen),                            //
		"last_seen", value_seconds(e->last_seen),                              //
		"verdict", e->flagged ? export_domain(&e->verdict) : json_null(),      //
		"hysteresis", e->windows ? hysteresis_json(e) : json_null(),           //
		"evidence", e->tier == TIER_NOTHING ? json_null() : evidence_json(e),  //
		"windows", windows_json(e),                                            //
		"sample", sample_json(e),                                              //
		"name_servers", servers_json(e));
}
