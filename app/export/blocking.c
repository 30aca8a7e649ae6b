/* SPDX-License-Identifier: BSD-3-Clause */

/* JSON of what the blocking gate decided. */

#include "dns/dns.h"
#include "export/json.h"
#include "export/rpz.h"
#include "export/value.h"

static json_t *domain_json(const struct gate_entry *e)
{
	char name[DNS_TEXT_MAX];

	dns_name_text(e->name, e->name_len, name, sizeof(name));
	return json_pack("{s:s, s:b, s:s, s:o, s:o}",                    //
		"domain", name,                                          //
		"listed", (int)(e->reason == GATE_LISTED),               //
		"reason", gate_reason_name((enum gate_reason)e->reason), //
		"firm_since", value_seconds(e->firm_since),              //
		"listed_since", value_seconds(e->listed_since));
}

static json_t *domains_json(const struct rpz_picture *p)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < p->n && list; i++)
		list = value_whole(list, json_array_append_new(list, domain_json(&p->entry[i])));
	return list;
}

/* When the warm-up ends; null: there is none, or it is over. */
static json_t *warm_at(const struct rpz_picture *p)
{
	bool warming = p->watching_since && p->time - p->watching_since < p->gate.warmup;

	return warming ? value_seconds(p->watching_since + p->gate.warmup) : json_null();
}

json_t *export_blocking(const struct rpz_picture *p)
{
	return json_pack("{s:i, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", //
		"schema_version", EXPORT_SCHEMA_VERSION,                                      //
		"time", value_seconds(p->time),                                               //
		"mode", config_rpz_mode_name((enum config_rpz_mode)p->mode),                  //
		"zone", p->name,                                                              //
		"serial", value_count(p->serial),                                             //
		"listed", value_count(p->listed),                                             //
		"waiting", value_count(p->waiting),                                           //
		"additions_last_hour", value_count(p->additions),                             //
		"additions_per_hour", value_count(p->gate.additions_per_hour),                //
		"frozen_since", value_seconds(p->frozen_since),                               //
		"warm_at", warm_at(p),                                                        //
		"last_error", p->error[0] ? export_octets(p->error) : json_null(),            //
		"domains", domains_json(p));
}
