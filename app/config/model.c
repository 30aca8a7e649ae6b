/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "config/model.h"
#include "config/table.h"

/* Some fifty terms; anything near this size is some other file. */
#define FILE_OCTETS_MAX (1u << 16)
#define ABOUT_MAX 512u
#define WEIGHT_MAX 1000
#define VALUE_MAX 1000000000

/* What a model's file holds; the text is for people. */
struct model_file {
	char about[ABOUT_MAX];
	struct model model;
};

static const char *const transforms[MODEL_TRANSFORM_COUNT] = {
	[MODEL_LINEAR] = "linear",
	[MODEL_LOG1P] = "log1p",
};

static const char *const signs[MODEL_SIGN_COUNT] = {
	[MODEL_RAISES] = "raises",
	[MODEL_LOWERS] = "lowers",
};

#define TERM(name, ...) \
	{ \
		.path = #name, .offset = offsetof(struct model_term, name), .required = true, \
		__VA_ARGS__ \
	}
#define TERM_CHOICE(name, all, n) \
	TERM(name, .kind = CONFIG_CHOICE, .choices = (all), .choice_count = (n))
#define TERM_NUMBER(name, lowest, highest) \
	TERM(name, .kind = CONFIG_DOUBLE, .min = (lowest), .max = (highest))

static const struct config_row term_rows[] = {
	TERM_CHOICE(feature, feature_names, FEATURE_COUNT),
	TERM_CHOICE(transform, transforms, MODEL_TRANSFORM_COUNT),
	TERM_CHOICE(sign, signs, MODEL_SIGN_COUNT),
	TERM_NUMBER(low, 0, VALUE_MAX),
	TERM_NUMBER(high, 0, VALUE_MAX),
	TERM_NUMBER(weight, -WEIGHT_MAX, WEIGHT_MAX),
};

static const struct model_term term_initial;

static const struct config_table term_table = {
	.rows = term_rows,
	.count = sizeof(term_rows) / sizeof(term_rows[0]),
	.initial = &term_initial,
	.size = sizeof(struct model_term),
};

#define AT(field) .offset = offsetof(struct model_file, field), .required = true

static const struct config_row rows[] = {
	{.path = "about", .kind = CONFIG_TEXT, AT(about), .size = ABOUT_MAX},
	{.path = "intercept",
		.kind = CONFIG_DOUBLE,
		AT(model.intercept),
		.min = -WEIGHT_MAX,
		.max = WEIGHT_MAX},
	{.path = "threshold", .kind = CONFIG_DOUBLE, AT(model.threshold), .min = 0.01, .max = 1},
	{.path = "terms",
		.kind = CONFIG_OBJECTS,
		AT(model.term),
		.element = &term_table,
		.count = offsetof(struct model_file, model.terms),
		.min = 1,
		.max = MODEL_TERMS_MAX},
};

static const struct config_table table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};

/* What one row alone cannot tell. */
static int terms_check(const struct model *m, struct config_source *src)
{
	for (unsigned i = 0; i < m->terms; i++) {
		const struct model_term *t = &m->term[i];
		bool raises = t->sign == MODEL_RAISES;

		snprintf(src->element, sizeof(src->element), "terms[%u]", i);
		if (t->high < t->low)
			return config_refuse(src, "high", "less than low");
		if (raises ? t->weight < 0 : t->weight > 0)
			return config_refuse(src, "weight",
				"%.6g: %s is to be 0 or %s, as sign says", t->weight,
				feature_names[t->feature], raises ? "more" : "less");
	}
	src->element[0] = '\0';
	return 0;
}

static int model_take(struct model *m, json_t *root, struct config_source *src)
{
	struct model_file file = {.about = ""};
	int rc;

	if (!json_is_object(root))
		return config_refuse(src, "", "expected an object at the top");
	rc = config_object_read(&table, &file, root, "", src);
	for (size_t i = 0; rc == 0 && i < table.count; i++)
		if (!json_object_get(root, rows[i].path))
			rc = config_refuse(src, rows[i].path, "is missing");
	if (rc == 0)
		rc = terms_check(&file.model, src);
	if (rc == 0)
		*m = file.model;
	return rc;
}

int model_read(struct model *m, const char *path, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = path, .err = err};
	json_error_t error;
	size_t len = 0;
	char *text = file_read(path, FILE_OCTETS_MAX, &len);

	if (!text) {
		int why = errno;

		config_refuse(&src, "",
			"detect.model cannot be read: %s: name a file that tests/detection/fit.py "
			"wrote, or \"\"",
			strerror(why));
		return -why;
	}
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int rc = root ? model_take(m, root, &src)
		      : config_refuse(&src, "", "line %d, column %d: %s", error.line, error.column,
				error.text);
	json_decref(root);
	free(text);
	return rc;
}
