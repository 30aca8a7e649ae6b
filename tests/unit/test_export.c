/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * JSON of snapshots. With FLUXGATE_ANSWERS set to a directory, the
 * answers are also left there for check_schema.py.
 */

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "export/json.h"
#include "export/rfc3339.h"
#include "json_helpers.h"
#include "round_trip.h"
#include "sample_snapshot.h"

static const struct about about = {"0.1.0", "DPDK 22.11.11", "live", "mirror of uplink 1", 1};

static void domain_shape(void **state)
{
	(void)state;
	struct verdict v;

	sample_verdict(&v, 0);
	json_t *d = round_trip("flagged", export_domain(&v));
	keys_are(d, "domain class suspected score confidence model_probability first_flagged "
		    "first_seen last_seen "
		    "window addresses networks effective_networks countries own_addresses ttl_max "
		    "host_names "
		    "campaign activity allowed acknowledged reasons sample");
	assert_string_equal(text_at(d, "domain"), "flux-0000.example");
	assert_string_equal(text_at(d, "class"), "single_flux");
	assert_true(json_is_false(at(d, "suspected")));
	assert_string_equal(text_at(d, "first_flagged"), "2009-03-12T14:55:00Z");
	assert_string_equal(text_at(d, "window"), "1h");
	assert_int_equal(count_at(d, "addresses"), 42);
	assert_int_equal(count_at(d, "host_names"), 1);
	assert_float_equal(json_real_value(at(d, "effective_networks")), 9.877, 1e-12);
	assert_float_equal(json_real_value(at(d, "confidence")), 0.667, 1e-12);
	assert_float_equal(json_real_value(at(d, "model_probability")), 0.333, 1e-12);
	assert_string_equal(text_at(d, "campaign/id"), "00000000feedbeef");
	assert_int_equal(count_at(d, "campaign/domains"), 12);
	assert_int_equal(count_at(d, "activity/unit_seconds"), 300);
	assert_int_equal(json_array_size(at(d, "activity/addresses")), 3);
	assert_int_equal(json_integer_value(json_array_get(at(d, "activity/addresses"), 0)), 41);
	json_t *reason = json_array_get(at(d, "reasons"), 0);
	keys_are(reason, "code value threshold text");
	json_t *sample = json_array_get(at(d, "sample"), 0);
	keys_are(sample, "address asn country own first_seen last_seen");
	assert_string_equal(text_at(sample, "address"), "198.51.100.1");
	assert_string_equal(text_at(sample, "country"), "NL");
	assert_true(json_is_true(at(sample, "own")));
	assert_int_equal(count_at(sample, "asn"), 64500);
	sample = json_array_get(at(d, "sample"), 1);
	assert_string_equal(text_at(sample, "address"), "2001:db8:1:2::/64");
	assert_true(json_is_null(at(sample, "asn")));
	assert_true(json_is_null(at(sample, "country")));
	json_decref(d);
}

/* A database's country and a feature that is no number must not spoil the answer. */
static void domain_of_bad_values(void **state)
{
	(void)state;
	struct verdict v;

	sample_verdict(&v, 1);
	v.campaign.id = 0;
	v.sample[0].country[0] = (char)0xff;
	v.features.effective_networks = NAN;
	v.features.addresses = INFINITY;
	v.score = -0.0001;
	json_t *d = round_trip(NULL, export_domain(&v));
	assert_true(json_is_null(at(d, "campaign")));
	assert_true(json_is_null(at(json_array_get(at(d, "sample"), 0), "country")));
	assert_true(json_is_null(at(d, "effective_networks")));
	assert_true(json_is_null(at(d, "addresses")));
	assert_false(signbit(json_real_value(at(d, "score"))));
	json_decref(d);
}

