/* SPDX-License-Identifier: BSD-3-Clause */

#include "export/json.h"
#include "export/marks.h"
#include "export/value.h"

static json_t *acknowledged_json(const struct acks *acks, const struct verdict *v)
{
	struct note note;

	if (!acks_find(acks, v, &note))
		return json_null();
	return json_pack("{s:o, s:o, s:o}",       //
		"who", export_octets(note.who),   //
		"when", value_seconds(note.when), //
		"note", export_octets(note.text));
}

int marks_put(const struct marks *m, json_t *domain, const struct verdict *v)
{
	struct dns_name name;
	bool allowed =
		dns_name_decode(v->name, v->name_len, 0, &name) != 0 && allow_has(m->allow, &name);
	int bad = json_object_set_new(domain, "allowed", json_boolean(allowed));

	bad |= json_object_set_new(domain, "acknowledged", acknowledged_json(m->acks, v));
	return bad ? -1 : 0;
}

uint32_t marks_generation(const struct marks *m)
{
	return (m->allow ? allow_generation(m->allow) : 0) + acks_generation(m->acks);
}
