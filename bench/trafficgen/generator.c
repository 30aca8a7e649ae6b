/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacks.h"
#include "background.h"
#include "capture.h"
#include "families.h"
#include "heap.h"
#include "tap.h"
#include "truth.h"

#define NS_SECONDS 1000000000u

/* Somebody who sends packets: the look-ups of a family's domain, an attacker or the background. */
struct source {
	struct family_domain *domain; /* or */
	struct attack_domain *attack; /* or neither */
};

struct generator {
	const struct options *options;
	const struct network_plan *plan;
	struct truth truth;
	struct capture capture;
	struct tap tap;
	struct background background;
	struct family_domain *domains;        /* owned */
	struct attack_domain *attack_domains; /* owned */
	struct source *sources;               /* owned */
	size_t domain_count, attack_domain_count, source_count;
	uint32_t campaigns; /* begun so far */
	struct heap due;    /* of struct source */
};

static int add_source(struct generator *generator, uint64_t time, struct source source)
{
	struct source *slot = &generator->sources[generator->source_count++];

	*slot = source;
	return heap_push(&generator->due, time, slot);
}

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

/* A domain that was initialised, the index-th of its family. */
static int add_domain(struct generator *generator, struct family_domain *domain, uint32_t index)
{
	const struct options *options = generator->options;
	uint64_t first;
	int ret;

	if (domain->family->flux_class != FLUX_NONE && index % options->campaign == 0)
		generator->campaigns++;
	ret = add_truth(generator, domain);
	if (ret != 0)
		return ret;
	first = hash_below(rng_next(&domain->rng), domain->interval_ms) * 1000000ull;
	if (domain->family->flux_class != FLUX_NONE)
		first += options->onset * (uint64_t)NS_SECONDS;
	return add_source(
		generator, options->start * NS_SECONDS + first, (struct source){.domain = domain});
}

static int add_attack(struct generator *generator, const struct attack *attack, uint32_t index)
{
	struct attack_domain *domain = &generator->attack_domains[generator->attack_domain_count++];
	int ret;

	attack_domain_init(domain, attack, index, generator->options, generator->plan);
	ret = add_domain(generator, &domain->target, index);
	if (ret != 0)
		return ret;
	domain->forged.truth = truth_add_forged(&generator->truth, &domain->forged, attack->name);
	if (domain->forged.truth < 0)
		return domain->forged.truth;
	if (attack->interval_ms == 0)
		return 0;
	return add_source(generator, domain->begins, (struct source){.attack = domain});
}

static int make_room(struct generator *generator)
{
	const struct options *options = generator->options;
	size_t domains = 0, attacked = 0;

	for (size_t i = 0; i < family_count; i++)
		domains += options->family_domains[i];
	for (size_t i = 0; i < attack_count; i++)
		attacked += options->attack_domains[i];
	generator->domains = calloc(domains + 1, sizeof(*generator->domains));
	generator->attack_domains = calloc(attacked + 1, sizeof(*generator->attack_domains));
	generator->sources = calloc(domains + 2 * attacked + 1, sizeof(*generator->sources));
	if (generator->domains == NULL || generator->attack_domains == NULL ||
		generator->sources == NULL)
		return -ENOMEM;
	return 0;
}

static int add_families(struct generator *generator)
{
	const struct options *options = generator->options;
	int ret = 0;

	for (size_t i = 0; i < family_count; i++) {
		for (uint32_t k = 0; k < options->family_domains[i] && ret == 0; k++) {
			struct family_domain *domain =
				&generator->domains[generator->domain_count++];

			family_domain_init(domain, &families[i], k, options, generator->plan);
			ret = add_domain(generator, domain, k);
		}
	}
	for (size_t i = 0; i < attack_count; i++) {
		for (uint32_t k = 0; k < options->attack_domains[i] && ret == 0; k++)
			ret = add_attack(generator, &attacks[i], k);
	}
	return ret;
}

static uint64_t source_fire(struct generator *generator, const struct source *source, uint64_t time)
{
	struct family_domain *domain = source->domain;
	struct question question;
	uint64_t wait;

	if (source->attack != NULL)
		return attack_fire(source->attack, &generator->tap, time);
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
	int ret = make_room(generator);

	if (ret == 0)
		ret = add_families(generator);
	if (ret == 0 && options->rate > 0)
		ret = add_source(generator, options->start * NS_SECONDS, (struct source){0});
	if (ret != 0)
		return ret;
	while (generator->due.count > 0 && tap->left > 0 && tap->error == 0 &&
		generator->capture.error == 0) {
		const struct heap_node *next = heap_top(&generator->due);
		uint64_t time = next->time;

		if (time >= end)
			break;
		capture_advance(&generator->capture, time);
		heap_delay_top(&generator->due, time + source_fire(generator, next->item, time));
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
	heap_free(&generator.due);
	free(generator.sources);
	free(generator.attack_domains);
	free(generator.domains);
	truth_free(&generator.truth);
no_capture:
	background_free(&generator.background);
	return ret;
}
