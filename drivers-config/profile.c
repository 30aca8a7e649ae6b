/* SPDX-License-Identifier: BSD-3-Clause */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file.h"
#include "config/table.h"
#include "drivers-config/plan.h"
#include "drivers-config/profile.h"

#define FILE_OCTETS_MAX 65536u

#define AT(field) offsetof(struct profile, field)
#define SIZE_OF(field) sizeof(((struct profile *)0)->field)
#define UINT(name, field, low, high) \
	{ \
		.path = name, .kind = CONFIG_UINT, .offset = AT(field), .min = low, .max = high, \
		.unit = "" \
	}
#define BOOL(name, field) \
	{ \
		.path = name, .kind = CONFIG_BOOL, .offset = AT(field), .unit = "" \
	}
#define TEXT(name, field) \
	{ \
		.path = name, .kind = CONFIG_TEXT, .offset = AT(field), .size = SIZE_OF(field), \
		.unit = "" \
	}
#define TEXTS(name, field, low, high) \
	{ \
		.path = name, .kind = CONFIG_TEXTS, .offset = AT(field), \
		.size = SIZE_OF(field[0]), .count = AT(field##_count), .min = low, .max = high, \
		.unit = "" \
	}
#define CHOICE(name, field, names) \
	{ \
		.path = name, .kind = CONFIG_CHOICE, .offset = AT(field), .choices = names, \
		.choice_count = sizeof(names) / sizeof(names[0]), .unit = "" \
	}

static const char *const symmetric_names[PROFILE_SYMMETRIC_COUNT] = {
	[PROFILE_SYMMETRIC_NONE] = "none",
	[PROFILE_SYMMETRIC_KEY] = "key",
	[PROFILE_SYMMETRIC_KERNEL] = "kernel",
};

static const char *const offered_names[PROFILE_OFFERED_COUNT] = {
	[PROFILE_OFFERED_UNKNOWN] = "unknown",
	[PROFILE_OFFERED_INTERFACE] = "interface",
};

/* All keys of a profile, each required. */
static const struct config_row rows[] = {
	TEXT("name", name),
	TEXT("title", title),
	TEXTS("match", match, 1, PROFILE_MATCH_MAX),
	TEXT("tested", tested),
	UINT("queues.max", queues_max, 1, 1024),
	BOOL("queues.all", queues_all),
	UINT("descriptors.default", descriptors, 64, 32768),
	UINT("descriptors.min", descriptors_min, 1, 32768),
	UINT("descriptors.max", descriptors_max, 64, 32768),
	UINT("driver_buffers", driver_buffers, 0, 65536),
	UINT("frame_octets", frame_octets, 0, 2048),
	CHOICE("rss.symmetric", rss_symmetric, symmetric_names),
	UINT("rss.key_octets", rss_key, 0, PLAN_KEY_MAX),
	TEXTS("rss.types", rss_types, 0, PROFILE_TYPES_MAX),
	BOOL("rss.ports", rss_ports),
	BOOL("rss.inner", rss_inner),
	TEXTS("flow_rules", rules, 0, PROFILE_RULES_MAX),
	UINT("link_wait_seconds", link_wait, 0, 60),
	CHOICE("counts.offered", counts_offered, offered_names),
	BOOL("counts.missed", counts_missed),
	BOOL("counts.missed_by_queue", counts_missed_queue),
	BOOL("counts.lost_at_stop", counts_lost_at_stop),
	TEXTS("limits", limits, 0, PROFILE_LIMITS_MAX),
};

static const struct config_table table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
};

const struct profile profile_generic = {
	.name = "generic",
	.title = "a driver that no profile describes",
	.queues_max = 1,
	.descriptors = 1024,
	.descriptors_min = 64,
	.descriptors_max = 32768,
	.rss_symmetric = PROFILE_SYMMETRIC_NONE,
	.link_wait = 10,
};

/* The value at "a.b" of nested objects, or NULL. */
static const json_t *value_at(const json_t *root, const char *path)
{
	const char *dot = strchr(path, '.');

	return dot ? value_at(json_object_getn(root, path, (size_t)(dot - path)), dot + 1)
		   : json_object_get(root, path);
}