/* Each octet, alone and in the middle of others, survives the way out and back. */
static void every_octet_in_names(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		struct verdict v;
		struct dns_name parsed;
		char text[DNS_TEXT_MAX];
		uint8_t octet = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
		uint8_t wire[] = {1, octet, 5, 'a', octet, '<', octet, 'z', 3, 'c', 'o', 'm', 0};

		sample_verdict(&v, 0);
		memcpy(v.name, wire, sizeof(wire));
		v.name_len = sizeof(wire);
		json_t *d = round_trip("flagged-octet", export_domain(&v));
		dns_name_text(wire, sizeof(wire), text, sizeof(text));
		assert_string_equal(text_at(d, "domain"), text);
		for (const char *p = text; *p; p++)
			assert_in_range(*p, 0x21, 0x7e);
		assert_int_equal(dns_name_parse(text_at(d, "domain"), &parsed), 0);
		assert_int_equal(parsed.len, sizeof(wire));
		assert_memory_equal(parsed.wire, wire, sizeof(wire));
		json_decref(d);
	}
}

static void counter_leaves(const json_t *tree, unsigned *leaves, uint64_t *sum)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)tree, key, value)
	{
		if (json_is_integer(value)) {
			(*leaves)++;
			*sum += (uint64_t)json_integer_value(value);
		} else if (json_is_object(value)) {
			counter_leaves(value, leaves, sum);
		}
	}
}

static void accounting_is_whole(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(0);
	const struct account *a = &s->account;
	json_t *t = round_trip("accounting", export_accounting(s));
	char path[128];
	unsigned leaves = 0;
	uint64_t sum = 0;

	keys_are(t, "port rx layers fragments datagrams tcp dns early_responses records table "
		    "verdict notes "
		    "accounting_error epochs_with_error worst_epoch_error");
	assert_int_equal(count_at(t, "rx/received"), a->received);
	assert_int_equal(count_at(t, "rx/octets"), a->octets);
	for (unsigned i = 0; i < WIRE_VERDICT_COUNT; i++) {
		snprintf(path, sizeof(path), "rx/%s/%s",
			wire_class_name(wire_verdict_class((enum wire_verdict)i)),
			wire_verdict_name((enum wire_verdict)i));
		assert_int_equal(count_at(t, path), a->rx[i]);
	}
	assert_int_equal(count_at(t, "layers/erspan"), a->layer[WIRE_LAYER_ERSPAN]);
	assert_int_equal(count_at(t, "fragments/taken"), account_fragments(a));
	assert_int_equal(count_at(t, "fragments/timed_out"), a->fragment[FRAGMENT_TIMED_OUT]);
	assert_int_equal(count_at(t, "fragments/held"), a->fragments_held);
	assert_int_equal(count_at(t, "datagrams/reassembled"), a->datagrams);
	assert_int_equal(count_at(t, "datagrams/tcp/dns_port"), a->whole[WIRE_TCP_DNS]);
	assert_null(at(t, "datagrams/truncated"));
	assert_null(at(t, "datagrams/ignored/segmented_mbuf"));
	assert_int_equal(count_at(t, "tcp/segments/duplicate"), a->segment[SEGMENT_DUPLICATE]);
	assert_int_equal(count_at(t, "tcp/octets/taken"), a->tcp_octets);
	assert_int_equal(count_at(t, "tcp/octets/framing"), a->tcp_octet[OCTET_FRAMING]);
	assert_int_equal(count_at(t, "tcp/octets/held"), a->tcp_octets_held);
	assert_int_equal(count_at(t, "tcp/messages"), a->tcp_messages);
	assert_int_equal(count_at(t, "dns/messages"), account_messages(a));
	assert_int_equal(count_at(t, "dns/queries/new"), a->query[QUERY_NEW]);
	assert_int_equal(
		count_at(t, "dns/responses/conflicting"), a->response[RESPONSE_CONFLICTING]);
	assert_int_equal(count_at(t, "dns/responses/without_evidence/public_suffix"),
		a->response[RESPONSE_SUFFIX]);
	assert_int_equal(count_at(t, "early_responses/taken"), a->early_responses);
	assert_int_equal(count_at(t, "early_responses/evicted"), a->early[EARLY_EVICTED]);
	assert_int_equal(count_at(t, "early_responses/held"), a->early_held);
	assert_int_equal(count_at(t, "dns/not_dns/short_header"), a->not_dns[NOT_DNS_SHORT]);
	assert_int_equal(count_at(t, "records/declared"), a->declared);
	assert_int_equal(count_at(t, "records/used"), a->record[RECORD_USED]);
	assert_int_equal(count_at(t, "records/unused/section"), a->record[RECORD_SECTION]);
	assert_int_equal(count_at(t, "table/shard/updates"), a->updates);
	assert_int_equal(count_at(t, "table/shard/denied/table_full"), a->table[TABLE_DENIED_FULL]);
	assert_int_equal(count_at(t, "table/store/waiting"), s->store.fate[STORE_WAITING]);
	assert_int_equal(count_at(t, "table/store/door_evicted"), s->store.door_evicted);
	assert_int_equal(count_at(t, "verdict/denied"), s->verdict_account.denied);
	assert_int_equal(count_at(t, "accounting_error"), 0);
	assert_int_equal(count_at(json_array_get(at(t, "port"), 0), "no_mbuf"), 14);
	assert_null(json_object_get(json_array_get(at(t, "port"), 0), "xdp"));
	assert_int_equal(count_at(json_array_get(at(t, "port"), 1), "xdp/pass_unconfigured"), 709);
	/*
	 * Each word once, but for what no datagram is, and beside them the sums "taken" and
	 * "messages", and the three errors, which are 0.
	 */
	const size_t words =
		(sizeof(s->account) + sizeof(s->store) + sizeof(s->verdict_account)) / 8;
	counter_leaves(t, &leaves, &sum);
	assert_int_equal(leaves, words - 2 + 5);
	assert_int_equal(sum, words * 1000 + words * (words - 1) / 2 + account_fragments(a) +
				      account_messages(a) - a->whole[WIRE_CUT] -
				      a->whole[WIRE_SEGMENTED]);
	json_decref(t);
	snapshot_put(s);
}

