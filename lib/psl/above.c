/* SPDX-License-Identifier: BSD-3-Clause */

#include "psl/psl.h"

#include "psl/table.h"

bool psl_above(const struct psl *psl, const struct dns_name *name)
{
	uint64_t h = psl->seed;

	for (int label = name->labels - 1; label >= 0; label--) {
		unsigned at = name->label[label];

		h = psl_label_hash(h, name->wire + at);
		uint8_t displacement = psl->displacement[psl_group(psl, h)];
		uint64_t entry = psl->table[psl_slot(psl, h, displacement)];

		if ((uint32_t)entry != (uint32_t)h ||
			!psl_suffix_equal(
				psl->text + psl_entry_text(entry), name->wire + at, name->len - at))
			return false;
	}
	return true;
}
