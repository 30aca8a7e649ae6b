/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <maxminddb.h>

#include "base/address.h"
#include "networks/asn.h"
#include "networks/networks.h"

/* Tree nodes looked at to learn what a file holds; the first record mostly tells. */
#define PROBE_NODES_MAX 65536u

struct database {
	bool open;
	MMDB_s mmdb;
	char type[64];
	bool asn, country;
};

struct networks {
	struct database database[NETWORK_DATABASES];
	struct own_ranges own;
};

/* Path of a value within a record. */
struct key {
	const char *part[3];
};

static bool value_get(MMDB_entry_s *entry, const struct key *key, MMDB_entry_data_s *out)
{
	return MMDB_aget_value(entry, out, key->part) == MMDB_SUCCESS && out->has_data;
}

static uint32_t asn_of(const MMDB_entry_data_s *value)
{
	switch (value->type) {
	case MMDB_DATA_TYPE_UINT16:
		return value->uint16;
	case MMDB_DATA_TYPE_UINT32:
		return value->uint32;
	case MMDB_DATA_TYPE_UINT64:
		return value->uint64 <= UINT32_MAX ? (uint32_t)value->uint64 : 0;
	case MMDB_DATA_TYPE_UTF8_STRING:
		return asn_parse(value->utf8_string, value->data_size);
	default:
		return 0;
	}
}

static uint32_t record_asn(MMDB_entry_s *entry)
{
	static const struct key keys[] = {
		{{"autonomous_system_number"}}, /* GeoLite2, DB-IP */
		{{"asn"}},                      /* IPinfo */
	};
	MMDB_entry_data_s value;
	uint32_t asn = 0;

	for (size_t i = 0; asn == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value_get(entry, &keys[i], &value))
			asn = asn_of(&value);
	return asn;
}

/* Two letters, made upper case. */
static bool country_parse(const MMDB_entry_data_s *value, char out[2])
{
	if (value->type != MMDB_DATA_TYPE_UTF8_STRING || value->data_size != 2)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		char c = value->utf8_string[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c < 'A' || c > 'Z')
			return false;
		out[i] = c;
	}
	return true;
}

static bool record_country(MMDB_entry_s *entry, char out[2])
{
	static const struct key keys[] = {
		{{"country_code"}},        /* iptoasn, IPinfo Lite */
		{{"country", "iso_code"}}, /* GeoLite2, DB-IP */
		{{"country"}},             /* IPinfo */
	};
	MMDB_entry_data_s value;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value_get(entry, &keys[i], &value) && country_parse(&value, out))
			return true;
	out[0] = out[1] = '\0';
	return false;
}

static void record_probe(struct database *db, uint8_t type, MMDB_entry_s *entry)
{
	char country[2];

	if (type != MMDB_RECORD_TYPE_DATA)
		return;
	db->asn |= record_asn(entry) != 0;
	db->country |= record_country(entry, country);
}

/*
 * Walks the tree from its left until both kinds were met or PROBE_NODES_MAX
 * nodes are done. The stack bounds the depth, whatever a damaged file says.
 */
static void database_probe(struct database *db)
{
	uint32_t stack[129] = {0};
	unsigned depth = 1, nodes = 0;

	while (depth && nodes++ < PROBE_NODES_MAX && !(db->asn && db->country)) {
		MMDB_search_node_s node;

		if (MMDB_read_node(&db->mmdb, stack[--depth], &node) != MMDB_SUCCESS)
			continue;
		record_probe(db, node.left_record_type, &node.left_record_entry);
		record_probe(db, node.right_record_type, &node.right_record_entry);
		if (node.right_record_type == MMDB_RECORD_TYPE_SEARCH_NODE && depth < 128)
			stack[depth++] = (uint32_t)node.right_record;
		if (node.left_record_type == MMDB_RECORD_TYPE_SEARCH_NODE && depth < 128)
			stack[depth++] = (uint32_t)node.left_record;
	}
}

