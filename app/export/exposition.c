/* SPDX-License-Identifier: BSD-3-Clause */

#include <inttypes.h>

#include "export/exposition.h"

void exposition_head(FILE *f, const char *metric, const char *help, bool gauge)
{
	fprintf(f, "# HELP " EXPOSITION_PREFIX "%s %s\n# TYPE " EXPOSITION_PREFIX "%s %s\n", metric,
		help, metric, gauge ? "gauge" : "counter");
}

void exposition_number(FILE *f, const char *metric, const char *help, bool gauge, uint64_t value)
{
	exposition_head(f, metric, help, gauge);
	fprintf(f, EXPOSITION_PREFIX "%s %" PRIu64 "\n", metric, value);
}

void exposition_label(FILE *f, const char *name, const char *value)
{
	fprintf(f, "%s=\"", name);
	for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else
			fputc(*p >= 0x20 && *p < 0x7f ? *p : '?', f);
	}
	fputc('"', f);
}

void exposition_histogram(FILE *f, const char *metric, const char *help, const struct histogram *h,
	unsigned first, unsigned last)
{
	fprintf(f, "# HELP " EXPOSITION_PREFIX "%s %s\n# TYPE " EXPOSITION_PREFIX "%s histogram\n",
		metric, help, metric);
	for (unsigned log2 = first; log2 <= last; log2++)
		fprintf(f, EXPOSITION_PREFIX "%s_bucket{le=\"%.6f\"} %" PRIu64 "\n", metric,
			(double)(UINT64_C(1) << log2) * 1e-6, histogram_below(h, log2));
	fprintf(f, EXPOSITION_PREFIX "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", metric, h->count);
	fprintf(f, EXPOSITION_PREFIX "%s_sum %.6f\n", metric, (double)h->sum * 1e-6);
	fprintf(f, EXPOSITION_PREFIX "%s_count %" PRIu64 "\n", metric, h->count);
}
