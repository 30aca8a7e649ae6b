/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>

#include "cli/table.h"
#include "export/rfc3339.h"

#define SAMPLE_SHOWN 4u

static void print_sample(FILE *to, const struct verdict *v)
{
	char text[ADDRESS_TEXT_MAX];

	fputs("    e.g.", to);
	for (unsigned i = 0; i < v->samples && i < SAMPLE_SHOWN; i++) {
		const struct domain_item *it = &v->sample[i];

		address_text(it->unit, text);
		fprintf(to, " %s", text);
		if (it->asn)
			fprintf(to, " (AS%" PRIu32 "%s%.2s)", it->asn, it->country[0] ? ", " : "",
				it->country[0] ? it->country : "");
	}
	fputc('\n', to);
}

static void print_verdict(FILE *to, const struct verdict *v)
{
	char name[DNS_TEXT_MAX], since[RFC3339_MAX];

	dns_name_text(v->name, v->name_len, name, sizeof(name));
	rfc3339_seconds(v->first_flagged, since);
	fprintf(to, "%s\n    %s%s, score %.0f, confidence %.2f, window %s, flagged since %s\n",
		name, flux_class_name(v->class), v->suspected ? " (suspected)" : "", v->score,
		v->confidence, flux_window_name(v->window), since);
	if (v->campaign.id)
		fprintf(to, "    campaign %016" PRIx64 " of %" PRIu32 " flagged domain(s)\n",
			v->campaign.id, v->campaign.domains);
	for (unsigned i = 0; i < v->reasons; i++)
		fprintf(to, "    - %s\n", v->reason[i].text);
	print_sample(to, v);
}

void table_print(FILE *to, const struct snapshot *s)
{
	const struct account *a = &s->account;
	uint64_t paired = a->response[RESPONSE_PAIRED], unpaired = a->response[RESPONSE_UNPAIRED];
	uint64_t repeated = a->response[RESPONSE_DUPLICATE] + a->response[RESPONSE_CONFLICTING];

	for (unsigned i = 0; i < s->verdicts; i++)
		print_verdict(to, &s->verdict[i]);
	fprintf(to,
		"%s%" PRIu64 " frames, %" PRIu64 " queries, %" PRIu64 " responses (%" PRIu64
		" paired, %" PRIu64 " unpaired, %" PRIu64 " repeated, %" PRIu64
		" without addresses to go by); %" PRIu64 " domains tracked; %u flagged; "
		"accounting error %" PRIu64 "\n",
		s->verdicts ? "\n" : "", a->received, account_queries(a), account_responses(a),
		paired, unpaired, repeated, account_responses(a) - paired - unpaired - repeated,
		s->store.tracked, s->verdicts, s->accounting_error);
}