/* The metadata's text is the file's: bounded and printable before anyone shows it. */
static void type_copy(struct database *db)
{
	const char *type = db->mmdb.metadata.database_type;

	snprintf(db->type, sizeof(db->type), "%s", type ? type : "");
	for (char *p = db->type; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

static int refuse(char err[ERROR_LINE_MAX], const char *path, const char *why, int rc)
{
	snprintf(err, ERROR_LINE_MAX, "address database: %.200s: %.200s", path, why);
	return rc;
}

/* `key` is what names the file in a configuration. */
static int database_open(
	struct database *db, const char *path, const char *key, char err[ERROR_LINE_MAX])
{
	struct stat st;
	char missing[160];

	/* MMDB_open would say the same of a folder, an empty file and a missing one. */
	if (stat(path, &st) < 0) {
		int why = errno;

		snprintf(missing, sizeof(missing),
			"%.60s: name a file that exists, or leave %s out", strerror(why), key);
		return refuse(err, path, missing, -why);
	}
	if (!S_ISREG(st.st_mode))
		return refuse(err, path, "not a regular file", -EINVAL);
	if (st.st_size == 0)
		return refuse(err, path, "empty", -EINVAL);
	errno = 0;
	int rc = MMDB_open(path, MMDB_MODE_MMAP, &db->mmdb);
	int why = errno ? errno : EIO;

	if (rc == MMDB_FILE_OPEN_ERROR || rc == MMDB_IO_ERROR)
		return refuse(err, path, strerror(why), -why);
	if (rc == MMDB_OUT_OF_MEMORY_ERROR)
		return refuse(err, path, "out of memory", -ENOMEM);
	if (rc != MMDB_SUCCESS)
		return refuse(err, path,
			"damaged, or not a MaxMind DB file: fetch it again and check its size",
			-EINVAL);
	db->open = true;
	type_copy(db);
	database_probe(db);
	return 0;
}

int networks_open(
	struct networks **out, const char *asn_db, const char *country_db, char err[ERROR_LINE_MAX])
{
	struct networks *n = calloc(1, sizeof(*n));
	struct database *asn, *country;
	int rc = 0;

	*out = NULL;
	if (!n)
		return refuse(err, asn_db, "out of memory", -ENOMEM);
	asn = &n->database[NETWORK_ASN];
	country = &n->database[NETWORK_COUNTRY];
	if (asn_db[0])
		rc = database_open(asn, asn_db, "networks.asn_db", err);
	if (rc == 0 && country_db[0])
		rc = database_open(country, country_db, "networks.country_db", err);
	if (rc == 0 && asn->open && !asn->asn)
		rc = refuse(err, asn_db,
			"has no autonomous system numbers: is it a country database?", -EINVAL);
	if (rc == 0 && country->open && !country->country)
		rc = refuse(err, country_db, "has no countries: is it an ASN database?", -EINVAL);
	if (rc < 0)
		networks_close(n);
	else
		*out = n;
	return rc;
}

void networks_own(struct networks *n, const struct own_ranges *own)
{
	n->own = *own;
}

void networks_close(struct networks *n)
{
	if (!n)
		return;
	for (unsigned i = 0; i < NETWORK_DATABASES; i++)
		if (n->database[i].open)
			MMDB_close(&n->database[i].mmdb);
	free(n);
}

static bool database_find(
	const struct database *db, const uint8_t octets[16], bool v4, MMDB_entry_s *entry)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	const struct sockaddr *sa = (const struct sockaddr *)&in6;
	int rc = MMDB_SUCCESS;

	if (!db->open)
		return false;
	if (v4) {
		memcpy(&in.sin_addr, octets + 12, sizeof(in.sin_addr));
		sa = (const struct sockaddr *)&in;
	} else {
		memcpy(&in6.sin6_addr, octets, sizeof(in6.sin6_addr));
	}
	MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&db->mmdb, sa, &rc);
	*entry = found.entry;
	return rc == MMDB_SUCCESS && found.found_entry;
}

/* Each file is asked for what it is named for first, the other fills the gaps. */
static void lookup(void *ctx, uint64_t unit, struct net_info *out)
{
	const struct networks *n = ctx;
	bool v4 = address_is_v4(unit);
	uint8_t octets[16];

	*out = (struct net_info){.own = own_holds(&n->own, unit)};
	address_octets(unit, octets);
	for (unsigned i = 0; i < NETWORK_DATABASES; i++) {
		const struct database *db = &n->database[i];
		MMDB_entry_s entry;

		if (!database_find(db, octets, v4, &entry))
			continue;
		if (out->asn == 0 && db->asn)
			out->asn = record_asn(&entry);
		if (db->country && (i == NETWORK_COUNTRY || out->country[0] == '\0')) {
			char country[2];
			if (record_country(&entry, country))
				memcpy(out->country, country, sizeof(country));
		}
	}
}

struct net_lookup networks_lookup(const struct networks *n)
{
	return (struct net_lookup){.fn = lookup, .ctx = (void *)(uintptr_t)n};
}

void networks_describe(
	const struct networks *n, enum network_database which, struct network_description *out)
{
	const struct database *db = &n->database[which];

	*out = (struct network_description){.path = "", .type = ""};
	if (!db->open)
		return;
	out->path = db->mmdb.filename;
	out->type = db->type;
	out->built = db->mmdb.metadata.build_epoch;
	out->ip_version = db->mmdb.metadata.ip_version;
	out->asn = db->asn;
	out->country = db->country;
}
