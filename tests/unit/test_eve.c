/* SPDX-License-Identifier: BSD-3-Clause */

/* Events as EVE lines and as syslog messages: shapes, names that are hostile, verdicts that went.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "export/eve.h"
#include "export/json.h"
#include "json_helpers.h"
#include "round_trip.h"
#include "sample_snapshot.h"

static struct verdict verdict;
static struct verdict_event event;

static json_t *event_of(const struct verdict *v)
{
	static struct event_ring ring;

	events_init(&ring, 7000);
	events_add(&ring, EVENT_RAISED, v, SAMPLE_TIME);
	event = *events_at(&ring, 7000);
	return export_event_detail(&event, v);
}

static void a_line_has_its_shape(void **state)
{
	(void)state;
	sample_verdict(&verdict, 4);
	json_t *e = event_of(&verdict);
	json_t *line = round_trip("eve", export_eve(e, "sensor-1"));
	keys_are(line, "timestamp event_type host fastflux");
	assert_string_equal(text_at(line, "timestamp"), "2009-03-12T15:05:00.000000+0000");
	assert_string_equal(text_at(line, "event_type"), "fastflux");
	keys_are(at(line, "fastflux"),
		"sequence action registered_domain class suspected score confidence window "
		"addresses networks countries own_addresses campaign sample reasons");
	assert_string_equal(text_at(line, "fastflux/action"), "raised");
	assert_string_equal(text_at(line, "fastflux/registered_domain"), "flux-0004.example");
	assert_int_equal(count_at(line, "fastflux/sequence"), 7000);
	assert_int_equal(json_array_size(at(line, "fastflux/sample")), 2);
	assert_string_equal(json_string_value(json_array_get(at(line, "fastflux/reasons"), 0)),
		"12 networks, at least 5 asked for");
	json_decref(line);

	size_t len = 0;
	char *text = export_line(export_eve(e, "sensor-1"), "\n", &len);
	assert_int_equal(len, strlen(text));
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
	free(text);
	json_decref(e);
}

/* Of a verdict that went there is what the event holds. */
static void one_that_went_has_no_details(void **state)
{
	(void)state;
	sample_verdict(&verdict, 4);
	json_decref(event_of(&verdict));
	json_t *e = export_event_detail(&event, NULL);
	json_t *line = round_trip("eve-went", export_eve(e, "-"));
	assert_true(json_is_null(at(line, "fastflux/confidence")));
	assert_int_equal(json_array_size(at(line, "fastflux/sample")), 0);
	json_decref(line);
	json_decref(e);
}

/* A sample is cut, so that a line stays short. */
static void samples_are_cut(void **state)
{
	(void)state;
	sample_verdict(&verdict, 4);
	verdict.samples = VERDICT_SAMPLE_MAX;
	for (unsigned i = 0; i < VERDICT_SAMPLE_MAX; i++)
		verdict.sample[i] = verdict.sample[0];
	json_t *e = event_of(&verdict);
	assert_int_equal(json_array_size(at(e, "sample")), EXPORT_EVENT_SAMPLE);
	json_decref(e);
}

static struct verdict hostile(const uint8_t *label, uint8_t len)
{
	struct verdict v;

	sample_verdict(&v, 4);
	v.name[0] = len;
	memcpy(v.name + 1, label, len);
	memcpy(v.name + 1 + len, "\7example", 9);
	v.name_len = (uint8_t)(len + 10);
	return v;
}

static void syslog_has_its_shape(void **state)
{
	size_t len;

	(void)state;
	sample_verdict(&verdict, 3);
	json_t *e = event_of(&verdict);
	char *text = export_syslog(e, "sensor-1", 42, &len);
	assert_string_equal(text,
		"<28>1 2009-03-12T15:05:00Z sensor-1 fluxgate 42 raised [fastflux@32473"
		" action=\"raised\" sequence=\"7000\" domain=\"flux-0003.example\""
		" class=\"single_flux\" suspected=\"false\" score=\"99.700\" confidence=\"0.667\""
		" window=\"24h\" addresses=\"42\" networks=\"12\" countries=\"7\"]"
		" fast flux raised: flux-0003.example is single_flux, score 99.7");
	assert_int_equal(len, strlen(text));
	free(text);
	json_decref(e);

	/* What is suspected weighs less, and what goes least. */
	sample_verdict(&verdict, 4);
	e = event_of(&verdict);
	text = export_syslog(e, "sensor-1", 42, &len);
	assert_memory_equal(text, "<29>1 ", 6);
	free(text);
	json_decref(e);
	event.kind = EVENT_CLEARED;
	e = export_event_detail(&event, NULL);
	text = export_syslog(e, "sensor-1", 42, &len);
	assert_memory_equal(text, "<30>1 ", 6);
	assert_null(strstr(text, "confidence"));
	free(text);
	json_decref(e);
}

/* Where a parameter's value ends, by RFC 5424; NULL: nowhere. */
static const char *value_end(const char *p)
{
	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			return p;
		else if (*p == ']')
			return NULL;
	}
	return NULL;
}

/* Whatever octets a name has: one line, one element, printable, and the value is the name. */
static void hostile_names_stay_within_their_value(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t label[3] = {'a', (uint8_t)octet, ']'};
		struct verdict v = hostile(label, 3);
		json_t *e = event_of(&v);
		size_t len;
		char *text = export_syslog(e, "h", 1, &len);
		const char *value = strstr(text, "domain=\"") + strlen("domain=\"");
		const char *end = value_end(value);

		assert_non_null(end);
		assert_memory_equal(end, "\" class=", 8);
		for (size_t i = 0; i < len; i++)
			assert_in_range(text[i], ' ', '~');
		free(text);
		text = export_line(export_eve(e, "h"), "\n", &len);
		assert_ptr_equal(strchr(text, '\n'), text + len - 1);
		json_t *back = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_string_equal(
			text_at(back, "fastflux/registered_domain"), text_at(e, "domain"));
		json_decref(back);
		free(text);
		json_decref(e);
	}
}

/* No name has them unescaped, but a parser's other end may not know that. */
static void what_ends_a_value_is_escaped(void **state)
{
	size_t len;

	(void)state;
	json_t *e = json_pack("{s:s, s:s, s:s}", "event", "raised", "time", "2009-03-12T15:05:00Z",
		"domain", "a\"]\\\n\xc3\xa9");
	char *text = export_syslog(e, "h", 1, &len);
	assert_non_null(strstr(text, " domain=\"a\\\"\\]\\\\???\"]"));
	free(text);
	json_decref(e);
}

/* The lines that are asked for are those of the events that are held, with their verdicts. */
static void lines_of_a_snapshot(void **state)
{
	struct snapshot *s = sample_snapshot(3);
	size_t len = 0;
	unsigned lines = 0;

	(void)state;
	char *text = export_eve_lines(s, "h", &len);
	assert_non_null(text);
	for (char *p = text; *p; p = strchr(p, '\n') + 1, lines++) {
		json_t *line = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
		bool known = lines < 3;

		assert_non_null(line);
		assert_int_equal(json_is_null(at(line, "fastflux/confidence")), !known);
		json_decref(line);
	}
	assert_int_equal(lines, 2 * EVENT_KIND_COUNT);
	free(text);
	snapshot_put(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_shape),
		cmocka_unit_test(one_that_went_has_no_details),
		cmocka_unit_test(samples_are_cut),
		cmocka_unit_test(syslog_has_its_shape),
		cmocka_unit_test(hostile_names_stay_within_their_value),
		cmocka_unit_test(what_ends_a_value_is_escaped),
		cmocka_unit_test(lines_of_a_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
