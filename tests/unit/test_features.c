/* SPDX-License-Identifier: BSD-3-Clause */
/* Features of records that are made by hand, so that each value is known. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "detect/detect.h"
#include "detect/lists.h"
#include "store/state.h"
#include "tests/unit/random.h"
#include "tests/unit/store_fixture.h"

#define NOW (1700000000u / 86400 * 86400 + 86400 - 1) /* the last second of a day */
#define HOUR 3600u
#define DAY 86400u

static struct store *st;
static struct domain d;

static int begin(void **state)
{
	(void)state;
	st = test_store(10, 10, 8);
	return st ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(st);
	return 0;
}

/* An empty record, as old as that. */
static void blank(uint32_t age)
{
	memset(&d, 0, sizeof(d));
	d.key = 1;
	d.first = NOW - age;
	d.last = NOW;
	d.slot = NOW / STORE_SLOT_SECONDS;
	d.hour = NOW / STORE_HOUR_SECONDS;
	memset(d.slot_threshold, 0xff, sizeof(d.slot_threshold));
	memset(d.hour_threshold, 0xff, sizeof(d.hour_threshold));
	memset(d.day_threshold, 0xff, sizeof(d.day_threshold));
	d.day = NOW / STORE_DAY_SECONDS;
}

/* IPv4 address `host` of /16 number `net`, active in these slots and hours. */
static struct domain_item *add(
	unsigned net, unsigned host, uint32_t asn, unsigned slots, uint32_t hours)
{
	struct domain_item *it = &d.item[d.items++];

	assert_true(d.items <= STORE_SAMPLE);
	*it = (struct domain_item){
		.unit = (uint64_t)(0x0800 + net) << 16 | host,
		.asn = asn,
		.first = d.first,
		.last = NOW,
		.slots = (uint16_t)slots,
		.hours = hours,
		.grade = EVIDENCE_PAIRED,
	};
	return it;
}

static struct features features(enum flux_window w)
{
	struct features f;

	features_compute(&d, st, w, NOW, (struct view_filter){EVIDENCE_ALIAS, 0}, &f);
	return f;
}

static void near(double value, double expected)
{
	if (fabs(value - expected) > 1e-9)
		fail_msg("%.12f, and not %.12f", value, expected);
}

static void nothing_gives_nothing(void **state)
{
	(void)state;
	blank(2 * DAY);
	for (unsigned w = 0; w < FLUX_WINDOW_COUNT; w++) {
		struct features f = features((enum flux_window)w);

		near(f.addresses, 0);
		near(f.networks, 0);
		near(f.effective_networks, 0);
		near(f.growth, 0);
		near(f.novelty, 0);
		near(f.paired_share, 0);
		near(f.open_evidence, 0);
		near(f.sample_share, 1);
		static const double seconds[] = {600, HOUR, DAY, 2 * DAY};
		near(f.seconds, seconds[w]);
	}
}

/* Since the start of the watch, and since the first answer; a store that was there before counts.
 */
static void a_name_is_as_new_as_its_first_answer(void **state)
{
	(void)state;
	blank(2 * HOUR);
	store_restore_begin(st, NOW - 2 * HOUR, NOW - 3 * DAY);
	near(features(WINDOW_1H).history, 3.0 * DAY - 2 * HOUR);
	near(features(WINDOW_24H).age, 2 * HOUR);
	store_restore_begin(st, NOW, NOW - HOUR);
	near(features(WINDOW_1H).history, 0);
}