/* Both objects that hold it say the same: estimates of the epoch, frames since start. */
static void visibility_is_told(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(0);
	json_t *t = export_stats(s);
	json_t *v = round_trip("visibility", json_incref(at(t, "visibility")));

	keys_are(v, "flows encrypted_clients plain_clients encrypted_client_share frames");
	keys_are(at(v, "flows"), "dot doq doh");
	assert_int_equal(count_at(v, "flows/dot"), 1);
	assert_int_equal(count_at(v, "flows/doq"), 2);
	assert_int_equal(count_at(v, "flows/doh"), 4);
	assert_int_equal(count_at(v, "frames/dot"), s->account.rx[WIRE_DOT]);
	assert_int_equal(count_at(v, "frames/doq"), s->account.rx[WIRE_DOQ]);
	assert_int_equal(count_at(v, "frames/doh"), s->account.rx[WIRE_DOH]);
	assert_in_range(count_at(v, "encrypted_clients"), 12, 18);
	assert_in_range(count_at(v, "plain_clients"), 8, 12);
	double share = json_real_value(at(v, "encrypted_client_share"));
	assert_true(share > 0.6 && share < 0.9);
	json_decref(v);
	json_decref(t);

	/* No client at all is no share, and no division. */
	memset(&s->visibility, 0, sizeof(s->visibility));
	t = round_trip(NULL, export_stats(s));
	assert_float_equal(json_real_value(at(t, "visibility/encrypted_client_share")), 0, 1e-12);
	assert_int_equal(count_at(t, "visibility/flows/doh"), 0);
	json_decref(t);
	snapshot_put(s);
}

static json_t *page_of(const struct snapshot *s, const struct domains_query *q)
{
	json_t *page = NULL;

	assert_int_equal(export_domains(s, q, &page), 0);
	return page;
}

