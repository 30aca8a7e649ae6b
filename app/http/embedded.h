/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Files of the source tree that the program carries with it. app/meson.build lists them,
 * embed.py makes them C; FILE.EXT is embedded_FILE_EXT.
 */

#include <stddef.h>

/* Constant, and never freed. */
struct embedded_file {
	const char *content_type;
	const unsigned char *octets;
	size_t len;
	const char *etag;   /* of the octets, quoted */
	const char *policy; /* Content-Security-Policy of a page; else NULL */
};

extern const struct embedded_file embedded_openapi_json; /* docs/openapi.json */
extern const struct embedded_file embedded_page_html;    /* the dashboard, of app/http/page/ */

struct embedded_name {
	const char *name;
	const struct embedded_file *file;
};

extern const struct embedded_name embedded_schemas[]; /* docs/schema/; the last has no name */