/* Ten addresses: seven in one network, one each in three others. */
static void networks_are_weighed_by_their_shares(void **state)
{
	(void)state;
	blank(DAY);
	for (unsigned i = 0; i < 7; i++)
		add(i, i, 100, 1, 1)->country[0] = 'A';
	for (unsigned i = 0; i < 3; i++)
		memcpy(add(7, i, 101 + i, 1, 1)->country, "BC", 2);
	for (unsigned i = 0; i < 4; i++)
		d.item[i].own = 1;
	struct features f = features(WINDOW_1H);
	near(f.addresses, 10);
	near(f.networks, 4);
	near(f.effective_networks, 1 / (0.49 + 3 * 0.01));
	near(f.top_network_share, 0.7);
	near(f.aggregates, 8);
	near(f.effective_aggregates, 1 / (7 * 0.01 + 0.09));
	near(f.countries, 2);
	near(f.own_addresses, 4);
	near(f.own_share, 0.4);
	near(f.asn_known, 1);

	/* Equal shares over n networks are n. */
	blank(DAY);
	for (unsigned i = 0; i < 24; i++)
		add(i % 6, i, 100 + i % 6, 1, 1);
	f = features(WINDOW_24H);
	near(f.effective_networks, 6);
	near(f.effective_aggregates, 6);
	near(f.top_network_share, 1.0 / 6);
}

/* Of 64 addresses 64, 58, 48: Wilson's lower ends by hand; unknown networks are not households'. */
static void households_are_told_with_their_uncertainty(void **state)
{
	uint32_t asn[] = {7, 9, 11};
	const struct asn_list eyeballs = {.n = 3, .room = 3, .asn = asn};
	static const struct {
		unsigned of, asn;
		double share, least;
	} cases[] = {{64, 0, 1, 0.921806}, {58, 0, 0.90625, 0.787005}, {48, 8, 0.75, 0.607800}};

	(void)state;
	for (unsigned c = 0; c < 3; c++) {
		blank(DAY);
		for (unsigned i = 0; i < 64; i++)
			add(i, i, i < cases[c].of ? 7 + 2 * (i % 3) : cases[c].asn, 1, 1);
		struct features f = features(WINDOW_1H);
		near(f.eyeball_share, 0);
		features_eyeballs(&d, st, (struct view_filter){EVIDENCE_ALIAS, 0}, &eyeballs, &f);
		near(f.eyeball_share, cases[c].share);
		if (fabs(f.eyeball_least - cases[c].least) > 1e-5)
			fail_msg("%u: %f", c, f.eyeball_least);
	}
	/* Few say little. */
	blank(DAY);
	for (unsigned i = 0; i < 10; i++)
		add(i, i, 7, 1, 1);
	struct features f = features(WINDOW_1H);
	features_eyeballs(&d, st, (struct view_filter){EVIDENCE_ALIAS, 0}, &eyeballs, &f);
	near(f.eyeball_share, 1);
	assert_true(f.eyeball_least < 0.8 && f.eyeball_least > 0.5);
}

/* An address that no database knows stands for its /16, also where its number is some ASN's. */
static void an_unknown_network_is_its_prefix(void **state)
{
	(void)state;
	blank(DAY);
	add(0, 1, 0x0800, 1, 1);
	add(0, 2, 0, 1, 1);
	add(0, 3, 0, 1, 1);
	add(1, 4, 0, 1, 1);
	struct domain_item *v6 = add(0, 0, 0, 1, 1);
	v6->unit = UINT64_C(0x2a00145040010000);
	v6 = add(0, 0, 0, 1, 1);
	v6->unit = UINT64_C(0x2a0014504002ffff);
	struct features f = features(WINDOW_1H);
	near(f.networks, 4);
	near(f.aggregates, 3);
	near(f.asn_known, 1.0 / 6);
	near(f.countries, 0);
}

static void shares_are_of_the_sample(void **state)
{
	static const uint8_t grades[] = {EVIDENCE_ALIAS, EVIDENCE_ALIAS, EVIDENCE_UNPAIRED,
		EVIDENCE_CONTESTED, EVIDENCE_PAIRED};
	struct features f;

	(void)state;
	blank(DAY);
	for (unsigned i = 0; i < 5; i++) {
		struct domain_item *it = add(i, i, 1 + i, 1, 1);
		it->grade = (unsigned)grades[i] & 3;
		it->ns = i == 1 || i == 4;
	}
	f = features(WINDOW_1H);
	near(f.paired_share, 0.2);
	near(f.owned_share, 0.6);
	near(f.glue_in_pool, 2);
	/* Of those attested at least so well only. */
	static const unsigned left[] = {5, 3, 2, 1};
	for (unsigned least = EVIDENCE_ALIAS; least <= EVIDENCE_PAIRED; least++) {
		features_compute(&d, st, WINDOW_24H, NOW,
			(struct view_filter){(enum evidence_grade)least, 0}, &f);
		near(f.addresses, left[least]);
		near(f.networks, left[least]);
	}
	near(f.paired_share, 1);
	near(f.glue_in_pool, 1);
}