/* Pages hold each match once, in order; the last one has no cursor. */
static void pages_cover_all(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(250);
	struct domains_query q;
	char cursor[64];
	unsigned next = 0, pages = 0;

	domains_query_init(&q);
	q.class = FLUX_DOUBLE;
	q.limit = 40;
	for (;; pages++) {
		json_t *page = round_trip("domains", page_of(s, &q));
		json_t *d;
		size_t i;

		assert_int_equal(count_at(page, "schema_version"), EXPORT_SCHEMA_VERSION);
		assert_int_equal(count_at(page, "flagged"), 250);
		assert_int_equal(count_at(page, "matched"), 83);
		json_array_foreach(at(page, "domains"), i, d)
		{
			char name[64];
			snprintf(name, sizeof(name), "flux-%04u.example", 3 * next++ + 2);
			assert_string_equal(text_at(d, "domain"), name);
		}
		bool last = json_is_null(at(page, "next_cursor"));
		assert_int_equal(json_array_size(at(page, "domains")), last ? 3 : 40);
		if (!last)
			snprintf(cursor, sizeof(cursor), "%s", text_at(page, "next_cursor"));
		q.cursor = cursor;
		json_decref(page);
		if (last)
			break;
	}
	assert_int_equal(next, 83);
	assert_int_equal(pages, 2);
	snapshot_put(s);
}

static void filters_select(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(100);
	struct domains_query q;

	domains_query_init(&q);
	q.min_score = 95000;
	json_t *page = page_of(s, &q);
	assert_int_equal(count_at(page, "matched"), 51); /* 100.0 down to 95.0 */
	json_decref(page);
	domains_query_init(&q);
	q.own = 1;
	page = page_of(s, &q);
	assert_int_equal(count_at(page, "matched"), 0);
	json_decref(page);
	s->verdict[7].features.own_addresses = 2;
	page = page_of(s, &q);
	assert_int_equal(count_at(page, "matched"), 1);
	assert_int_equal(count_at(json_array_get(at(page, "domains"), 0), "own_addresses"), 2);
	json_decref(page);
	domains_query_init(&q);
	q.suspected = 1;
	q.window = WINDOW_24H;
	page = page_of(s, &q);
	assert_int_equal(count_at(page, "matched"), 10);
	json_decref(page);
	snapshot_put(s);
}

static void names_and_campaigns_select(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned matched;
	} names[] = {{"flux-00", 100}, {"flux-001", 10}, {"-0042.", 1}, {"*42.example", 1},
		{"*.example", 100}, {"*example.", 0}, {"*flux", 0}, {"nowhere", 0},
		{"*xflux-0042.example", 0}};
	struct snapshot *s = sample_snapshot(100);
	struct domains_query q;

	domains_query_init(&q);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(q.name, sizeof(q.name), "%s", names[i].name);
		json_t *page = page_of(s, &q);
		assert_int_equal(count_at(page, "matched"), names[i].matched);
		json_decref(page);
	}
	domains_query_init(&q);
	for (unsigned i = 0; i < 100; i++)
		s->verdict[i].campaign = (struct verdict_campaign){.id = 1 + i / 30, .domains = 30};
	q.campaign = 4;
	json_t *page = page_of(s, &q);
	assert_int_equal(count_at(page, "matched"), 10);
	json_decref(page);
	snapshot_put(s);
}

