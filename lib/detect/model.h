/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * A logistic model over one window's features, as an alternative to the rules:
 *
 *   p = 1 / (1 + exp(-(intercept + sum of weight * t(min(max(x, low), high)))))
 *
 * with x a feature (detect/columns.h) and t its transform: x itself or ln(1 + x). The clamp
 * keeps what was not seen when the weights were fitted from carrying the sum away. A weight's
 * sign is fixed beforehand by what the feature means, so that more evidence never lowers p.
 * Weights come from a file (app/config/model.h) and are fitted by tests/detection/fit.py.
 */

#include "detect/columns.h"
#include "detect/rules.h"

#define MODEL_TERMS_MAX 64u
#define MODEL_REASONS 6u

enum model_transform { MODEL_LINEAR, MODEL_LOG1P, MODEL_TRANSFORM_COUNT };

enum model_sign { MODEL_RAISES, MODEL_LOWERS, MODEL_SIGN_COUNT };

struct model_term {
	uint32_t feature;   /* enum feature_column */
	uint32_t transform; /* enum model_transform */
	uint32_t sign;      /* enum model_sign; the weight's, which may be 0 */
	double low;         /* of the clamp, 0 at least; in the feature's unit */
	double high;
	double weight;
};

/* Plain data; finite, terms up to MODEL_TERMS_MAX, high >= low. */
struct model {
	double intercept;
	double threshold; /* probability from which a window speaks for flux, 0..1 */
	uint32_t terms;   /* 0: there is no model */
	struct model_term term[MODEL_TERMS_MAX];
};

/* Who decides. The other one's number stands beside. */
enum scorer_kind { SCORER_RULES, SCORER_MODEL, SCORER_COUNT };

struct scorer {
	uint32_t by; /* enum scorer_kind; with SCORER_MODEL there is a model */
	struct model model;
};

/* 0..1; of a model without terms MODEL_NONE. */
double model_probability(const struct model *m, const struct features *f);
#define MODEL_NONE (-1.0)

/*
 * Takes the ruling from the rules: flux where the probability reaches the threshold. Class and
 * firmness stay those of the rule that is met as well; where none is, single flux, suspected.
 */
void model_rule(const struct model *m, const struct features *f, struct ruling *r);

/* The probability, then the terms that raise it most; up to MODEL_REASONS, their number. */
unsigned model_reasons(
	const struct model *m, const struct features *f, struct reason out[MODEL_REASONS]);

/* The code of a reason of the model that is spelled so, static; NULL: there is none. */
const char *model_spelled(const uint8_t *code, size_t len);