static void a_window_holds_what_was_active_in_it(void **state)
{
	(void)state;
	blank(2 * DAY);
	add(0, 0, 1, 1, 1);
	add(1, 1, 2, 1 << 11, 1 << 1); /* the last slot of the hour */
	add(2, 2, 3, 1 << 12, 1 << 1); /* the first beyond it */
	add(3, 3, 4, 0, 1u << 23);
	add(4, 4, 5, 0, 1u << 24); /* and beyond the day */
	add(5, 5, 6, 0, 0);
	near(features(WINDOW_1H).addresses, 2);
	near(features(WINDOW_24H).addresses, 4);
	near(features(WINDOW_24H).seconds, DAY);

	/* Of a young domain slots tell the day's story, and finer: 80 minutes at most. */
	d.first = NOW - 15 * STORE_SLOT_SECONDS;
	near(features(WINDOW_24H).addresses, 3);
	near(features(WINDOW_24H).seconds, 15 * STORE_SLOT_SECONDS);
	near(features(WINDOW_1H).seconds, HOUR);
	d.first = NOW - 16 * STORE_SLOT_SECONDS;
	near(features(WINDOW_24H).addresses, 4);
}

/* A sample that had to turn addresses away stands for more than it holds. */
static void a_sample_is_scaled_up_by_its_threshold(void **state)
{
	unsigned below = 0, below_half = 0;

	(void)state;
	blank(2 * DAY);
	for (unsigned i = 0; i < STORE_SAMPLE; i++) {
		uint64_t unit = add(i, i, 1 + i, 1, 1)->unit;
		below += store_unit_hash(st, unit) < UINT64_C(0x4000) << 48;
		below_half += store_unit_hash(st, unit) < UINT64_C(0x8000) << 48;
	}
	assert_true(below > 5 && below < below_half);
	d.slot_threshold[3] = 0x4000;
	d.slot_threshold[5] = 0x8000;
	d.slot_threshold[12] = 0x1000; /* beyond the hour */
	d.hour_threshold[23] = 0x8000;
	d.hour_threshold[24] = 0x1000;
	struct features f = features(WINDOW_1H);
	near(f.sample_share, 0.25);
	near(f.addresses, below * 4.0);
	near(f.networks, below);
	f = features(WINDOW_24H);
	near(f.sample_share, 0.5);
	near(f.addresses, below_half * 2.0);
}

static void a_fixed_pool_does_not_grow_and_flux_does(void **state)
{
	(void)state;
	/* Twelve slots and 24 hours, the same addresses in each. */
	blank(2 * DAY);
	for (unsigned i = 0; i < 10; i++)
		add(i, i, 1 + i, 0xfff, 0xffffff);
	near(features(WINDOW_1H).growth, 0);
	near(features(WINDOW_24H).growth, 0);
	/* One for each slot or hour, and never again. */
	blank(2 * DAY);
	for (unsigned i = 0; i < 24; i++)
		add(i, i, 1 + i, i < 12 ? 1u << i : 0, 1u << i);
	near(features(WINDOW_1H).growth, 1);
	near(features(WINDOW_24H).growth, 1);
	/* Two quarters of two each, of which they share one: ln(3 / 2) / ln 2. */
	blank(2 * DAY);
	add(0, 0, 1, 1 << 11, 0);
	add(1, 1, 2, 1 << 11 | 1, 0);
	add(2, 2, 3, 1, 0);
	near(features(WINDOW_1H).growth, log(1.5) / log(2));
	/* All in one quarter: there is nothing to compare it with. */
	blank(2 * DAY);
	for (unsigned i = 0; i < 10; i++)
		add(i, i, 1 + i, 1, 1);
	near(features(WINDOW_1H).growth, 0);
}

