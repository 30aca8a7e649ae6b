/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The one table that the configuration follows. A new key is a field in struct
 * config, its value in the defaults, a row here, and a line each in
 * docs/configuration.md and docs/fluxgate.schema.json; the unit test says which
 * of them is missing.
 */

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum config_kind {
	CONFIG_BOOL,
	CONFIG_UINT,  /* uint32_t */
	CONFIG_POWER, /* a power of two in the file, its logarithm in an unsigned */
	CONFIG_DOUBLE,
	CONFIG_TEXT,      /* char[size] */
	CONFIG_CHOICE,    /* one of choices[] in the file, its index in a uint32_t */
	CONFIG_TEXTS,     /* list of char[size] */
	CONFIG_UDP_PORTS, /* list of uint16_t without repeats */
	CONFIG_OBJECTS,   /* list of objects, each read by `element` */
};

struct config_table;

struct config_row {
	const char *path; /* "store.domains" */
	enum config_kind kind;
	bool restart;  /* memory, cores or ports hang on it */
	bool required; /* in an element of a list: there is no default */
	size_t offset; /* of the field in struct config, or in the element */
	size_t size;   /* texts: octets with NUL */
	size_t count;  /* lists: offset of the uint32_t that holds their length */
	double min;    /* of the value; a list's length */
	double max;
	const char *unit; /* "" for none */
	const char *what; /* for the reference: a sentence */
	const char *const *choices;
	unsigned choice_count;
	const char *(*wrong)(const char *text); /* texts: NULL when right, else what is expected */
	const struct config_table *element;
};

struct config_table {
	const struct config_row *rows;
	size_t count;
	const struct config_table *next; /* more rows of the same object */
	const void *initial;             /* elements of a list: what one starts from ... */
	size_t size;                     /* ... and its octets */
};

/* All keys. */
extern const struct config_table config_table;

/* The sections "export" and "detect", which hang at the end of config_table. */
extern const struct config_table config_export_table;
extern const struct config_table config_detect_table;

/* Kind of a field by its type, so that a row cannot disagree with the struct. */
#define CONFIG_KIND(type, field) \
	_Generic(((type *)0)->field, bool \
		 : CONFIG_BOOL, uint32_t \
		 : CONFIG_UINT, double \
		 : CONFIG_DOUBLE)

/* The row at index i over a table and its `next`, or NULL behind the last. */
const struct config_row *config_row_at(const struct config_table *table, size_t i);

/* Row whose path is `path`, or NULL. */
const struct config_row *config_row_find(const struct config_table *table, const char *path);

/*
 * Path of the table that a person who wrote `path` may have meant, cut to the
 * same depth, or "" when none is near. `out` holds `size` octets.
 */
void config_suggest(const struct config_table *table, const char *path, char *out, size_t size);

/* Where a value comes from, and where a complaint goes. */
struct config_source {
	const char *name; /* of the file or the variable */
	char element[64]; /* "ports[2]" while a list's element is read, else "" */
	char *err;        /* ERROR_LINE_MAX */
};

/* Writes the one line "configuration: NAME: PATH: ..."; returns -EINVAL. `path` may be "". */
int config_refuse(const struct config_source *src, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reads an object's keys into the struct at `base`. 0, or -EINVAL and one line in src->err. */
int config_object_read(const struct config_table *table, void *base, json_t *object,
	const char *prefix, struct config_source *src);

/* Reads one value. 0, or -EINVAL and one line in src->err. */
int config_value_read(
	const struct config_row *row, void *base, json_t *value, struct config_source *src);

/* The struct at `base` as a JSON object; NULL when out of memory. */
json_t *config_object_json(const struct config_table *table, const void *base);

/* One field as JSON; NULL when out of memory. */
json_t *config_value_json(const struct config_row *row, const void *base);
