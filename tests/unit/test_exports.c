/* SPDX-License-Identifier: BSD-3-Clause */

/* What is flagged in other programs' forms: stable ids, what moves when, names of any octets. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export/exports.h"
#include "export/rfc3339.h"
#include "round_trip.h"
#include "sample_snapshot.h"
#include "store_fixture.h"

#define VERDICTS 6u

static struct snapshot *sample;
static struct export_source from;

static int setup(void **state)
{
	(void)state;
	sample = sample_snapshot(VERDICTS);
	sample->state.loaded = 0;
	events_init(&sample->events, 1);
	from = (struct export_source){.snapshot = sample, .sensor = "sensor-1"};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snapshot_put(sample);
	return 0;
}

static json_t *parsed(char *text, size_t len)
{
	json_error_t error;

	assert_non_null(text);
	json_t *tree = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	assert_non_null(tree);
	free(text);
	return tree;
}

static json_t *stix(void)
{
	size_t len = 0;
	char *text = export_stix(&from, &len);

	return parsed(text, len);
}

static json_t *object_of(json_t *bundle, const char *name)
{
	json_t *object;
	size_t i;

	json_array_foreach(json_object_get(bundle, "objects"), i,
		object) if (strcmp(json_string_value(json_object_get(object, "name")), name) ==
			    0) return object;
	return NULL;
}

static const char *text_of(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

/* Computed by Python's uuid.uuid5 of the same namespace. */
static void uuids_are_version_5(void **state)
{
	char uuid[UUID_TEXT_MAX];

	(void)state;
	uuid_of("indicator", "flux-0000.example", uuid);
	assert_string_equal(uuid, "3f680724-1c5b-5745-a3c9-4d753528bb79");
}

static void a_bundle_holds_all(void **state)
{
	(void)state;
	json_t *bundle = round_trip("stix", stix());

	assert_int_equal(json_array_size(json_object_get(bundle, "objects")), 1 + VERDICTS);
	json_t *firm = object_of(bundle, "flux-0000.example");
	assert_string_equal(text_of(firm, "pattern"), "[domain-name:value = 'flux-0000.example']");
	assert_string_equal(text_of(firm, "created"), text_of(firm, "modified"));
	assert_int_equal(json_integer_value(json_object_get(firm, "confidence")), 85);
	json_t *suspected = object_of(bundle, "flux-0004.example");
	assert_int_equal(json_integer_value(json_object_get(suspected, "confidence")), 50);
	json_decref(bundle);
}

/* The same octets until an event of the verdict; then the time of that, and the same id. */
static void modified_follows_events(void **state)
{
	size_t len, again;

	(void)state;
	char *before = export_stix(&from, &len);
	sample->time += 500;
	sample->generation++;
	sample->verdict[0].evaluated += 500;
	sample->verdict[0].last_seen += 500;
	sample->verdict[0].score = 12;
	char *after = export_stix(&from, &again);
	assert_string_equal(before, after);
	free(before);
	free(after);
	events_add(&sample->events, EVENT_CHANGED, &sample->verdict[0], SAMPLE_TIME + 7);
	json_t *bundle = stix();
	json_t *one = object_of(bundle, "flux-0000.example");
	char time[RFC3339_MAX];
	rfc3339_seconds(SAMPLE_TIME + 7, time);
	assert_string_equal(text_of(one, "modified"), time);
	one = object_of(bundle, "flux-0001.example");
	assert_string_equal(text_of(one, "modified"), text_of(one, "created"));
	json_decref(bundle);
}