/* Until there is a whole window, it is as long as there is anything in it. */
static void quarters_are_of_the_time_seen(void **state)
{
	(void)state;
	blank(4 * STORE_SLOT_SECONDS);
	for (unsigned i = 0; i < 8; i++)
		add(i, i, 1 + i, 1u << i / 2, 1);
	near(features(WINDOW_1H).growth, 1);
	near(features(WINDOW_24H).growth, 1);
	/* Of five slots the last stands for a quarter of its own. */
	blank(5 * STORE_SLOT_SECONDS);
	add(0, 0, 1, 1 << 4 | 1, 1);
	add(1, 1, 2, 1 << 2, 1);
	near(features(WINDOW_1H).growth, log(2) / log(3));
}

static void novelty_is_what_the_second_half_brought(void **state)
{
	(void)state;
	blank(2 * DAY);
	for (unsigned i = 0; i < 10; i++)
		add(i, i, 1 + i, 1, 1)->first = NOW - (i < 3 ? HOUR / 2 : HOUR / 2 + 1);
	near(features(WINDOW_1H).novelty, 0.3);
	near(features(WINDOW_24H).novelty, 1);
	/* Half of the time since the first answer, where that is shorter. */
	blank(HOUR / 2);
	for (unsigned i = 0; i < 10; i++)
		add(i, i, 1 + i, 1, 1)->first = NOW - (i < 4 ? HOUR / 4 : HOUR / 4 + 1);
	near(features(WINDOW_1H).novelty, 0.4);
}

static void new_addresses_are_counted_by_fresh_epochs(void **state)
{
	(void)state;
	blank(2 * DAY);
	for (unsigned i = 0; i < 20; i++)
		add(i, i, 1 + i, 1u << i % 8, 1);
	d.answer_max = 5;
	d.ttl_day[0] = 77;
	for (unsigned i = 0; i < STORE_SLOTS; i++)
		d.fresh_slot[i] = i < 8 ? 2 : 100; /* no address behind the eighth: not counted */
	struct features f = features(WINDOW_1H);
	near(f.fresh_epochs, 16);
	near(f.new_per_epoch, 15.0 / 15);
	near(f.answer_max, 5);
	near(f.ttl_max, 77);
	d.fresh_hour[0] = 6;
	near(features(WINDOW_24H).fresh_epochs, 6);
	near(features(WINDOW_24H).new_per_epoch, 15.0 / 5);
	memset(d.fresh_slot, 0, sizeof(d.fresh_slot));
	d.fresh_slot[0] = 1;
	near(features(WINDOW_1H).new_per_epoch, 0);
	d.fresh_slot[0] = 2;
	d.answer_max = 21;
	near(features(WINDOW_1H).new_per_epoch, 0);
}

static void name_servers_count_by_family(void **state)
{
	(void)state;
	blank(2 * DAY);
	for (unsigned i = 0; i < 9; i++) {
		bool v4 = i < 4;
		d.ns[d.ns_items++] = (struct domain_ns){
			.unit = v4 ? 0x08000000u + (i << 16)
				   : UINT64_C(0x2a00000000000000) + ((uint64_t)i << 32),
			.asn = v4 ? 10 + i % 2 : 0,
			.last = NOW - (i == 8 ? DAY + 1 : DAY),
		};
	}
	d.ns_names = 2;
	d.ns_changes = 3;
	d.ns_ttl = 444;
	struct features f = features(WINDOW_1H);
	near(f.ns_addresses, 4);
	near(f.ns_networks, 2);
	near(f.ns_names, 2);
	near(f.ns_changes, 3);
	near(f.ns_ttl, 444);
	/* One IPv6 address more, and the servers are those of that family. */
	d.ns[8].last = NOW;
	f = features(WINDOW_1H);
	near(f.ns_addresses, 5);
	near(f.ns_networks, 5);
}

static void servers_set(unsigned n, const uint64_t *ticks)
{
	blank(2 * DAY);
	for (unsigned i = 0; i < n; i++) {
		d.ns_server[i] = SHARD_SERVER_SEVERAL;
		d.ns[d.ns_items++] = (struct domain_ns){
			.unit = 0x08000000u + (i << 16), .ticks = ticks[i], .last = NOW};
	}
}

