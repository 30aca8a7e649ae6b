/* SPDX-License-Identifier: BSD-3-Clause */

#include "listing.h"
#include "render.h"
#include "table.h"

static enum style score_style(const json_t *domain)
{
	if (json_is_true(member(domain, "allowed")))
		return STYLE_DIM;
	return json_is_true(member(domain, "suspected")) ? STYLE_WARN : STYLE_BAD;
}

int render_domains(const struct out *o, const json_t *domains)
{
	static const struct column columns[] = {{"DOMAIN", false}, {"CLASS", false},
		{"SCORE", true}, {"WINDOW", true}, {"ADDRS", true}, {"NETS", true}, {"CC", true},
		{"OWN", true}, {"FLAGGED SINCE", false}, {"", false}};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *d;
	char n[NUMBER_MAX];
	size_t i;

	json_array_foreach(domains, i, d)
	{
		enum style style = score_style(d);

		table_cell(t, style, "%s", member_text(d, "domain"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "class"));
		table_cell(t, style, "%s", member_print(d, "score", 1, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "window"));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "addresses", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "networks", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "countries", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_print(d, "own_addresses", 0, n));
		table_cell(t, STYLE_PLAIN, "%s", member_text(d, "first_flagged"));
		bool seen = json_is_object(member(d, "acknowledged"));
		const char *mark = json_is_true(member(d, "allowed"))     ? "allowed"
				   : json_is_true(member(d, "suspected")) ? "suspected"
									  : "";
		table_cell(t, style, "%s%s%s", mark, *mark && seen ? ", " : "",
			seen ? "acknowledged" : "");
	}
	return table_end(t, o);
}

int command_domains(struct ctl *ctl)
{
	static const struct listing listing = {
		.path = "/api/v1/domains",
		.member = "domains",
		.render = render_domains,
	};

	return listing_run(ctl, &listing);
}