/* What was cleared is revoked, with the same id and creation, for a bounded time. */
static void what_went_is_revoked(void **state)
{
	struct verdict gone = sample->verdict[VERDICTS - 1];
	char id[64], created[32];

	(void)state;
	events_add(&sample->events, EVENT_RAISED, &gone, gone.first_flagged);
	json_t *bundle = stix();
	snprintf(id, sizeof(id), "%s", text_of(object_of(bundle, "flux-0005.example"), "id"));
	snprintf(created, sizeof(created), "%s",
		text_of(object_of(bundle, "flux-0005.example"), "created"));
	json_decref(bundle);
	sample->verdicts--;
	events_add(&sample->events, EVENT_CLEARED, &gone, SAMPLE_TIME);
	bundle = round_trip("stix-revoked", stix());
	json_t *one = object_of(bundle, "flux-0005.example");
	assert_non_null(one);
	assert_true(json_is_true(json_object_get(one, "revoked")));
	assert_string_equal(text_of(one, "id"), id);
	assert_string_equal(text_of(one, "created"), created);
	json_decref(bundle);
	sample->time = SAMPLE_TIME + REVOKED_SECONDS + 1;
	bundle = stix();
	assert_null(object_of(bundle, "flux-0005.example"));
	json_decref(bundle);
	/* Flagged anew it is an indicator as others, once. */
	sample->time = SAMPLE_TIME + 9;
	sample->verdicts++;
	bundle = stix();
	assert_int_equal(json_array_size(json_object_get(bundle, "objects")), 1 + VERDICTS);
	assert_true(
		json_is_false(json_object_get(object_of(bundle, "flux-0005.example"), "revoked")));
	json_decref(bundle);
}

static void a_feed_agrees_with_itself(void **state)
{
	size_t len = 0;
	char uuid[UUID_TEXT_MAX];

	(void)state;
	char *text = export_misp_event(&from, &len);
	json_t *event = round_trip("misp", parsed(text, len));
	json_t *inner = json_object_get(event, "Event"),
	       *list = json_object_get(inner, "Attribute");
	export_misp_uuid(&from, uuid);
	assert_string_equal(text_of(inner, "uuid"), uuid);
	assert_int_equal(json_array_size(list), VERDICTS);
	for (unsigned i = 0; i < VERDICTS; i++)
		assert_true(json_is_true(json_object_get(json_array_get(list, i), "to_ids")) ==
			    !sample->verdict[i].suspected);
	text = export_misp_manifest(&from, &len);
	json_t *manifest = parsed(text, len);
	assert_string_equal(
		text_of(json_object_get(manifest, uuid), "timestamp"), text_of(inner, "timestamp"));
	json_decref(manifest);
	json_decref(event);
	text = export_misp_hashes(&from, &len);
	/* md5sum of "flux-0000.example". */
	assert_memory_equal(text, "9cc2a8d0bfaf850b28978886d74fec43,", 33);
	free(text);
}

static uint32_t misp_time(json_t *of)
{
	return (uint32_t)strtoul(text_of(of, "timestamp"), NULL, 10);
}

static json_t *attribute_of(json_t *event, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(event, "Event"), "Attribute"), i,
		one) if (strcmp(text_of(one, "value"), name) == 0) return one;
	return NULL;
}

static json_t *misp(const char *kept)
{
	size_t len = 0;
	char *text = export_misp_event(&from, &len);

	return round_trip(kept, parsed(text, len));
}