/* What comes and goes for good counts; a change of all, and a set shown in turns, do not. */
static void name_servers_that_come_and_go(void **state)
{
	(void)state;
	uint64_t flux[STORE_NS], moved[STORE_NS], turns[STORE_NS], rng = 7;

	for (unsigned i = 0; i < STORE_NS; i++) {
		flux[i] = UINT64_C(15) << 4 * i;
		moved[i] = i < 6 ? (UINT64_C(1) << 20) - 1 : ((UINT64_C(1) << 21) - 1) << 20;
		turns[i] = random_u64(&rng);
	}
	servers_set(STORE_NS, flux);
	struct features f = features(WINDOW_24H);
	assert_in_range((unsigned)f.ns_transient, 7, 9);
	near(f.ns_departures, f.ns_transient);
	near(f.ns_server_share, 0);
	/* Of the other family they tell nothing of these: seen in no other ticks, none is missed.
	 */
	for (unsigned i = 0; i < STORE_NS; i++)
		flux[i] = i < 6 ? UINT64_C(15) << (24 + 2 * (i % 2)) : ~UINT64_C(0);
	servers_set(STORE_NS, flux);
	for (unsigned i = 6; i < STORE_NS; i++)
		d.ns[i].unit = UINT64_C(0x2a00) << 48 | (uint64_t)i << 32;
	near(features(WINDOW_24H).ns_transient, 0);
	servers_set(STORE_NS, moved);
	near(features(WINDOW_24H).ns_transient, 0);
	servers_set(STORE_NS, turns);
	near(features(WINDOW_24H).ns_transient, 0);
}

static void host_names_are_the_sketchs(void **state)
{
	uint64_t rng = 5;

	(void)state;
	blank(DAY);
	near(features(WINDOW_1H).host_names, 0);
	hll_add(&d.hosts, random_u64(&rng));
	near(features(WINDOW_1H).host_names, 1);
	hll_add(&d.hosts, random_u64(&rng));
	near(features(WINDOW_1H).host_names, 2);
}

