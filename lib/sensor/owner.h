/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Keys of a name and of its registered domain, for both ways that evidence is taken. */

#include "sensor/evidence.h"

#define OWNER_SHORT 32u

/* Hash of a name, or of what a name ends in; names are padded. */
static inline uint64_t owner_hash(
	const struct sensor_config *config, const uint8_t *wire, size_t len)
{
	return likely(len <= OWNER_SHORT) ? hash_padded(wire, len, config->sketch)
					  : hash_bytes(wire, len, config->sketch);
}

/* Of the registered domain that begins at `label`; never 0. */
static inline uint64_t owner_key(
	const struct sensor_config *config, const struct dns_name *name, int label)
{
	unsigned at = name->label[label];

	return owner_hash(config, name->wire + at, (size_t)(name->len - at)) | 1;
}

/* All of the owner but `asked` and `owns`; `domain` is where its registered domain's name stays. */
static inline void owner_set(struct evidence_owner *o, const struct sensor_config *config,
	const struct dns_name *name, int label, uint64_t key, const uint8_t *domain)
{
	o->key = key;
	o->host = label ? owner_hash(config, name->wire, name->len) : key;
	o->name = domain;
	o->name_len = (uint8_t)(name->len - name->label[label]);
	o->ns = 0;
}