/* Who reads a feed keeps what is just absent: what was cleared is there as deleted. */
static void what_went_is_deleted(void **state)
{
	struct verdict gone = sample->verdict[VERDICTS - 2];
	const char *name = "flux-0004.example";
	char uuid[UUID_TEXT_MAX];

	(void)state;
	json_t *event = misp(NULL);
	json_t *one = attribute_of(event, name);
	assert_true(json_is_false(json_object_get(one, "deleted")));
	snprintf(uuid, sizeof(uuid), "%s", text_of(one, "uuid"));
	json_decref(event);
	gone.suspected = false;
	sample->verdict[VERDICTS - 2] = sample->verdict[VERDICTS - 1];
	sample->verdicts--;
	sample->time = SAMPLE_TIME + 20;
	/* The event that raised it was of a run before. */
	events_add(&sample->events, EVENT_CLEARED, &gone, SAMPLE_TIME + 20);
	event = misp("misp-deleted");
	one = attribute_of(event, name);
	assert_non_null(one);
	assert_string_equal(text_of(one, "uuid"), uuid);
	assert_true(json_is_true(json_object_get(one, "deleted")));
	assert_true(json_is_false(json_object_get(one, "to_ids")));
	assert_int_equal(misp_time(one), SAMPLE_TIME + 20);
	assert_int_equal(misp_time(json_object_get(event, "Event")), SAMPLE_TIME + 20);
	json_decref(event);
	/* Flagged anew it is there once, and not as deleted. */
	sample->verdict[sample->verdicts++] = gone;
	events_add(&sample->events, EVENT_RAISED, &gone, SAMPLE_TIME + 40);
	event = misp(NULL);
	one = attribute_of(event, name);
	assert_true(json_is_false(json_object_get(one, "deleted")));
	assert_true(json_is_true(json_object_get(one, "to_ids")));
	assert_int_equal(misp_time(one), SAMPLE_TIME + 40);
	assert_int_equal(
		json_array_size(json_object_get(json_object_get(event, "Event"), "Attribute")),
		VERDICTS);
	json_decref(event);
	/* Nothing is flagged, and the clock was set back since. */
	sample->verdicts = 0;
	events_add(&sample->events, EVENT_EXPIRED, &gone, SAMPLE_TIME + 60);
	event = misp(NULL);
	assert_true(json_is_true(json_object_get(attribute_of(event, name), "deleted")));
	assert_string_equal(text_of(json_object_get(event, "Event"), "date"), "2009-03-12");
	json_decref(event);
	sample->time = SAMPLE_TIME + 60 + REVOKED_SECONDS + 1;
	event = misp(NULL);
	assert_null(attribute_of(event, name));
	json_decref(event);
}

/* How the first domain shows: the texts that say its protection, and the times that move with it.
 */
struct shown {
	bool to_ids;
	uint32_t attribute, event, manifest; /* times */
	char label[64], modified[RFC3339_MAX];
};

static struct shown first_shown(void)
{
	struct shown s = {0};
	char uuid[UUID_TEXT_MAX];
	size_t len = 0;

	char *text = export_misp_event(&from, &len);
	json_t *tree = parsed(text, len), *event = json_object_get(tree, "Event");
	json_t *first = json_array_get(json_object_get(event, "Attribute"), 0);
	s.to_ids = json_boolean_value(json_object_get(first, "to_ids"));
	s.attribute = misp_time(first);
	s.event = misp_time(event);
	json_decref(tree);
	export_misp_uuid(&from, uuid);
	text = export_misp_manifest(&from, &len);
	tree = parsed(text, len);
	s.manifest = misp_time(json_object_get(tree, uuid));
	json_decref(tree);
	tree = round_trip("stix-protected", stix());
	json_t *one = object_of(tree, "flux-0000.example");
	const char *label = json_string_value(json_array_get(json_object_get(one, "labels"), 2));
	snprintf(s.label, sizeof(s.label), "%s", label ? label : "");
	snprintf(s.modified, sizeof(s.modified), "%s", text_of(one, "modified"));
	json_decref(tree);
	return s;
}

static void assert_moved(const struct shown *to, const struct shown *of)
{
	assert_true(to->attribute > of->attribute);
	assert_true(to->event > of->event);
	assert_int_equal(to->event, to->manifest);
	assert_true(strcmp(to->modified, of->modified) > 0);
}

/* A picture in which the gate protects the first domain; who polls sees it come and go. */
static void what_is_protected_is_marked(void **state)
{
	struct gate_entry entry = {.reason = GATE_MIN_AGE,
		.protection_time = SAMPLE_TIME + 1,
		.name_len = sample->verdict[0].name_len};
	struct rpz_picture picture = {.n = 1, .entry = &entry};
	size_t len = 0;

	(void)state;
	memcpy(entry.name, sample->verdict[0].name, entry.name_len);
	from.picture = &picture;
	/* What only waits is not protected. */
	const struct shown before = first_shown();
	assert_true(before.to_ids);
	assert_string_equal(before.label, "");
	char *text = export_csv(&from, &len);
	assert_null(strstr(text, "min_age"));
	free(text);
	entry.reason = GATE_ALLOWED;
	entry.protection_time++;
	const struct shown during = first_shown();
	assert_false(during.to_ids);
	assert_string_equal(during.label, "protected:allowed");
	assert_moved(&during, &before);
	text = export_csv(&from, &len);
	assert_non_null(strstr(text, ",\"allowed\",\"networks\"\r\n"));
	free(text);
	entry.reason = GATE_MIN_AGE;
	entry.protection_time++;
	const struct shown after = first_shown();
	assert_true(after.to_ids);
	assert_moved(&after, &during);
}

