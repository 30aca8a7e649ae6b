/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cli/explain.h"
#include "export/rfc3339.h"
#include "export/value.h"

int explain_names_add(struct explain_names *names, const char *text)
{
	if (names->n == EXPLAIN_NAMES_MAX)
		return -ENOSPC;
	if (dns_name_parse(text, &names->name[names->n]))
		return -EINVAL;
	names->n++;
	return 0;
}

static void print_window(FILE *to, const struct explained_window *w)
{
	const struct ruling *r = &w->ruling;
	char lacks[512];

	fprintf(to, "    over %s: %s%s\n", flux_window_name(w->features.window),
		r->class == FLUX_NONE ? "no rule is met" : flux_class_name(r->class),
		r->suspected ? " (suspected)" : "");
	if (w->probability >= 0)
		fprintf(to, "      the model's probability of flux is %.3f\n", w->probability);
	for (unsigned k = 0; k < CLAUSE_COUNT; k++) {
		const struct explained_clause *c = &w->clause[k];

		fprintf(to, "      [%c] %s",
			c->counts  ? '*'
			: c->holds ? 'x'
				   : ' ',
			c->reason.text);
		if (!c->holds)
			fprintf(to, c->short_by < 1000 ? ": fails by %.3g" : ": fails by %.0f",
				c->short_by);
		fputc('\n', to);
	}
	for (unsigned i = 0; i < w->ways; i++) {
		way_text(&w->way[i], lacks, sizeof(lacks));
		fprintf(to, "      would be %s%s, but lacks: %s\n",
			flux_class_name(w->way[i].class), w->way[i].suspected ? " (suspected)" : "",
			lacks);
	}
}

static void print_address(FILE *to, const struct domain_item *it)
{
	char address[ADDRESS_TEXT_MAX], first[RFC3339_MAX], last[RFC3339_MAX];

	address_text(it->unit, address);
	rfc3339_seconds(it->first, first);
	rfc3339_seconds(it->last, last);
	fprintf(to, "      %s", address);
	if (it->asn)
		fprintf(to, " AS%" PRIu32, it->asn);
	if (it->country[0])
		fprintf(to, " %.2s", it->country);
	if (it->own)
		fputs(", own subscriber", to);
	fprintf(to, ", %s, since %s", evidence_grade_name((enum evidence_grade)it->grade), first);
	if (it->last)
		fprintf(to, ", last %s", last);
	fputc('\n', to);
}

static void print_one(FILE *to, const struct dns_name *name, const struct explanation *e)
{
	char text[DNS_TEXT_MAX], first[RFC3339_MAX], last[RFC3339_MAX];

	dns_name_text(name->wire, name->len, text, sizeof(text));
	fprintf(to, "%s\n", text);
	if (e->name_len) {
		dns_name_text(e->name, e->name_len, text, sizeof(text));
		fprintf(to, "    registered domain %s, known as: %s\n", text,
			store_tier_name(e->tier));
	}
	fprintf(to, "    %s\n", e->text);
	if (e->listed != LISTED_NOT)
		fprintf(to, "    on the list detect.%s\n", listing_name(e->listed));
	if (e->known)
		fprintf(to, "    on a list of known domains (import.files)\n");
	if (e->tier == TIER_NOTHING)
		return;
	rfc3339_seconds(e->first_seen, first);
	rfc3339_seconds(e->last_seen, last);
	fprintf(to, "    seen from %s to %s%s\n", first, last,
		e->tier == TIER_DOORKEEPER ? ", to the day" : "");
	for (unsigned w = 0; w < e->windows; w++)
		print_window(to, &e->window[w]);
	if (e->windows)
		fprintf(to, "    rule met in %u evaluation(s) in a row, raised at %.0f\n",
			e->streak, e->raise_evaluations);
	if (e->samples == 0)
		return;
	fprintf(to, "    %u addresses%s:", e->addresses, e->more ? " kept of more" : "");
	for (unsigned g = EVIDENCE_GRADES; g-- > 0;)
		if (e->grade[g])
			fprintf(to, " %u %s", e->grade[g],
				evidence_grade_name((enum evidence_grade)g));
	fputc('\n', to);
	for (unsigned i = 0; i < e->samples; i++)
		print_address(to, &e->sample[i]);
}

int explain_print(FILE *to, const struct control *c, const struct explain_names *names)
{
	struct explanation *e = malloc(sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (unsigned i = 0; i < names->n; i++) {
		control_explain(c, &names->name[i], e);
		fputc('\n', to);
		print_one(to, &names->name[i], e);
	}
	free(e);
	return 0;
}

json_t *explain_json(const struct control *c, const struct explain_names *names)
{
	struct explanation *e = names->n ? malloc(sizeof(*e)) : NULL;
	json_t *list = e ? json_array() : NULL;

	for (unsigned i = 0; i < names->n && list; i++) {
		control_explain(c, &names->name[i], e);
		/* How often snapshots were published depends on the machine; the rest does not. */
		e->generation = 0;
		list = value_whole(
			list, json_array_append_new(list, export_explanation(&names->name[i], e)));
	}
	free(e);
	return list;
}