/* From the definition, over the hours of a day or (`slots`) the slots of an hour. */
static void open_model(bool slots, double *ratio, double *evidence)
{
	unsigned most = slots ? 12 : 24, units = most;
	double seconds = slots ? STORE_SLOT_SECONDS : STORE_HOUR_SECONDS,
	       ttl = fmin(domain_ttl(&d), 2.0 * domain_ttl_usual(&d));
	double same_near = 0, same_far = 0, pairs_near = 0, pairs_far = 0;
	uint32_t seen = 0, bits[STORE_SAMPLE];

	for (unsigned i = 0; i < d.items; i++) {
		bits[i] = (slots ? d.item[i].slots : d.item[i].hours) & ((1u << most) - 1);
		seen |= bits[i];
	}
	while (units > 0 && !(seen >> (units - 1) & 1))
		units--;
	*ratio = *evidence = 0;
	if (units < 4)
		return;
	for (unsigned a = 0; a < units; a++) {
		for (unsigned b = a + 1; b < units; b++) {
			unsigned in_a = 0, in_b = 0, both = 0;
			for (unsigned i = 0; i < d.items; i++) {
				bool x = bits[i] >> a & 1, y = bits[i] >> b & 1;
				in_a += x;
				in_b += y;
				both += x && y;
			}
			/* The end of b and the start of a are b - a - 1 units apart. */
			double cached = fmin(fmax(ttl - (b - a - 1) * seconds, 0) / seconds, 1);
			double met = both - cached * fmin(in_a, in_b);
			if (b - a <= units / 4) {
				same_near += met;
				pairs_near += in_a * in_b;
			} else if (2 * (b - a) >= units) {
				same_far += met;
				pairs_far += in_a * in_b;
			}
		}
	}
	same_near = fmax(same_near, 0);
	same_far = fmax(same_far, 0);
	if (same_near + same_far <= 0 || pairs_near == 0 || pairs_far == 0)
		return;
	*ratio = same_near / pairs_near * pairs_far / (same_far > 0 ? same_far : 0.5);
	double e = pairs_near / (pairs_near + pairs_far), s = same_near / (same_near + same_far);
	if (s <= e)
		return;
	*evidence = same_near * log(s / e) + (same_far > 0 ? same_far * log((1 - s) / (1 - e)) : 0);
	/* One look for each quarter of the window that the domain is known for. */
	double looks = log((NOW - d.first) / (most * seconds / 4)), pearson = 0, n = 0;
	for (unsigned lag = 1; lag < units; lag++) {
		double met = 0, draws = 0, both[32] = {0}, of[32] = {0};
		if (lag > units / 4 && 2 * lag < units)
			continue;
		for (unsigned a = 0; a + lag < units; a++) {
			double in_a = 0, in_b = 0;
			for (unsigned i = 0; i < d.items; i++) {
				in_a += bits[i] >> a & 1;
				in_b += bits[i] >> (a + lag) & 1;
				both[a] += bits[i] >> a & bits[i] >> (a + lag) & 1;
			}
			of[a] = in_a * in_b;
			met += both[a];
			draws += of[a];
		}
		n -= met > 0;
		for (unsigned a = 0; a + lag < units && met > 0; a++) {
			if (of[a] <= 0)
				continue;
			pearson += pow(both[a] - met / draws * of[a], 2) / (met / draws * of[a]);
			n++;
		}
	}
	/* Every fourth item is of one network: add(). */
	double net[4][2] = {{0}}, by = 0, networks = 0;
	for (unsigned i = 0; i < d.items; i++)
		for (unsigned a = 0; a < units; a++)
			for (unsigned b = a + 1; b < units; b++)
				if (bits[i] >> a & bits[i] >> b & 1 &&
					(b - a <= units / 4 || 2 * (b - a) >= units))
					net[i % 4][2 * (b - a) >= units]++;
	double near_all = net[0][0] + net[1][0] + net[2][0] + net[3][0];
	double far_all = net[0][1] + net[1][1] + net[2][1] + net[3][1];
	double soon = near_all / (near_all + far_all);
	for (unsigned k = 0; k < 4 && near_all > 0 && far_all > 0; k++) {
		double of = net[k][0] + net[k][1];
		if (of <= 0)
			continue;
		by += pow(net[k][0] - soon * of, 2) / (of * soon * (1 - soon));
		networks++;
	}
	double crowd = fmax(n > 0 ? pearson / n : 1, networks > 1 ? by / (networks - 1) : 1);
	if (*evidence - looks >= 4)
		*evidence /= fmax(crowd, 1);
	*evidence = fmax(*evidence - looks, 0);
}

static void the_recapture_test_is_its_definition(void **state)
{
	unsigned told[2] = {0, 0};

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		uint64_t rng = seed;
		unsigned items = 1 + random_below(&rng, STORE_SAMPLE);
		unsigned density = 1 + random_below(&rng, 12), hours = 1 + random_below(&rng, 30);

		blank(2 * DAY);
		d.ttl_day[0] = random_below(&rng, 4) * 450;
		d.ttl_usual = ttl_to_steps(random_below(&rng, 900));
		for (unsigned i = 0; i < items; i++) {
			uint32_t bits = 0;
			unsigned from = random_below(&rng, hours),
				 life = 1 + random_below(&rng, 24);
			for (unsigned h = from; h < hours && h < from + life; h++)
				bits |= (uint32_t)(random_below(&rng, 12) < density) << h;
			add(i, i, 1 + i % 4, bits & 0xffff, bits);
		}
		for (unsigned slots = 0; slots < 2; slots++) {
			double ratio, evidence;

			d.first = NOW - (slots ? 3000 : 2 * DAY);
			open_model(slots, &ratio, &evidence);
			struct features f = features(slots ? WINDOW_1H : WINDOW_24H);
			near(f.open_ratio, ratio);
			near(f.open_evidence, evidence);
			told[slots] += evidence > 0;
		}
	}
	assert_true(told[0] > 100 && told[1] > 25);
}