/* What no range of a single key tells. */
static int profile_check(
	const struct profile *p, const json_t *root, const struct config_source *src)
{
	for (size_t i = 0; i < table.count; i++)
		if (!value_at(root, rows[i].path))
			return config_refuse(src, rows[i].path, "is missing");
	if (!p->name[0])
		return config_refuse(src, "name", "must not be empty");
	if (p->descriptors < p->descriptors_min || p->descriptors > p->descriptors_max)
		return config_refuse(src, "descriptors.default", "%u is not within %u..%u",
			p->descriptors, p->descriptors_min, p->descriptors_max);
	for (uint32_t i = 0; i < p->rss_types_count; i++)
		if (!plan_rss_type(p->rss_types[i]))
			return config_refuse(
				src, "rss.types", "\"%s\" is no such type", p->rss_types[i]);
	for (uint32_t i = 0; i < p->rules_count; i++)
		if (!plan_rule_known(p->rules[i]))
			return config_refuse(
				src, "flow_rules", "\"%s\" is no such rule", p->rules[i]);
	if (p->rss_symmetric == PROFILE_SYMMETRIC_KEY && (!p->rss_key || !p->rss_types_count))
		return config_refuse(src, "rss", "a symmetric key needs key_octets and types");
	return 0;
}

int profile_parse(
	struct profile *p, const char *text, size_t len, const char *name, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.name = name, .err = err};
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	int rc;

	memset(p, 0, sizeof(*p));
	if (!root)
		return config_refuse(
			&src, "", "line %d, column %d: %s", error.line, error.column, error.text);
	if (json_is_object(root))
		rc = config_object_read(&table, p, root, "", &src);
	else
		rc = config_refuse(&src, "", "expected an object at the top");
	if (rc == 0)
		rc = profile_check(p, root, &src);
	json_decref(root);
	return rc;
}

/* The folders that come with the program, in the build tree or installed; "" when none. */
static void folder_find(char folder[CONFIG_PATH_MAX])
{
	static const char *const beside[] = {
		"/../drivers-config/profiles", "/../share/fluxgate/profiles"};
	char program[CONFIG_PATH_MAX / 2];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;

	program[n > 0 ? n : 0] = '\0';
	slash = strrchr(program, '/');
	for (unsigned i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(folder, CONFIG_PATH_MAX, "%.*s%s", (int)(slash - program), program,
			beside[i]);
		if (access(folder, R_OK | X_OK) == 0)
			return;
	}
	folder[0] = '\0';
}

static int is_json(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".json") == 0;
}

static int file_load(struct profiles *all, const char *file, char err[ERROR_LINE_MAX])
{
	struct config_source src = {.err = err};
	char path[CONFIG_PATH_MAX + 256];
	size_t len = 0;

	snprintf(path, sizeof(path), "%s/%s", all->folder, file);
	src.name = path;
	if (all->count == PROFILES_MAX)
		return config_refuse(&src, "", "one profile too many, at most %u", PROFILES_MAX);
	char *text = file_read(path, FILE_OCTETS_MAX, &len);
	if (!text)
		return config_refuse(&src, "", "cannot be read: %s", strerror(errno));
	struct profile *p = &all->profile[all->count];
	int rc = profile_parse(p, text, len, path, err);
	for (uint32_t i = 0; rc == 0 && i < p->match_count; i++)
		if (profile_of_driver(all, p->match[i]) != &profile_generic)
			rc = config_refuse(&src, "match", "\"%s\" has a profile already, \"%s\"",
				p->match[i], profile_of_driver(all, p->match[i])->name);
	free(text);
	if (rc == 0)
		all->count++;
	return rc;
}

int profiles_load(struct profiles *all, const char *folder, char err[ERROR_LINE_MAX])
{
	struct dirent **entry = NULL;
	int rc = 0;

	all->count = 0;
	snprintf(all->folder, sizeof(all->folder), "%s", folder);
	if (!folder[0])
		folder_find(all->folder);
	if (!all->folder[0])
		return 0;
	int n = scandir(all->folder, &entry, is_json, alphasort);
	if (n < 0) {
		rc = -errno;
		snprintf(err, ERROR_LINE_MAX,
			"configuration: drivers.profiles: %.200s: %s: name a folder, or \"\"",
			all->folder, strerror(-rc));
		return rc;
	}
	for (int i = 0; i < n; i++) {
		if (rc == 0)
			rc = file_load(all, entry[i]->d_name, err);
		free(entry[i]);
	}
	free(entry);
	return rc;
}

const struct profile *profile_of_driver(const struct profiles *all, const char *driver)
{
	for (unsigned i = 0; i < all->count; i++)
		for (uint32_t m = 0; m < all->profile[i].match_count; m++)
			if (strcmp(all->profile[i].match[m], driver) == 0)
				return &all->profile[i];
	return &profile_generic;
}

const struct profile *profile_of_device(const struct profiles *all, const char *device)
{
	char driver[PROFILE_NAME_MAX];
	size_t n = strcspn(device, ",");

	while (n && device[n - 1] >= '0' && device[n - 1] <= '9')
		n--;
	if (n == 0 || n >= sizeof(driver))
		return NULL;
	snprintf(driver, sizeof(driver), "%.*s", (int)n, device);
	const struct profile *p = profile_of_driver(all, driver);
	return p == &profile_generic ? NULL : p;
}