/* Each order over pages: largest first, equal ones as they were, every one once. */
static void orders_hold_over_pages(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(100);
	struct domains_query q;

	for (unsigned i = 0; i < 100; i++) {
		s->verdict[i].first_seen = 1000 + i * 37 % 50;
		s->verdict[i].last_seen = 5000 + i * 61 % 20;
		s->verdict[i].features.addresses = i * 13 % 10;
	}
	for (int sort = 0; sort < DOMAINS_SORT_COUNT; sort++) {
		char cursor[64] = "", before[64] = "";
		json_int_t last = 0;
		unsigned seen = 0;

		domains_query_init(&q);
		q.sort = (enum domains_sort)sort;
		while (seen < 100) {
			json_t *page, *d;
			size_t i;
			q.limit = 7 + seen % 3;
			page = page_of(s, &q);
			json_array_foreach(at(page, "domains"), i, d)
			{
				const char *name = text_at(d, "domain");
				unsigned n = (unsigned)atoi(name + strlen("flux-"));
				json_int_t key =
					sort == DOMAINS_BY_FIRST_SEEN  ? s->verdict[n].first_seen
					: sort == DOMAINS_BY_LAST_SEEN ? s->verdict[n].last_seen
					: sort == DOMAINS_BY_ADDRESSES
						? (json_int_t)s->verdict[n].features.addresses
						: 0;
				if (seen++ > 0)
					assert_true(key < last ||
						    (key == last && strcmp(name, before) > 0));
				last = key;
				snprintf(before, sizeof(before), "%s", name);
			}
			assert_true(json_array_size(at(page, "domains")) > 0);
			if (seen < 100)
				snprintf(
					cursor, sizeof(cursor), "%s", text_at(page, "next_cursor"));
			q.cursor = cursor;
			json_decref(page);
		}
		assert_int_equal(seen, 100);
	}
	snapshot_put(s);
}

static void cursors_are_checked(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(100);
	struct domains_query q;
	char cursor[64];
	json_t *none = NULL;

	domains_query_init(&q);
	q.limit = 10;
	json_t *page = page_of(s, &q);
	snprintf(cursor, sizeof(cursor), "%s", text_at(page, "next_cursor"));
	json_decref(page);

	static const char *const bad[] = {"", "0", "zz", "0000005a49b9", NULL};
	for (unsigned i = 0; bad[i]; i++) {
		q.cursor = bad[i];
		assert_int_equal(export_domains(s, &q, &none), -EINVAL);
	}
	q.cursor = cursor;
	cursor[39] = 'X';
	assert_int_equal(export_domains(s, &q, &none), -EINVAL);
	memcpy(cursor + 32, "ffffffff", 8);
	assert_int_equal(export_domains(s, &q, &none), -EINVAL);
	memcpy(cursor + 32, "0000000a", 8);
	/* Whatever decides which domains come in which order is part of it. */
	for (unsigned i = 0; i < 8; i++) {
		struct domains_query other = q;
		switch (i) {
		case 0:
			other.class = FLUX_SINGLE;
			break;
		case 1:
			other.window = WINDOW_1H;
			break;
		case 2:
			other.suspected = 0;
			break;
		case 3:
			other.own = 0;
			break;
		case 4:
			other.min_score = 1;
			break;
		case 5:
			other.campaign = 1;
			break;
		case 6:
			other.sort = DOMAINS_BY_ADDRESSES;
			break;
		case 7:
			strcpy(other.name, "flux");
			break;
		}
		assert_int_equal(export_domains(s, &other, &none), -EINVAL);
	}
	s->generation++;
	assert_int_equal(export_domains(s, &q, &none), -ESTALE);
	s->generation--;
	s->time++;
	assert_int_equal(export_domains(s, &q, &none), -ESTALE);
	s->time--;
	page = page_of(s, &q);
	json_decref(page);
	assert_null(none);
	snapshot_put(s);
}

