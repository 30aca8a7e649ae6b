/* SPDX-License-Identifier: BSD-3-Clause */

/* The blocking feed with its thread and its files, over restarts. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/file.h"
#include "export/rpz.h"
#include "export/zone.h"
#include "round_trip.h"
#include "sample_snapshot.h"
#include "store_fixture.h"

#define VERDICTS 10u

static const char suffixes[] = "example\n";
static struct psl *psl;
static struct config config;
static struct snapshot_board *board;
static _Atomic uint32_t degraded;
static struct rpz *rpz;
static char folder[64];
static char err[ERROR_LINE_MAX];

static int start(void)
{
	return rpz_start(&rpz,
		&(struct rpz_options){
			.config = &config, .psl = psl, .board = board, .degraded = &degraded},
		err);
}

static void stop(void)
{
	rpz_stop(rpz);
	rpz = NULL;
}

static int setup(void **state)
{
	struct psl_error error;
	size_t size = psl_size(suffixes, strlen(suffixes));

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/fluxgate-test-rpz.XXXXXX");
	psl = psl_init(test_memory(size), size, suffixes, strlen(suffixes), &error);
	board = snapshot_board_new();
	config_defaults(&config);
	if (!psl || !board || !mkdtemp(folder))
		return -1;
	snprintf(config.rpz.file, sizeof(config.rpz.file), "%s/zone", folder);
	config.rpz.mode = RPZ_BLOCK;
	config.rpz.min_age_seconds = 0;
	config.rpz.warmup_seconds = 0;
	atomic_store(&degraded, 0);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	stop();
	snapshot_board_free(board);
	free(psl);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void publish(unsigned verdicts, uint32_t generation)
{
	struct snapshot *s = sample_snapshot(verdicts);

	s->generation = generation;
	s->time += generation;
	snapshot_publish(board, s);
}

/* The picture made from that snapshot. */
static const struct rpz_picture *picture_of(uint32_t generation)
{
	for (unsigned i = 0; i < 3000; i++) {
		const struct rpz_picture *p = rpz_get(rpz);

		if (p->time == SAMPLE_TIME + generation)
			return p;
		rpz_put(p);
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	fail_msg("snapshot %u was not judged", generation);
	return NULL;
}

static uint32_t serial_of(uint32_t generation)
{
	const struct rpz_picture *p = picture_of(generation);
	uint32_t serial = p->serial;

	rpz_put(p);
	return serial;
}

static char *file_text(const char *suffix, size_t *len)
{
	char path[128], *text;

	snprintf(path, sizeof(path), "%s/zone%s", folder, suffix);
	text = file_read(path, 1 << 20, len);
	assert_non_null(text);
	text = realloc(text, *len + 1);
	text[*len] = '\0';
	return text;
}

static void assert_file_is(const struct rpz_picture *p)
{
	size_t len;
	char *text = file_text("", &len);

	assert_int_equal(len, p->zone_octets);
	assert_string_equal(text, p->zone);
	assert_int_equal(zone_serial(text), p->serial);
	free(text);
}

static void the_zone_follows_what_is_flagged(void **state)
{
	uint32_t serial;

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	const struct rpz_picture *p = rpz_get(rpz);
	assert_file_is(p);
	assert_null(strstr(p->zone, "CNAME"));
	serial = p->serial;
	rpz_put(p);
	publish(VERDICTS, 1);
	p = picture_of(1);
	assert_file_is(p);
	assert_true(p->serial > serial);
	serial = p->serial;
	/* Each fifth is suspected only. */
	assert_int_equal(p->listed, VERDICTS - 2);
	assert_non_null(
		strstr(p->zone, "\nflux-0003.example CNAME .\n*.flux-0003.example CNAME .\n"));
	assert_null(strstr(p->zone, "flux-0004"));
	json_t *report = round_trip("blocking", export_blocking(p));
	assert_int_equal(json_array_size(json_object_get(report, "domains")), VERDICTS);
	json_t *first = json_array_get(json_object_get(report, "domains"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "reason")),
		gate_reason_name((enum gate_reason)p->entry[0].reason));
	json_decref(report);
	rpz_put(p);
	publish(VERDICTS, 2);
	assert_int_equal(serial_of(2), serial);
	publish(VERDICTS - 1, 3);
	/* What was suspected only was not in. */
	assert_int_equal(serial_of(3), serial);
	publish(1, 4);
	assert_true(serial_of(4) > serial);
}

