/* SPDX-License-Identifier: BSD-3-Clause */
#include "mmdb_out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BITS 24
#define RECORD_LIMIT (1u << RECORD_BITS)
#define SEPARATOR_OCTETS 16
#define IPV4_DEPTH 96
#define DATA_ROOM (NETWORK_COUNT * 128u)

/* What a record holds while the tree is built: nothing, a node, or a network's data. */
#define RECORD_EMPTY 0u
#define RECORD_DATA \
	0x80000000u /* with the data's offset; else a node's index, never 0 (the root) */

enum data_type {
	DATA_UTF8 = 2,
	DATA_UINT16 = 5,
	DATA_UINT32 = 6,
	DATA_MAP = 7,
	DATA_UINT64 = 9,
	DATA_ARRAY = 11,
};

struct data {
	uint8_t *bytes;
	uint32_t len;
};

struct tree {
	uint32_t (*nodes)[2];
	uint32_t count, room;
};

/* Sizes up to 284 take one octet more at most; types above 7 have an octet of their own. */
static void data_control(struct data *data, enum data_type type, uint32_t size)
{
	uint32_t small = size < 29 ? size : 29;

	data->bytes[data->len++] = (uint8_t)((type <= 7 ? (uint32_t)type << 5 : 0) | small);
	if (type > 7)
		data->bytes[data->len++] = (uint8_t)(type - 7);
	if (size >= 29)
		data->bytes[data->len++] = (uint8_t)(size - 29);
}

static void data_text(struct data *data, const char *text)
{
	size_t len = strlen(text);

	data_control(data, DATA_UTF8, (uint32_t)len);
	memcpy(data->bytes + data->len, text, len);
	data->len += (uint32_t)len;
}

static void data_number(struct data *data, enum data_type type, uint64_t number)
{
	uint32_t octets = 0;

	while (octets < 8 && number >> (8 * octets) != 0)
		octets++;
	data_control(data, type, octets);
	while (octets-- > 0)
		data->bytes[data->len++] = (uint8_t)(number >> (8 * octets));
}

static void data_network(
	struct data *data, const struct network *network, uint16_t index, enum mmdb_content content)
{
	char organization[48];

	if (content == MMDB_COUNTRY) {
		data_control(data, DATA_MAP, 1);
		data_text(data, "country_code");
		data_text(data, network->country);
		return;
	}
	snprintf(organization, sizeof(organization), "%s %u %s",
		index < NETWORK_EYEBALLS ? "Demo Access" : "Demo Hosting", index, network->country);
	data_control(data, DATA_MAP, 2);
	data_text(data, "autonomous_system_number");
	data_number(data, DATA_UINT32, network->asn);
	data_text(data, "autonomous_system_organization");
	data_text(data, organization);
}

static void data_metadata(
	struct data *data, uint32_t node_count, enum mmdb_content content, uint64_t build_epoch)
{
	const char *type = content == MMDB_ASN ? "Fluxgate-Demo-ASN" : "Fluxgate-Demo-Country";

	data_control(data, DATA_MAP, 9);
	data_text(data, "binary_format_major_version");
	data_number(data, DATA_UINT16, 2);
	data_text(data, "binary_format_minor_version");
	data_number(data, DATA_UINT16, 0);
	data_text(data, "build_epoch");
	data_number(data, DATA_UINT64, build_epoch);
	data_text(data, "database_type");
	data_text(data, type);
	data_text(data, "description");
	data_control(data, DATA_MAP, 1);
	data_text(data, "en");
	data_text(data, "Synthetic networks of generated captures");
	data_text(data, "ip_version");
	data_number(data, DATA_UINT16, 6);
	data_text(data, "languages");
	data_control(data, DATA_ARRAY, 1);
	data_text(data, "en");
	data_text(data, "node_count");
	data_number(data, DATA_UINT32, node_count);
	data_text(data, "record_size");
	data_number(data, DATA_UINT16, RECORD_BITS);
}

static int tree_node(struct tree *tree, uint32_t *index)
{
	if (tree->count == tree->room) {
		uint32_t room = tree->room == 0 ? 4096 : 2 * tree->room;
		uint32_t(*nodes)[2] = realloc(tree->nodes, room * sizeof(*nodes));

		if (nodes == NULL)
			return -ENOMEM;
		tree->nodes = nodes;
		tree->room = room;
	}
	*index = tree->count++;
	tree->nodes[*index][0] = tree->nodes[*index][1] = RECORD_EMPTY;
	return 0;
}