static void replay_shape(void **state)
{
	(void)state;
	static const char *const files[] = {"a.pcap", "odd \"\n\xff.pcap"};
	const struct replay_capture capture = {
		files, 2, 1, 123456, 1236866000123456789u, 1236870299999999999u};
	const struct run_facts run = {2, 0.5, 123456, "h\xc3\xb6st"};
	struct snapshot *s = sample_snapshot(3);
	json_t *r = round_trip("replay", export_replay(s, &capture, &run, NULL));

	keys_are(r, "schema_version capture visibility accounting domains run");
	assert_string_equal(
		json_string_value(json_array_get(at(r, "capture/files"), 1)), "odd \"\n\\255.pcap");
	assert_string_equal(text_at(r, "capture/first_ts"), "2009-03-12T13:53:20.123456Z");
	assert_string_equal(text_at(r, "capture/last_ts"), "2009-03-12T15:04:59.999999Z");
	assert_int_equal(count_at(r, "capture/packets"), 123456);
	assert_int_equal(json_array_size(at(r, "domains")), 3);
	assert_int_equal(count_at(r, "run/packets_per_second"), 246912);
	assert_string_equal(text_at(r, "run/host"), "h\xc3\xb6st");
	assert_int_equal(count_at(r, "run/merges/count"), 91);
	assert_in_range(count_at(r, "run/merges/p50_microseconds"), 460, 474);
	assert_int_equal(count_at(r, "run/merges/p99_microseconds"), 20000);
	assert_int_equal(count_at(r, "run/merges/max_microseconds"), 20000);
	json_decref(r);

	/* The same data gives the same octets. */
	size_t len[2];
	char *text[2];
	for (unsigned i = 0; i < 2; i++)
		text[i] = export_text(export_replay(s, &capture, &run, NULL), &len[i]);
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(text[0], text[1], len[0]);
	free(text[0]);
	free(text[1]);
	snapshot_put(s);
}