/* Stopped at any time, it takes up where it was: same content, same serial. */
static void restarts_keep_the_serial(void **state)
{
	uint32_t serial;
	size_t len;

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(VERDICTS, 1);
	serial = serial_of(1);
	stop();
	assert_int_equal(start(), EXIT_CODE_OK);
	assert_int_equal(serial_of(1), serial);
	stop();
	/* Ended between the two files: the state is ahead of the zone. */
	char *zone = file_text("", &len), path[128];
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(2, 2);
	uint32_t next = serial_of(2);
	assert_true(next > serial);
	stop();
	snprintf(path, sizeof(path), "%s/zone", folder);
	assert_int_equal(file_replace(path, zone, len, 0644), 0);
	free(zone);
	assert_int_equal(start(), EXIT_CODE_OK);
	const struct rpz_picture *p = picture_of(2);
	assert_true(p->serial > next);
	assert_file_is(p);
	rpz_put(p);
}

/* As when the clock was set back a day while it was off. */
static void a_clock_set_back_does_not_lower_the_serial(void **state)
{
	static const char later[] = "{\"schema_version\":1,\"serial\":2000000000,"
				    "\"watching_since\":0,\"frozen_since\":0,\"frozen_at\":0,"
				    "\"additions\":[],\"entries\":[]}";
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/zone.state", folder);
	assert_int_equal(file_replace(path, later, strlen(later), 0600), 0);
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(VERDICTS, 1);
	assert_int_equal(serial_of(1), 2000000002u);
}

static void a_state_that_is_none_blocks_nobody(void **state)
{
	char path[128];
	uint32_t serial;

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(VERDICTS, 1);
	serial = serial_of(1);
	stop();
	snprintf(path, sizeof(path), "%s/zone.state", folder);
	assert_int_equal(file_replace(path, "{", 1, 0600), 0);
	struct snapshot_board *before = board;
	board = snapshot_board_new();
	assert_int_equal(start(), EXIT_CODE_OK);
	const struct rpz_picture *p = rpz_get(rpz);
	assert_null(strstr(p->zone, "CNAME"));
	/* The zone's own serial is known. */
	assert_true(p->serial > serial);
	rpz_put(p);
	snapshot_board_free(before);
}

static void what_cannot_be_written_is_said(void **state)
{
	char path[128];

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(VERDICTS, 1);
	rpz_put(picture_of(1));
	assert_int_equal(atomic_load(&degraded), 0);
	/* A folder where the temporary file is to be. */
	snprintf(path, sizeof(path), "%s/zone.tmp", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	publish(1, 2);
	const struct rpz_picture *p = picture_of(2);
	assert_non_null(strstr(p->error, "/zone: "));
	rpz_put(p);
	assert_int_equal(atomic_load(&degraded), 1u << DEGRADED_EXPORT_LAG);
	/* With the next snapshot it tries again. */
	assert_int_equal(rmdir(path), 0);
	publish(1, 3);
	p = picture_of(3);
	assert_string_equal(p->error, "");
	assert_file_is(p);
	rpz_put(p);
	assert_int_equal(atomic_load(&degraded), 0);
	stop();
	snprintf(config.rpz.file, sizeof(config.rpz.file), "%s/no/zone", folder);
	assert_int_equal(start(), EXIT_CODE_STATE);
	assert_non_null(strstr(err, "/no/zone.lock: No such file or directory"));
}

static void refused_with(const char *words)
{
	assert_int_equal(start(), EXIT_CODE_STATE);
	assert_non_null(strstr(err, words));
}

/* What somebody else keeps under that name is left as it is. */
static void a_file_of_others_is_left_alone(void **state)
{
	static const char *const others[] = {
		"bad.example CNAME .\n",
		"SQLite format 3\0\n@ SOA localhost. root.localhost. 7 ",
		"$ORIGIN rpz.\n@ SOA ns.rpz. root.rpz. 7 60 60 60 60\n@ NS ns.rpz.\n",
	};
	static const size_t octets[] = {20, 53, 63};
	char path[128], *text;
	size_t len;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/zone", folder);
		assert_int_equal(file_replace(path, others[i], octets[i], 0600), 0);
		refused_with("/zone: no zone of ours: name another file, or move it away");
		text = file_text("", &len);
		assert_int_equal(len, octets[i]);
		assert_memory_equal(text, others[i], len);
		free(text);
	}
	assert_int_equal(unlink(path), 0);
	/* Nor is there a zone of ours beside this. */
	strcat(path, ".state");
	assert_int_equal(file_replace(path, "[1]\n", 4, 0600), 0);
	refused_with("/zone.state: no state of ours: name another file, or move it away");
	text = file_text(".state", &len);
	assert_string_equal(text, "[1]\n");
	free(text);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	refused_with("/zone.state: Is a directory: name another file");
	assert_int_equal(rmdir(path), 0);
	/* Empty ones hold nothing. */
	assert_int_equal(file_replace(path, "", 0, 0600), 0);
	snprintf(path, sizeof(path), "%s/zone", folder);
	assert_int_equal(file_replace(path, "", 0, 0600), 0);
	assert_int_equal(start(), EXIT_CODE_OK);
	const struct rpz_picture *p = rpz_get(rpz);
	assert_file_is(p);
	rpz_put(p);
}

