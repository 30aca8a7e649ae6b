/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* What the operator said of flagged domains, beside what the sensor found. */

#include "export/acks.h"
#include "export/allow.h"

/* Lists that outlive their users; NULL: there is none. */
struct marks {
	const struct allow *allow;
	const struct acks *acks;
};

/* Sets "allowed" and "acknowledged" of a domain's object. 0, or -1: out of memory. */
int marks_put(const struct marks *m, json_t *domain, const struct verdict *v);

/* Changes with the lists: the same number, the same marks. */
uint32_t marks_generation(const struct marks *m);