/* Until the gate has judged it a name is nothing to act upon; then who polls sees it move. */
static void what_is_not_judged_counts_as_protected(void **state)
{
	struct gate gate;
	const struct gate_config config = {.min_age = 600};
	const struct verdict *v = &sample->verdict[0];
	const struct gate_candidate candidate = {v->name, v->name_len, false};
	static const char suffixes[] = "example\n";
	struct psl_error error;
	size_t size = psl_size(suffixes, strlen(suffixes));
	const struct gate_guards guards = {
		.psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &error)};
	struct rpz_picture picture = {0};

	(void)state;
	sample->verdicts = 1;
	from.picture = &picture;
	const struct shown before = first_shown();
	assert_false(before.to_ids);
	assert_string_equal(before.label, "protected:" EXPORT_UNJUDGED);
	/* By the snapshot that raised it. */
	gate_init(&gate);
	assert_int_equal(gate_step(&gate, &config, &guards, &candidate, 1, v->first_flagged), 0);
	picture.entry = gate.entry;
	picture.n = gate.n;
	const struct shown after = first_shown();
	assert_true(after.to_ids);
	assert_string_equal(after.label, "");
	assert_moved(&after, &before);
	gate_free(&gate);
	free((void *)guards.psl);
}

static void passive_dns_is_a_line_an_address(void **state)
{
	size_t len = 0;

	(void)state;
	char *text = export_cof(&from, &len), *newline = strchr(text, '\n');
	*newline = '\0';
	assert_string_equal(text,
		"{\"rrname\":\"flux-0000.example\",\"rrtype\":\"A\",\"rdata\":\"198.51.100.1\","
		"\"time_first\":1236870000,\"time_last\":1236870295,\"count\":1,"
		"\"sensor_id\":\"sensor-1\"}");
	/* The /64 of the sample is no address. */
	assert_null(strstr(newline + 1, "AAAA"));
	free(text);
}

/* Names of any octets: no cell is a formula, no line is broken, every form still parses. */
static void hostile_names_do_no_harm(void **state)
{
	static const char *const starts = "=+-@\t\r\n\"',;\\<{";

	(void)state;
	for (const char *c = starts; *c; c++) {
		uint8_t wire[] = {4, (uint8_t)*c, '1', '\'', '"', 3, 'c', 'o', 'm', 0};
		size_t len = 0;

		memcpy(sample->verdict[0].name, wire, sizeof(wire));
		sample->verdict[0].name_len = sizeof(wire);
		char *text = export_csv(&from, &len), *line = strstr(text, "\r\n") + 2;
		assert_int_equal(line[0], '"');
		assert_null(strchr("=+-@\t\r", line[1]));
		unsigned lines = 0;
		for (char *at = text; (at = strchr(at, '\n')); at++)
			lines++;
		assert_int_equal(lines, 1 + VERDICTS);
		free(text);
		json_decref(round_trip("stix-hostile", stix()));
		text = export_misp_event(&from, &len);
		json_decref(round_trip("misp-hostile", parsed(text, len)));
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(uuids_are_version_5),
		CASE(a_bundle_holds_all),
		CASE(modified_follows_events),
		CASE(what_went_is_revoked),
		CASE(a_feed_agrees_with_itself),
		CASE(what_went_is_deleted),
		CASE(what_is_protected_is_marked),
		CASE(what_is_not_judged_counts_as_protected),
		CASE(passive_dns_is_a_line_an_address),
		CASE(hostile_names_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
