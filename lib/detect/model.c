/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detect/model.h"

static const char probability_code[] = "model_probability";

/* Written so that what is no number counts as `low`. */
static double clamp(double x, double low, double high)
{
	return x > low ? (x < high ? x : high) : low;
}

static double contribution(const struct model_term *t, const struct features *f)
{
	double x = clamp(feature_get(f, t->feature), t->low, t->high);

	return t->weight * (t->transform == MODEL_LOG1P ? log1p(x) : x);
}

double model_probability(const struct model *m, const struct features *f)
{
	double sum = m->intercept;

	if (m->terms == 0)
		return MODEL_NONE;
	for (unsigned i = 0; i < m->terms; i++)
		sum += contribution(&m->term[i], f);
	return 1 / (1 + exp(-sum));
}

void model_rule(const struct model *m, const struct features *f, struct ruling *r)
{
	double p = model_probability(m, f);

	if (p < m->threshold) {
		*r = (struct ruling){.class = FLUX_NONE};
		return;
	}
	if (r->class == FLUX_NONE) {
		r->class = FLUX_SINGLE;
		r->suspected = true;
	}
	r->clauses = 0;
	r->score = 100 * p;
	r->confidence = p * (r->suspected ? SUSPECTED_CONFIDENCE : 1);
}

static void term_reason(const struct model_term *t, const struct features *f, struct reason *out)
{
	out->code = feature_names[t->feature];
	out->value = feature_get(f, t->feature);
	out->threshold = t->sign == MODEL_RAISES ? t->low : t->high;
	snprintf(out->text, sizeof(out->text), "%s of %.4g adds %.2f to the log-odds of flux",
		out->code, out->value, contribution(t, f));
}

unsigned model_reasons(
	const struct model *m, const struct features *f, struct reason out[MODEL_REASONS])
{
	bool told[MODEL_TERMS_MAX] = {false};
	unsigned n = 1;

	out[0] = (struct reason){
		.code = probability_code,
		.value = model_probability(m, f),
		.threshold = m->threshold,
	};
	snprintf(out[0].text, sizeof(out[0].text),
		"the model's probability of flux is %.3f (at least %.3f)", out[0].value,
		out[0].threshold);
	while (n < MODEL_REASONS) {
		unsigned best = m->terms;

		for (unsigned i = 0; i < m->terms; i++) {
			double c = told[i] ? 0 : contribution(&m->term[i], f);
			if (c > 0 && (best == m->terms || c > contribution(&m->term[best], f)))
				best = i;
		}
		if (best == m->terms)
			break;
		told[best] = true;
		term_reason(&m->term[best], f, &out[n++]);
	}
	return n;
}

const char *model_spelled(const uint8_t *code, size_t len)
{
	if (len == sizeof(probability_code) - 1 && memcmp(code, probability_code, len) == 0)
		return probability_code;
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		if (strlen(feature_names[i]) == len && memcmp(feature_names[i], code, len) == 0)
			return feature_names[i];
	return NULL;
}
