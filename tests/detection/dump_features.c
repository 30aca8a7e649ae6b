/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * dump_features OUT REPLAY-ARGUMENTS...: a replay that writes down what a judgement sees.
 *
 * It is `fluxgate replay` itself, linked so that detect_sweep, which ends an epoch, comes here
 * first (the linker's --wrap). Each hour, of every full record that was answered within it
 * and that a judgement would look at, a line for each window that is judged: seconds since 1970,
 * domain, window, class by who decides, and the features. The first line names the columns.
 */

#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "detect/columns.h"
#include "detect/rules.h"
#include "dns/dns.h"

#define EVERY_SECONDS 3600u

void __real_detect_sweep(struct detector *t, struct store *st, uint32_t now);
void __wrap_detect_sweep(struct detector *t, struct store *st, uint32_t now);

static FILE *out;

struct moment {
	const struct detector *detector;
	const struct store *store;
	uint32_t now;
};

static void window_print(
	const char *name, uint32_t now, const struct features *f, const struct ruling *r)
{
	fprintf(out, "%u\t%s\t%s\t%s", now, name, flux_window_name(f->window),
		flux_class_name(r->class));
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		fprintf(out, "\t%.9g", feature_get(f, i));
	fputc('\n', out);
}

static void record_print(void *ctx, struct domain *record)
{
	const struct moment *m = ctx;
	const struct detect_config *c = detect_thresholds(m->detector);
	struct domain d = *record;
	char name[DNS_TEXT_MAX];

	domain_advance(&d, m->now);
	if (d.items < c->small_min_addresses || m->now - d.last > EVERY_SECONDS)
		return;
	dns_name_text(d.name, d.name_len, name, sizeof(name));
	for (unsigned w = WINDOW_1H; w < FLUX_WINDOW_COUNT; w++) {
		struct features f;
		struct ruling r;

		detect_window(m->detector, m->store, &d, (enum flux_window)w, m->now, &f, &r);
		if (f.addresses >= c->small_min_addresses)
			window_print(name, m->now, &f, &r);
	}
}

void __wrap_detect_sweep(struct detector *t, struct store *st, uint32_t now)
{
	static uint32_t last;
	struct moment m = {t, st, now};

	__real_detect_sweep(t, st, now);
	if (now / EVERY_SECONDS == last)
		return;
	last = now / EVERY_SECONDS;
	store_each(st, record_print, &m);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: dump_features OUT REPLAY-ARGUMENTS...\n", stderr);
		return 2;
	}
	out = fopen(argv[1], "w");
	if (!out) {
		perror(argv[1]);
		return 1;
	}
	fputs("time\tdomain\twindow\tclass", out);
	for (unsigned i = 0; i < FEATURE_COUNT; i++)
		fprintf(out, "\t%s", feature_names[i]);
	fputc('\n', out);
	int code = replay_main(argc - 1, argv + 1);
	return fclose(out) ? 1 : code;
}
