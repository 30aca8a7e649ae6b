/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What a blocking gate must not forget over a restart, as JSON in a file of its own. */

#include <stddef.h>
#include <stdint.h>

#include "export/gate.h"

#define GATE_STATE_OCTETS_MAX ((size_t)16 << 20)

/*
 * All entries, additions of the hour, the freeze, when a cold start was, and the zone's serial. The
 * caller frees it; NULL when out of memory.
 */
char *gate_state_text(const struct gate *g, uint32_t serial, size_t *len);

/* The inverse, into an empty gate. NULL, or why not (static), with *g still empty. */
const char *gate_state_parse(struct gate *g, uint32_t *serial, const char *text, size_t len);