static void one_sensor_keeps_a_zone(void **state)
{
	struct rpz *first;

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	first = rpz;
	refused_with("/zone: another sensor keeps its zone there: give each a path of its own");
	rpz = first;
	stop();
	assert_int_equal(start(), EXIT_CODE_OK);
}

/* A full disk for the state keeps no name blocked; what it adds waits. */
static void what_leaves_does_not_wait_for_the_state(void **state)
{
	char path[128], error[128];
	size_t len;

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(3, 1);
	rpz_put(picture_of(1));
	snprintf(path, sizeof(path), "%s/zone.state.tmp", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	publish(2, 2);
	const struct rpz_picture *p = picture_of(2);
	snprintf(error, sizeof(error), "%.127s", p->error);
	assert_non_null(strstr(error, "/zone.state: "));
	assert_null(strstr(p->zone, "flux-0002"));
	assert_file_is(p);
	uint32_t serial = p->serial;
	rpz_put(p);
	publish(4, 3);
	rpz_put(picture_of(3));
	char *text = file_text("", &len);
	assert_null(strstr(text, "flux-0003"));
	free(text);
	stop();
	/* Nor does another content get that serial after a start. */
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(start(), EXIT_CODE_OK);
	p = picture_of(3);
	assert_true(p->serial > serial);
	assert_file_is(p);
	rpz_put(p);
}

/* Resolvers run as users of their own, services with a umask. */
static void the_zone_is_for_others_to_read(void **state)
{
	mode_t before = umask(027);
	char path[128];
	struct stat s;

	(void)state;
	assert_int_equal(start(), EXIT_CODE_OK);
	umask(before);
	snprintf(path, sizeof(path), "%s/zone", folder);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0644);
	strcat(path, ".state");
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
}

static void a_reload_changes_mode_and_guards(void **state)
{
	struct rpz_guards *guards;

	(void)state;
	config.rpz.mode = RPZ_LOG;
	assert_int_equal(start(), EXIT_CODE_OK);
	publish(VERDICTS, 1);
	const struct rpz_picture *p = picture_of(1);
	assert_int_equal(p->listed, VERDICTS - 2);
	assert_null(strstr(p->zone, "CNAME"));
	rpz_put(p);
	config.rpz.mode = RPZ_BLOCK;
	config.rpz.own_zones_count = 1;
	strcpy(config.rpz.own_zones[0], "flux-0000.example");
	snprintf(config.rpz.top_list, sizeof(config.rpz.top_list), "%s/top", folder);
	assert_int_equal(
		file_replace(config.rpz.top_list, "1,www.flux-0002.example\n", 24, 0600), 0);
	/* A zone's name takes a restart: what the guards were read with is not that of the zone. */
	memset(config.rpz.zone, 'a', 60);
	for (unsigned i = 1; i < 4; i++)
		memcpy(config.rpz.zone + 61 * i, config.rpz.zone, 60);
	for (unsigned i = 1; i < 4; i++)
		config.rpz.zone[61 * i - 1] = '.';
	config.rpz.zone[243] = '\0';
	assert_int_equal(rpz_guards_load(&guards, &config, psl, err), 0);
	strcpy(config.rpz.zone, "rpz.fluxgate");
	rpz_reload(rpz, &config, guards);
	publish(VERDICTS, 2);
	p = picture_of(2);
	/* The thread may have seen the snapshot before the reload, but not both after it. */
	while (p->mode != RPZ_BLOCK) {
		rpz_put(p);
		p = picture_of(2);
	}
	assert_int_equal(p->listed, VERDICTS - 4);
	assert_null(strstr(p->zone, "flux-0000"));
	assert_null(strstr(p->zone, "flux-0002"));
	assert_non_null(strstr(p->zone, "flux-0001.example CNAME"));
	rpz_put(p);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_zone_follows_what_is_flagged),
		CASE(restarts_keep_the_serial),
		CASE(a_clock_set_back_does_not_lower_the_serial),
		CASE(a_state_that_is_none_blocks_nobody),
		CASE(what_cannot_be_written_is_said),
		CASE(a_file_of_others_is_left_alone),
		CASE(one_sensor_keeps_a_zone),
		CASE(what_leaves_does_not_wait_for_the_state),
		CASE(the_zone_is_for_others_to_read),
		CASE(a_reload_changes_mode_and_guards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