/* Between two sightings a quarter of the window without: of all others it is the share. */
static void who_never_returns_is_told_by_the_gaps(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		uint64_t rng = seed;
		unsigned items = 1 + random_below(&rng, STORE_SAMPLE), returned = 0, units = 0;
		unsigned density = 1 + random_below(&rng, 8), hours = 1 + random_below(&rng, 24);
		uint32_t seen = 0;

		blank(2 * DAY);
		for (unsigned i = 0; i < items; i++) {
			uint32_t bits = UINT32_C(1) << random_below(&rng, hours);
			for (unsigned h = 0; h < hours; h++)
				bits |= (uint32_t)(random_below(&rng, 8) < density) << h;
			add(i, i, 1 + i, 0, bits);
			seen |= bits;
		}
		for (unsigned h = 0; h < 24; h++)
			units = seen >> h & 1 ? h + 1 : units;
		for (unsigned i = 0; i < items; i++) {
			unsigned gap = 0, widest = 0;
			bool before = false;
			for (unsigned h = 0; h < 24; h++) {
				if (d.item[i].hours >> h & 1) {
					widest = before && gap > widest ? gap : widest;
					before = true;
					gap = 0;
				} else {
					gap++;
				}
			}
			returned += widest >= (units >= 4 ? units / 4 : 1);
		}
		near(features(WINDOW_24H).never_return, 1 - (double)returned / items);
	}
}

/* Pools that take turns are in one network at a time, however many there are in an hour. */
static void networks_at_once_are_those_of_a_slot(void **state)
{
	(void)state;
	blank(2 * DAY);
	for (unsigned slot = 0; slot < 12; slot++)
		for (unsigned i = 0; i < 4; i++)
			add(slot / 3, slot * 4 + i, 1 + slot / 3, 1u << slot, 1);
	near(features(WINDOW_1H).networks, 4);
	near(features(WINDOW_1H).networks_at_once, 1);
	near(features(WINDOW_24H).networks_at_once, 0);
	/* One more in each of the three newest, of twelve. */
	add(40, 1, 40, 7, 1);
	near(features(WINDOW_1H).networks_at_once, 15.0 / 12);
}

/*
 * Seen by clients, a closed pool that is large: of each hour's three answers the one in the
 * cache at its end is the first of the next. Were that not taken off, it would be flux; and
 * were it the maximum that is taken for the TTL, one long answer would hide what is flux.
 */
static void what_a_cache_repeats_is_no_recapture(void **state)
{
	static const uint32_t ttl_max[] = {0, 1200, 1800}, usual[] = {0, 1200, 60};
	unsigned called[3] = {0};

	(void)state;
	for (unsigned told = 0; told < 3; told++) {
		for (uint64_t seed = 1; seed <= 100; seed++) {
			static uint32_t hours[3400];
			uint64_t rng = seed;
			unsigned last = 0;

			memset(hours, 0, sizeof(hours));
			for (unsigned h = 24; h-- > 0;) {
				hours[last] |= UINT32_C(1) << h;
				for (unsigned n = 0; n < 2; n++)
					hours[last = random_below(&rng, 3400)] |= UINT32_C(1) << h;
			}
			blank(DAY);
			d.ttl_day[0] = ttl_max[told];
			d.ttl_usual = ttl_to_steps(usual[told]);
			for (unsigned i = 0; i < 3400; i++)
				if (hours[i])
					add(i % 64, i, 1 + i, 0, hours[i]);
			called[told] += features(WINDOW_24H).open_evidence >= 6.9;
		}
	}
	assert_true(called[0] > 90 && called[1] == 0 && called[2] > 90);
}

/* The TTL that is usual moves by a step an epoch, and is never far from what it stands for. */
static void a_ttl_in_steps_is_near_itself(void **state)
{
	(void)state;
	for (uint32_t ttl = 0; ttl < 700000; ttl += 1 + ttl / 50) {
		uint32_t back = ttl_from_steps(ttl_to_steps(ttl));
		assert_true(back <= ttl && ttl - back <= 1 + ttl / 8);
		assert_int_equal(ttl_to_steps(back), ttl_to_steps(ttl));
	}
}

