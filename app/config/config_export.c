/* SPDX-License-Identifier: BSD-3-Clause */

/* Rows of the section "export". */

#include <string.h>

#include "config/table.h"
#include "psl/list.h"

#define SIZE_OF(type, field) sizeof(((type *)0)->field)

#define RPZ(name, field, ...) \
	.path = "export.rpz." name, .offset = offsetof(struct config, rpz.field), __VA_ARGS__
#define FIELD(field) .kind = CONFIG_KIND(struct config, rpz.field)
#define TEXT_OF(field) .kind = CONFIG_TEXT, .size = SIZE_OF(struct config, rpz.field)

#define DAYS_7 604800

static const char *const modes[RPZ_MODE_COUNT] = {
	[RPZ_LOG] = "log",
	[RPZ_BLOCK] = "block",
};

const char *config_rpz_mode_name(enum config_rpz_mode mode)
{
	return modes[mode];
}

static const char *path_wrong(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || (text[0] == '/' && text[n - 1] != '/'))
		return NULL;
	return "expected the path of a file from the root, or \"\" for none";
}

/* As people write it: in any case, with U-labels or A-labels. */
static const char *domain_wrong(const char *text)
{
	struct dns_name name;

	return psl_list_name(text, strlen(text), &name);
}

/* As it goes into a master file, so nothing there may need an escape. */
static const char *zone_wrong(const char *text)
{
	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return "expected letters in lower case, digits, '-', '_' and dots";
	return domain_wrong(text);
}

static const struct config_row rows[] = {
	{RPZ("file", file, TEXT_OF(file), .restart = true, .unit = "",
		.what = "Response policy zone for resolvers, with its state beside it; empty: by "
			"HTTP only, and a restart forgets.",
		.wrong = path_wrong)},
	{RPZ("zone", zone, TEXT_OF(zone), .restart = true, .unit = "", .what = "Name of that zone.",
		.wrong = zone_wrong)},
	{RPZ("mode", mode, .kind = CONFIG_CHOICE, .choices = modes, .choice_count = RPZ_MODE_COUNT,
		.unit = "",
		.what = "log: the zone is empty, and what would be blocked is logged and listed; "
			"block: it is blocked.")},
	{RPZ("suspected", suspected, FIELD(suspected), .unit = "",
		.what = "Block suspected domains as others; false: firm verdicts only.")},
	{RPZ("min_age_seconds", min_age_seconds, FIELD(min_age_seconds), .max = DAYS_7, .unit = "s",
		.what = "How long a verdict has been firm before the domain is blocked.")},
	{RPZ("warmup_seconds", warmup_seconds, FIELD(warmup_seconds), .max = DAYS_7, .unit = "s",
		.what = "How long a sensor that started without a saved state watches before it "
			"blocks.")},
	{RPZ("additions_per_hour", additions_per_hour, FIELD(additions_per_hour), .max = 8192,
		.unit = "",
		.what = "Domains that may be added within an hour; when one more is due, none is "
			"for an hour, and the sensor is degraded.")},
	{RPZ("own_zones", own_zones, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, rpz.own_zones[0]),
		.count = offsetof(struct config, rpz.own_zones_count), .max = CONFIG_OWN_ZONES_MAX,
		.unit = "",
		.what = "Zones of this network: they are not blocked, nor what lies below or "
			"above them.",
		.wrong = domain_wrong)},
	{RPZ("top_list", top_list, TEXT_OF(top_list), .unit = "",
		.what = "File with a list of popular domains, which are not blocked, as those of "
			"detect.popular are not; empty: none.",
		.wrong = path_wrong)},
};

const struct config_table config_export_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.next = &config_detect_table,
};
