/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "background.h"
#include "capture.h"
#include "families.h"
#include "heap.h"
#include "tap.h"
#include "truth.h"

#define NS_SECONDS 1000000000u

struct generator {
	const struct options *options;
	const struct network_plan *plan;
	struct truth truth;
	struct capture capture;
	struct tap tap;
	struct background background;
	struct family_domain *domains; /* owned */
	size_t domain_count;
	uint32_t campaigns;  /* begun so far */
	struct heap sources; /* of struct family_domain; NULL stands for the background */
};

static int add_truth(struct generator *generator, struct family_domain *domain)
{
	enum flux_class own = domain->flux_class;
	uint32_t campaign = own == FLUX_NONE ? 0 : generator->campaigns;

	if (family_has_target(domain->family)) {
		domain->target.truth = truth_add(
			&generator->truth, &domain->target, domain->family, own, campaign);
		if (domain->target.truth < 0)
			return domain->target.truth;
		own = FLUX_NONE; /* the alias itself is honest */
		campaign = 0;
	}
	domain->zone.truth =
		truth_add(&generator->truth, &domain->zone, domain->family, own, campaign);
	return domain->zone.truth < 0 ? domain->zone.truth : 0;
}

static int add_domain(struct generator *generator, struct family_domain *domain,
	const struct family *family, uint32_t index)
{
	const struct options *options = generator->options;
	uint64_t first;
	int ret;

	family_domain_init(domain, family, index, options, generator->plan);
	if (family->flux_class != FLUX_NONE && index % options->campaign == 0)
		generator->campaigns++;
	ret = add_truth(generator, domain);
	if (ret != 0)
		return ret;
	first = hash_below(rng_next(&domain->rng), domain->interval_ms) * 1000000ull;
	return heap_push(&generator->sources, options->start * NS_SECONDS + first, domain);
}

static int add_families(struct generator *generator)
{
	const struct options *options = generator->options;
	size_t total = 0;

	for (size_t i = 0; i < family_count; i++)
		total += options->family_domains[i];
	generator->domains = calloc(total + 1, sizeof(*generator->domains));
	if (generator->domains == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < family_count; i++) {
		for (uint32_t k = 0; k < options->family_domains[i]; k++) {
			struct family_domain *domain =
				&generator->domains[generator->domain_count++];
			int ret = add_domain(generator, domain, &families[i], k);

			if (ret != 0)
				return ret;
		}
	}
	return 0;
}

static uint64_t source_fire(
	struct generator *generator, struct family_domain *domain, uint64_t time)
{
	struct question question;
	uint64_t wait;

	if (domain == NULL)
		return background_lookup(&generator->background, &generator->tap, time);
	wait = family_domain_ask(domain, &question);
	tap_lookup(&generator->tap, &domain->rng, &domain->zone, &question, time);
	return wait;
}

static int run(struct generator *generator)
{
	const struct options *options = generator->options;
	uint64_t end = (options->start + options->duration) * NS_SECONDS;
	struct tap *tap = &generator->tap;
	int ret = add_families(generator);

	if (ret == 0 && options->rate > 0)
		ret = heap_push(&generator->sources, options->start * NS_SECONDS, NULL);
	if (ret != 0)
		return ret;
	while (generator->sources.count > 0 && tap->left > 0 && tap->error == 0 &&
		generator->capture.error == 0) {
		const struct heap_node *next = heap_top(&generator->sources);
		uint64_t time = next->time;

		if (time >= end)
			break;
		capture_advance(&generator->capture, time);
		heap_delay_top(
			&generator->sources, time + source_fire(generator, next->item, time));
	}
	background_count(&generator->background, &generator->truth);
	return tap->error;
}

static void remove_regular(const char *path)
{
	struct stat status;

	if (lstat(path, &status) == 0 && S_ISREG(status.st_mode))
		unlink(path);
}

int generate(const struct options *options, const struct network_plan *plan, const char **where)
{
	struct generator generator = {.options = options, .plan = plan};
	int ret, closed;

	*where = options->out;
	ret = background_init(&generator.background, options, plan);
	if (ret != 0)
		return ret;
	ret = capture_open(&generator.capture, options->out, options->nanoseconds);
	if (ret != 0)
		goto no_capture;
	tap_init(&generator.tap, options, plan, &generator.capture, &generator.truth);
	ret = run(&generator);
	closed = capture_close(&generator.capture);
	if (ret == 0)
		ret = closed;
	if (ret != 0) {
		remove_regular(options->out);
	} else if (options->truth != NULL) {
		*where = options->truth;
		ret = truth_write(&generator.truth, options, options->truth);
	}
	tap_free(&generator.tap);
	heap_free(&generator.sources);
	free(generator.domains);
	truth_free(&generator.truth);
no_capture:
	background_free(&generator.background);
	return ret;
}