/* A pool of so many addresses, of which each hour shows a draw, in the sample's 64 at most. */
static void simulate(unsigned pool, unsigned draw, unsigned life, uint64_t *rng)
{
	uint32_t hours[1024] = {0};
	unsigned born = 0;

	for (unsigned h = 24; h-- > 0;) {
		/* A host lives for so many hours, if it is one that dies: the pool moves on. */
		if (life)
			born = (24 - h) * pool / life;
		assert_true(born + pool <= 1024);
		for (unsigned n = 0; n < draw; n++)
			hours[born + random_below(rng, pool)] |= UINT32_C(1) << h;
	}
	blank(2 * DAY);
	for (unsigned i = 0; i < 1024 && d.items < STORE_SAMPLE; i++)
		if (hours[i])
			add(i, i, 1 + i, 0, hours[i]);
}

static void closed_populations_are_not_called_open(void **state)
{
	static const struct {
		unsigned pool, draw;
	} cases[] = {{20, 4}, {40, 8}, {60, 20}, {60, 60}, {64, 3}, {12, 12}};
	double worst = 0;

	(void)state;
	for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		double sum = 0;

		for (uint64_t seed = 1; seed <= 200; seed++) {
			uint64_t rng = seed * 1000 + c;

			simulate(cases[c].pool, cases[c].draw, 0, &rng);
			struct features f = features(WINDOW_24H);
			sum += f.open_ratio;
			worst = f.open_evidence > worst ? f.open_evidence : worst;
		}
		assert_true(fabs(sum / 200 - 1) < 0.15);
	}
	/* 1,200 draws, and two days' looks taken off: a thousand to one may come up once. */
	assert_true(worst < 9);
}

static void populations_that_die_out_are_called_open(void **state)
{
	static const struct {
		unsigned pool, draw, life;
	} cases[] = {{8, 12, 4}, {8, 24, 6}, {6, 8, 3}, {10, 40, 4}};
	struct detect_config config;
	unsigned called = 0;

	(void)state;
	detect_defaults(&config);
	for (unsigned c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		for (uint64_t seed = 1; seed <= 50; seed++) {
			uint64_t rng = seed * 1000 + c;

			simulate(cases[c].pool, cases[c].draw, cases[c].life, &rng);
			struct features f = features(WINDOW_24H);
			called += f.open_ratio >= config.min_open_ratio &&
				  f.open_evidence >= config.min_open_evidence;
			assert_true(f.growth >= config.min_growth_24h);
		}
	}
	assert_int_equal(called, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_gives_nothing),
		cmocka_unit_test(networks_are_weighed_by_their_shares),
		cmocka_unit_test(households_are_told_with_their_uncertainty),
		cmocka_unit_test(an_unknown_network_is_its_prefix),
		cmocka_unit_test(shares_are_of_the_sample),
		cmocka_unit_test(a_window_holds_what_was_active_in_it),
		cmocka_unit_test(a_sample_is_scaled_up_by_its_threshold),
		cmocka_unit_test(a_fixed_pool_does_not_grow_and_flux_does),
		cmocka_unit_test(quarters_are_of_the_time_seen),
		cmocka_unit_test(novelty_is_what_the_second_half_brought),
		cmocka_unit_test(new_addresses_are_counted_by_fresh_epochs),
		cmocka_unit_test(name_servers_count_by_family),
		cmocka_unit_test(name_servers_that_come_and_go),
		cmocka_unit_test(a_name_is_as_new_as_its_first_answer),
		cmocka_unit_test(host_names_are_the_sketchs),
		cmocka_unit_test(the_recapture_test_is_its_definition),
		cmocka_unit_test(who_never_returns_is_told_by_the_gaps),
		cmocka_unit_test(networks_at_once_are_those_of_a_slot),
		cmocka_unit_test(what_a_cache_repeats_is_no_recapture),
		cmocka_unit_test(a_ttl_in_steps_is_near_itself),
		cmocka_unit_test(closed_populations_are_not_called_open),
		cmocka_unit_test(populations_that_die_out_are_called_open),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
