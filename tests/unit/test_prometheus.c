/* SPDX-License-Identifier: BSD-3-Clause */

/* The text of /metrics. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "export/counters.h"
#include "export/prometheus.h"
#include "sample_snapshot.h"

static const struct about about = {"0.1.0", "DPDK 22.11.11", "live", "mirror of uplink 1", 1};

/* Every counter of the tree is in the metrics too, with its value. */
static void metric_expect(void *ctx, const struct counter_family *family,
	const char *const keys[COUNTER_DEPTH], uint64_t value)
{
	const char *text = ctx;
	char line[256];
	int n;

	if (!family->metric)
		return;
	n = snprintf(line, sizeof(line), "\nfluxgate_%s", family->metric);
	for (unsigned i = 0; i < COUNTER_DEPTH && keys[i]; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%c%s=\"%s\"", i ? ',' : '{',
			family->label[i], keys[i]);
	snprintf(line + n, sizeof(line) - (size_t)n, "%s %llu\n", keys[0] ? "}" : "",
		(unsigned long long)value);
	if (!strstr(text, line))
		fail_msg("not in the metrics: %s", line + 1);
}

static void metrics_hold_all_counters(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(20);
	size_t len = 0;
	char *text = prometheus_text(&about, s, SAMPLE_TIME - 900, &len);

	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	counters_each(s, metric_expect, text);
	assert_non_null(strstr(text, "\nfluxgate_build_info{version=\"0.1.0\","));
	assert_non_null(
		strstr(text, "\nfluxgate_worker_frames_total{worker=\"1\",lcore=\"2\"} 501\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_port_missed_packets_total{port=\"net_af_packet0\"} 12\n"));
	assert_non_null(strstr(text,
		"\nfluxgate_port_xdp_frames_total{port=\"net_af_xdp0\",cause=\"redirect_dns_tcp\"}"
		" 701\n"));
	assert_null(strstr(text, "xdp_frames_total{port=\"net_af_packet0\""));
	assert_non_null(strstr(text, "\nfluxgate_degraded{reason=\"no_asn_db\"} 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_degraded{reason=\"nic_loss\"} 0\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_worker_epochs_behind{worker=\"1\",lcore=\"2\"} 5\n"));
	assert_non_null(strstr(text, "\nfluxgate_config_reloads_refused_total 2\n"));
	assert_non_null(strstr(text, "\nfluxgate_config_keys_waiting 2\n"));
	assert_non_null(strstr(
		text, "\nfluxgate_flagged_domains{class=\"double_flux\",suspected=\"true\"} 1\n"));
	assert_non_null(strstr(text, "\nfluxgate_visibility_flows{transport=\"doh\"} 4\n"));
	assert_non_null(strstr(text, "\nfluxgate_visibility_clients{dns=\"plain\"} "));
	assert_non_null(strstr(text, "\nfluxgate_visibility_encrypted_client_share 0."));
	assert_non_null(strstr(text, "\nfluxgate_merge_seconds 0.001234567\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_merge_duration_seconds_bucket{le=\"0.000128\"} 12\n"));
	assert_non_null(
		strstr(text, "\nfluxgate_merge_duration_seconds_bucket{le=\"0.016384\"} 90\n"));
	assert_non_null(strstr(text, "\nfluxgate_merge_duration_seconds_bucket{le=\"+Inf\"} 91\n"));
	assert_non_null(strstr(text, "\nfluxgate_merge_duration_seconds_sum 0.060950\n"));
	assert_non_null(strstr(text, "\nfluxgate_merge_duration_seconds_count 91\n"));
	assert_null(strstr(text, "flux-00")); /* no names of domains */
	free(text);
	snapshot_put(s);
}

/* Length of what a histogram's samples have behind the family's name. */
static size_t suffix_of(const char *text)
{
	static const char *const suffixes[] = {"_bucket{", "_sum ", "_count "};

	for (size_t i = 0; i < 3; i++)
		if (strncmp(text, suffixes[i], strlen(suffixes[i])) == 0)
			return strlen(suffixes[i]) - 1;
	fail_msg("no sample of a histogram: %s", text);
	return 0;
}

/* Format: one HELP and TYPE a family, its samples right behind them, counters end in _total. */
static void metrics_are_well_formed(void **state)
{
	(void)state;
	struct snapshot *s = sample_snapshot(3);
	char family[128] = "", seen[16384] = "", key[160];
	size_t len = 0;
	bool histogram = false;

	snprintf(s->port[0].name, sizeof(s->port[0].name), "a\"b\\c\nd\xff");
	char *text = prometheus_text(&about, s, SAMPLE_TIME, &len);
	assert_non_null(strstr(text, "{port=\"a\\\"b\\\\c?d?\"}"));
	for (char *save, *line = strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			snprintf(family, sizeof(family), "%.*s", (int)strcspn(line + 7, " "),
				line + 7);
			snprintf(key, sizeof(key), "|%s|", family);
			assert_null(strstr(seen, key));
			strcat(seen, key);
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			const char *type = strrchr(line, ' ') + 1;
			size_t n = strlen(family);
			bool total = n > 6 && strcmp(family + n - 6, "_total") == 0;
			assert_int_equal(strncmp(line + 7, family, n), 0);
			histogram = strcmp(type, "histogram") == 0;
			if (!histogram)
				assert_string_equal(type, total ? "counter" : "gauge");
		} else {
			char *end;
			size_t n = strlen(family);
			assert_int_equal(strncmp(line, family, n), 0);
			if (histogram)
				n += suffix_of(line + n);
			assert_true(line[n] == ' ' || line[n] == '{');
			strtod(strrchr(line, ' ') + 1, &end);
			assert_int_equal(*end, '\0');
		}
	}
	free(text);
	snapshot_put(s);
}

/* Before the first epoch there is the program to tell of, and nothing else. */
static void metrics_without_snapshot(void **state)
{
	(void)state;
	size_t len = 0;
	char *text = prometheus_text(&about, NULL, SAMPLE_TIME, &len);

	assert_non_null(strstr(text, "\nfluxgate_ready 0\n"));
	assert_null(strstr(text, "packets"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_hold_all_counters),
		cmocka_unit_test(metrics_are_well_formed),
		cmocka_unit_test(metrics_without_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
