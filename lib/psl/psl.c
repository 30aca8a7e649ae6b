/* SPDX-License-Identifier: BSD-3-Clause */
#include "psl/psl.h"

#include "psl/table.h"

int psl_registered(const struct psl *psl, const struct dns_name *name)
{
	uint64_t found = PSL_ENTRY_ROOT, h = psl->seed;
	int left = name->labels; /* labels in front of the suffix found */

	for (; left > 0; left--) {
		unsigned at = name->label[left - 1];

		h = psl_label_hash(h, name->wire + at);
		uint8_t displacement = psl->displacement[psl_group(psl, h)];
		uint64_t entry = psl->table[psl_slot(psl, h, displacement)];

		if ((uint32_t)entry != (uint32_t)h)
			break;
		if (unlikely(!psl_suffix_equal(
			    psl->text + psl_entry_text(entry), name->wire + at, name->len - at)))
			break;
		found = entry;
	}
	if (left > 0 && psl_entry_wildcard(found))
		return left - 2;
	return name->labels - (int)psl_entry_labels(found) - 1;
}

unsigned psl_rules(const struct psl *psl)
{
	return psl->rules;
}

uint64_t psl_fingerprint(const struct psl *psl)
{
	return psl->fingerprint;
}
