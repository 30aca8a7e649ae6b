/* SPDX-License-Identifier: BSD-3-Clause */
#include "zipf.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Vose, "A linear algorithm for generating random numbers with a given distribution" (1991): ranks
 * that weigh less than the mean are filled up from one that weighs more. One array holds both work
 * lists, the light ranks from its front and the heavy ones from its back.
 */
static void zipf_fill(struct zipf *zipf, double *share, uint32_t *work)
{
	uint32_t light = 0, heavy = zipf->count;

	for (uint32_t i = 0; i < zipf->count; i++) {
		if (share[i] < 1.0)
			work[light++] = i;
		else
			work[--heavy] = i;
	}
	while (light > 0 && heavy < zipf->count) {
		uint32_t low = work[--light], high = work[heavy];

		zipf->cells[low].threshold = (uint32_t)(share[low] * 4294967295.0);
		zipf->cells[low].alias = high;
		share[high] -= 1.0 - share[low];
		if (share[high] < 1.0) {
			heavy++;
			work[light++] = high;
		}
	}
	/* What is left weighs exactly the mean but for rounding. */
	for (uint32_t i = 0; i < light; i++)
		zipf->cells[work[i]] = (struct zipf_cell){UINT32_MAX, work[i]};
	for (; heavy < zipf->count; heavy++)
		zipf->cells[work[heavy]] = (struct zipf_cell){UINT32_MAX, work[heavy]};
}

int zipf_init(struct zipf *zipf, uint32_t count, double exponent)
{
	double *share = NULL;
	uint32_t *work = NULL;
	double sum = 0.0;
	int ret = 0;

	zipf->count = count;
	zipf->cells = NULL;
	if (exponent == 0.0)
		return 0;
	zipf->cells = calloc(count, sizeof(*zipf->cells));
	share = calloc(count, sizeof(*share));
	work = calloc(count, sizeof(*work));
	if (zipf->cells == NULL || share == NULL || work == NULL) {
		zipf_free(zipf);
		ret = -ENOMEM;
		goto out;
	}
	for (uint32_t i = count; i-- > 0;) { /* smallest first loses least */
		share[i] = num_exp(-exponent * num_ln((double)i + 1.0));
		sum += share[i];
	}
	for (uint32_t i = 0; i < count; i++)
		share[i] *= (double)count / sum;
	zipf_fill(zipf, share, work);
out:
	free(work);
	free(share);
	return ret;
}

void zipf_free(struct zipf *zipf)
{
	free(zipf->cells);
	zipf->cells = NULL;
}