/* The first bits of a 128-bit address lead to the data. Prefixes do not overlap in the plan. */
static int tree_insert(
	struct tree *tree, uint64_t high, uint64_t low, unsigned int bits, uint32_t offset)
{
	uint32_t node = 0;

	for (unsigned int depth = 0;; depth++) {
		uint64_t word = depth < 64 ? high : low;
		unsigned int side = (unsigned int)(word >> (63 - depth % 64)) & 1;
		uint32_t next = tree->nodes[node][side];

		if (depth + 1 == bits) {
			tree->nodes[node][side] = RECORD_DATA | offset;
			return 0;
		}
		if (next == RECORD_EMPTY) {
			int ret = tree_node(tree, &next);

			if (ret != 0)
				return ret;
			tree->nodes[node][side] = next;
		}
		node = next;
	}
}

static int tree_add_network(struct tree *tree, const struct network *network, uint32_t offset)
{
	int ret = tree_insert(tree, network->v6_base, 0, 32, offset);

	for (uint8_t i = 0; ret == 0 && i < network->prefix_count; i++)
		ret = tree_insert(tree, 0, network->prefixes[i].base,
			IPV4_DEPTH + network->prefixes[i].bits, offset);
	return ret;
}

/* Each country's data is there once; a network's is its own. */
static int tree_fill(struct tree *tree, struct data *data, const struct network_plan *plan,
	enum mmdb_content content)
{
	uint32_t offsets[NETWORK_COUNT], root;
	int ret = tree_node(tree, &root);

	for (uint16_t i = 0; ret == 0 && i < NETWORK_COUNT; i++) {
		uint16_t same = i;

		for (uint16_t k = 0; content == MMDB_COUNTRY && k < same; k++) {
			if (memcmp(plan->networks[k].country, plan->networks[i].country, 2) == 0)
				same = k;
		}
		offsets[i] = same < i ? offsets[same] : data->len;
		if (same == i)
			data_network(data, &plan->networks[i], i, content);
		ret = tree_add_network(tree, &plan->networks[i], offsets[i]);
	}
	if (ret == 0 && tree->count + SEPARATOR_OCTETS + data->len >= RECORD_LIMIT)
		ret = -EFBIG;
	return ret;
}

static void write_record(FILE *file, uint32_t record, uint32_t node_count)
{
	if (record == RECORD_EMPTY)
		record = node_count;
	else if (record & RECORD_DATA)
		record = node_count + SEPARATOR_OCTETS + (record & ~RECORD_DATA);
	for (int shift = RECORD_BITS - 8; shift >= 0; shift -= 8)
		putc((int)(record >> shift & 0xff), file);
}

static int write_file(const char *path, const struct tree *tree, const struct data *data,
	const struct data *metadata)
{
	static const uint8_t separator[SEPARATOR_OCTETS];
	FILE *file = fopen(path, "wb");
	int ret = 0;

	if (file == NULL)
		return -errno;
	errno = 0; /* what a failed write sets stays until the end */
	for (uint32_t i = 0; i < tree->count; i++) {
		write_record(file, tree->nodes[i][0], tree->count);
		write_record(file, tree->nodes[i][1], tree->count);
	}
	fwrite(separator, 1, sizeof(separator), file);
	fwrite(data->bytes, 1, data->len, file);
	fputs("\xab\xcd\xefMaxMind.com", file);
	fwrite(metadata->bytes, 1, metadata->len, file);
	if (fflush(file) != 0 || ferror(file))
		ret = errno != 0 ? -errno : -EIO;
	fclose(file);
	return ret;
}

int mmdb_write(const char *path, const struct network_plan *plan, enum mmdb_content content,
	uint64_t build_epoch)
{
	struct data data = {.bytes = malloc(DATA_ROOM)};
	uint8_t metadata_bytes[512];
	struct data metadata = {.bytes = metadata_bytes};
	struct tree tree = {0};
	int ret = -ENOMEM;

	if (data.bytes != NULL)
		ret = tree_fill(&tree, &data, plan, content);
	if (ret == 0) {
		data_metadata(&metadata, tree.count, content, build_epoch);
		ret = write_file(path, &tree, &data, &metadata);
	}
	free(tree.nodes);
	free(data.bytes);
	return ret;
}