static void a_tap_shows_both_directions_or_one(void **state)
{
	static const struct {
		struct pairing_status p;
		enum direction direction;
		const char *name;
	} cases[] = {
		{{0, 0, 0, 0}, DIRECTION_UNKNOWN, "unknown"},
		{{0, 15, 0, 15}, DIRECTION_UNKNOWN, "unknown"},
		{{0, 16, 0, 15}, DIRECTION_RESPONSES_ONLY, "responses_only"},
		{{99, 1600, 99, 0}, DIRECTION_RESPONSES_ONLY, "responses_only"},
		{{100, 1600, 99, 0}, DIRECTION_BOTH, "both"},
		{{1600, 100, 99, 0}, DIRECTION_BOTH, "both"},
		{{1600, 99, 99, 0}, DIRECTION_QUERIES_ONLY, "queries_only"},
		{{16, 0, 0, 0}, DIRECTION_QUERIES_ONLY, "queries_only"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(pairing_direction(&cases[i].p), cases[i].direction);
		assert_string_equal(direction_name(cases[i].direction), cases[i].name);
	}
}

static void other_answers(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(3);
	json_t *t = round_trip("status", export_status(&about, s, SAMPLE_TIME - 900, 905));

	assert_true(json_is_true(at(t, "ready")));
	assert_int_equal(count_at(t, "uptime_seconds"), 905);
	assert_int_equal(json_array_size(at(t, "degraded")), 2);
	assert_string_equal(
		json_string_value(json_array_get(at(t, "degraded"), 0)), "unpaired_ratio");
	assert_string_equal(text_at(t, "pairing/direction"), "both");
	assert_int_equal(count_at(t, "pairing/queries"), 4000);
	assert_int_equal(count_at(t, "pairing/responses"), 3900);
	assert_true(json_number_value(at(t, "pairing/paired_share")) == 0.75);
	assert_int_equal(json_array_size(at(t, "conditions")), 2);
	const json_t *condition = json_array_get(at(t, "conditions"), 1);
	assert_string_equal(text_at(condition, "name"), "no_asn_db");
	assert_string_equal(text_at(condition, "since"), "2009-03-12T14:50:00Z");
	assert_non_null(strstr(text_at(condition, "remedy"), "networks.asn_db"));
	const json_t *worker = json_array_get(at(t, "workers"), 0);
	assert_string_equal(text_at(worker, "state"), "running");
	assert_true(json_is_null(at(worker, "since")));
	worker = json_array_get(at(t, "workers"), 1);
	assert_int_equal(count_at(worker, "worker"), 1);
	assert_int_equal(count_at(worker, "lcore"), 2);
	assert_string_equal(text_at(worker, "state"), "hung");
	assert_string_equal(text_at(worker, "since"), "2009-03-12T15:04:20Z");
	assert_int_equal(count_at(worker, "epochs_behind"), 5);
	assert_int_equal(count_at(worker, "config_generation"), 2);
	assert_int_equal(count_at(t, "config/generation"), 3);
	assert_string_equal(text_at(t, "config/loaded_at"), "2009-03-12T15:04:00Z");
	assert_int_equal(count_at(t, "config/refused"), 2);
	assert_string_equal(text_at(t, "config/last_error"),
		"configuration: f.json: epoch_secnds: unknown key");
	assert_int_equal(json_array_size(at(t, "config/needs_restart")), 2);
	assert_string_equal(json_string_value(json_array_get(at(t, "config/needs_restart"), 1)),
		"store.domains");
	json_decref(t);
	t = round_trip("status-early", export_status(&about, NULL, SAMPLE_TIME, 0));
	assert_true(json_is_false(at(t, "ready")));
	assert_int_equal(json_array_size(at(t, "degraded")), 0);
	assert_true(json_is_null(at(t, "config")));
	json_decref(t);
	t = round_trip("stats", export_stats(s));
	assert_int_equal(count_at(json_array_get(at(t, "workers"), 1), "late"), 4);
	assert_int_equal(count_at(t, "accounting/dns/messages"), account_messages(&s->account));
	json_decref(t);
	t = round_trip("domain", export_domain_detail(s, &s->verdict[0]));
	assert_string_equal(text_at(t, "domain"), "flux-0000.example");
	assert_float_equal(json_real_value(at(t, "features/growth")), 0.3, 1e-15);
	/* All members of struct features but the window, which is a word of its own. */
	assert_int_equal(json_object_size(at(t, "features")),
		(offsetof(struct features, top_server) - offsetof(struct features, history)) /
			sizeof(double));
	/* No glue seen is not that there is none. */
	assert_true(json_is_null(at(t, "features/ns_addresses")));
	assert_true(json_is_null(at(t, "features/ns_networks")));
	assert_true(json_is_null(at(t, "features/glue_in_pool")));
	assert_true(json_is_null(at(t, "features/ns_transient")));
	assert_true(json_is_null(at(t, "features/ns_departures")));
	assert_true(json_is_null(at(t, "features/ns_server_share")));
	assert_true(json_is_real(at(t, "features/ns_names")));
	json_decref(t);
	s->verdict[0].features.ns_addresses = 2;
	t = round_trip("domain", export_domain_detail(s, &s->verdict[0]));
	assert_true(json_real_value(at(t, "features/ns_addresses")) == 2);
	assert_true(json_real_value(at(t, "features/glue_in_pool")) == 0);
	json_decref(t);
	t = round_trip("problem", export_problem(404, "Not Found", "Not flagged."));
	assert_int_equal(count_at(t, "status"), 404);
	json_decref(t);
	size_t len;
	assert_null(export_text(NULL, &len));
	snapshot_put(s);
}

static void times(void **state)
{
	(void)state;
	char text[RFC3339_MAX];

	rfc3339_seconds(UINT32_MAX, text);
	assert_string_equal(text, "2106-02-07T06:28:15Z");
	rfc3339_nanoseconds(1999, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000001Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domain_shape),
		cmocka_unit_test(domain_of_bad_values),
		cmocka_unit_test(every_octet_in_names),
		cmocka_unit_test(accounting_is_whole),
		cmocka_unit_test(visibility_is_told),
		cmocka_unit_test(pages_cover_all),
		cmocka_unit_test(filters_select),
		cmocka_unit_test(names_and_campaigns_select),
		cmocka_unit_test(orders_hold_over_pages),
		cmocka_unit_test(cursors_are_checked),
		cmocka_unit_test(replay_shape),
		cmocka_unit_test(a_tap_shows_both_directions_or_one),
		cmocka_unit_test(other_answers),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
