/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/zone.h"

#define SOA_NAMES "@ SOA localhost. root.localhost. "

/* Ends a stream in memory: its text, or NULL. */
static char *stream_text(FILE *out, char **text)
{
	if (fclose(out) == 0)
		return *text;
	free(*text);
	return NULL;
}

char *zone_records(const struct gate_entry *entry, unsigned n, size_t *len)
{
	char *text = NULL, name[DNS_TEXT_MAX];
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		if (entry[i].reason != GATE_LISTED)
			continue;
		dns_name_text(entry[i].name, entry[i].name_len, name, sizeof(name));
		fprintf(out, "%s CNAME .\n*.%s CNAME .\n", name, name);
	}
	return stream_text(out, &text);
}

char *zone_text(const char *zone, uint32_t serial, const char *records, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);
	const char *dot = strlen(zone) && zone[strlen(zone) - 1] == '.' ? "" : ".";

	if (!out)
		return NULL;
	fprintf(out,
		"$ORIGIN %s%s\n$TTL %u\n" SOA_NAMES "%" PRIu32 " %u %u %u %u\n"
		"@ NS localhost.\n%s",
		zone, dot, ZONE_REFRESH, serial, ZONE_REFRESH, ZONE_REFRESH, ZONE_EXPIRE,
		ZONE_REFRESH, records);
	return stream_text(out, &text);
}

uint32_t zone_serial_next(uint32_t previous, uint32_t now)
{
	uint32_t next = previous + 1;

	if (previous == 0 || (int32_t)(now - next) > 0)
		next = now;
	return next ? next : 1;
}

uint32_t zone_serial(const char *text)
{
	const char *soa = strstr(text, "\n" SOA_NAMES);
	uint32_t serial = 0;

	if (soa && sscanf(soa, "\n" SOA_NAMES "%" SCNu32, &serial) != 1)
		serial = 0;
	return serial;
}
