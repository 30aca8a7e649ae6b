/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * The files of a saved state and who writes them: what a start finds after a kill at any
 * moment, after damage, with a full disk, another sensor or a clock that was set
 * back; and that a state is of one moment.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "state/state.h"
#include "store/store_internal.h"
#include "tests/unit/random.h"
#include "tests/unit/store_fixture.h"

#define NOW 1800000000u
#define NAMES 3000u

static char folder[64], path[128];

/* One sensor's part of it. */
struct sensor {
	struct state state;
	struct state_tables tables;
};

/* That of one writer after the other. */
static void *buffer;

static void folder_make(void)
{
	/* In memory where that can be: a kill takes from the kernel nothing that was written. */
	snprintf(folder, sizeof(folder), "%s/fluxgate-state.XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state", folder);
}

static const char *file(const char *suffix)
{
	static char name[160];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	return name;
}

static bool there(const char *suffix)
{
	return access(file(suffix), F_OK) == 0;
}

static void folder_remove(void)
{
	static const char *const all[] = {"", ".1", ".tmp", ".lock", ".refused", ".1.refused"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		unlink(file(all[i]));
	rmdir(folder);
}

static void sensor_stop(struct sensor *s)
{
	writer_stop(&s->state.writer);
	state_close(&s->state);
	free(s->tables.store_memory);
	free(s->tables.detector_memory);
	memset(s, 0, sizeof(*s));
}

/* Up to where it would take packets. */
static int sensor_start(struct sensor *s, uint32_t now)
{
	char err[ERROR_LINE_MAX] = "";
	int rc = state_open(&s->state, path, err);

	memset(&s->tables, 0, sizeof(s->tables));
	if (rc < 0)
		return rc;
	s->tables = (struct state_tables){
		.store_config = {.door_log2 = 12, .candidates_log2 = 13, .domains = 512},
		.verdicts = 64,
		.placement = {now, 2},
		.sketch = {now * 3, 4}};
	detect_defaults(&s->tables.detect);
	s->tables.store_memory = test_memory(store_size(&s->tables.store_config));
	s->tables.detector_memory = test_memory(detector_size(64));
	if (!buffer)
		buffer = malloc(writer_octets());
	state_restore(&s->state, &s->tables, now, buffer);
	return state_start(&s->state, &s->tables, buffer, err);
}

/* All candidates say the same number, so that a mixture of two moments is seen. */
static void store_mark(struct store *st, uint32_t number)
{
	store_restore_begin(st, NOW + number, NOW);
	for (uint32_t i = 0; i < NAMES; i++) {
		uint64_t key = hash_u64(i, test_sketch) | 1;
		struct candidate *c = candidate_find(st, key);

		if (!c)
			c = candidate_insert(st, key);
		*c = (struct candidate){.key = key,
			.unit = {number, number + 1, number + 2},
			.units = 3,
			.first = NOW,
			.last = NOW};
	}
}

/* That number; fails where they differ. */
static uint32_t store_number(const struct store *st)
{
	uint32_t number = store_now(st) - NOW;

	for (uint32_t i = 0; i < NAMES; i++) {
		const struct candidate *c = candidate_find(st, hash_u64(i, test_sketch) | 1);
		assert_non_null(c);
		assert_int_equal(c->unit[0], number);
	}
	return number;
}

/* Steps until the save is through. */
static void save(struct sensor *s)
{
	uint64_t before = s->state.report.saves + s->state.report.failures;

	s->state.begun = 0;
	state_step(&s->state, true, 1);
	while (s->state.report.saves + s->state.report.failures == before) {
		state_step(&s->state, false, 1000);
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
}

static void saved_with(struct sensor *s, uint32_t number)
{
	store_mark(s->tables.store, number);
	save(s);
	assert_string_equal(s->state.report.error, "");
}

static void flip(const char *suffix, long at)
{
	FILE *f = fopen(file(suffix), "r+b");

	assert_non_null(f);
	fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
	int c = fgetc(f);
	fseek(f, -1, SEEK_CUR);
	fputc(c ^ 1, f);
	fclose(f);
}

/* Two states, 7 and then 8, of a sensor that is gone. */
static void two_states(void)
{
	struct sensor s;

	folder_make();
	assert_int_equal(sensor_start(&s, NOW), 0);
	assert_int_equal(s.state.report.load, STATE_LOAD_NONE);
	saved_with(&s, 7);
	assert_false(there(".1"));
	saved_with(&s, 8);
	assert_true(there(".1"));
	assert_false(there(".tmp"));
	sensor_stop(&s);
}

static void newest_is_loaded(void **state)
{
	struct sensor s;
	struct stat st;
	(void)state;

	two_states();
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(s.state.report.load, STATE_LOAD_NEWEST);
	assert_int_equal(store_number(s.tables.store), 8);
	assert_int_equal(s.state.report.loaded, NOW + 8);
	assert_int_equal(s.state.report.octets, st.st_size);
	/* Other keys were offered; that of the sketches is the state's. */
	assert_int_equal(s.tables.sketch.a, NOW * 3);
	assert_int_equal(store_sketch_key(s.tables.store).a, NOW * 3);
	assert_string_equal(s.state.report.refusal, "");
	sensor_stop(&s);
	folder_remove();
}

static void damaged_newest_gives_way(void **state)
{
	struct sensor s;
	(void)state;

	two_states();
	flip("", 5000);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(s.state.report.load, STATE_LOAD_PREVIOUS);
	assert_int_equal(store_number(s.tables.store), 7);
	assert_non_null(strstr(s.state.report.refusal, path));
	assert_non_null(strstr(s.state.report.refusal, "kept as state.refused"));
	assert_true(there(".refused"));
	/* The good one is not pushed out by what was damaged. */
	saved_with(&s, 9);
	sensor_stop(&s);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(store_number(s.tables.store), 9);
	sensor_stop(&s);
	unlink(path);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(s.state.report.load, STATE_LOAD_PREVIOUS);
	assert_int_equal(store_number(s.tables.store), 7);
	sensor_stop(&s);
	folder_remove();
}

static void nothing_usable_starts_empty(void **state)
{
	struct sensor s;
	(void)state;

	two_states();
	flip("", 70);
	assert_int_equal(truncate(file(".1"), 4000), 0);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(s.state.report.load, STATE_LOAD_REFUSED);
	assert_int_equal(store_account(s.tables.store)->live, 0);
	assert_int_equal(s.tables.sketch.a, (NOW + 20) * 3);
	assert_true(there(".refused") && there(".1.refused"));
	saved_with(&s, 3);
	sensor_stop(&s);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(store_number(s.tables.store), 3);
	sensor_stop(&s);
	folder_remove();
}

static void clock_set_back(void **state)
{
	struct sensor s;
	(void)state;

	two_states();
	/* A little: it is used, and time does not go backwards. */
	assert_int_equal(sensor_start(&s, NOW + 8 - STATE_AHEAD_SECONDS), 0);
	assert_int_equal(store_number(s.tables.store), 8);
	assert_int_equal(store_now(s.tables.store), NOW + 8);
	sensor_stop(&s);
	/* Much: neither, and both are kept. */
	assert_int_equal(sensor_start(&s, NOW - 86400), 0);
	assert_int_equal(s.state.report.load, STATE_LOAD_REFUSED);
	assert_non_null(strstr(s.state.report.refusal, "time to come"));
	sensor_stop(&s);
	assert_true(there(".1.refused"));
	assert_int_equal(rename(file(".refused"), path), 0);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(store_number(s.tables.store), 8);
	sensor_stop(&s);
	folder_remove();
}

static void one_sensor_a_file(void **state)
{
	struct sensor s, other;
	char err[ERROR_LINE_MAX] = "";
	(void)state;

	folder_make();
	assert_int_equal(sensor_start(&s, NOW), 0);
	assert_int_equal(state_open(&other.state, path, err), -EWOULDBLOCK);
	assert_non_null(strstr(err, "another sensor"));
	state_close(&other.state);
	sensor_stop(&s);
	assert_int_equal(sensor_start(&other, NOW), 0);
	sensor_stop(&other);
	folder_remove();
	/* The folder is made, but not the one above it. */
	assert_int_equal(state_open(&other.state, path, err), 0);
	state_close(&other.state);
	folder_remove();
	assert_int_equal(state_open(&other.state, "/nowhere/at/all", err), -ENOENT);
	assert_int_equal(state_open(&other.state, "/tmp/", err), -EINVAL);
}

static void full_disk(void **state)
{
	struct rlimit was, small = {4096, RLIM_INFINITY};
	struct sensor s;
	(void)state;

	two_states();
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	store_mark(s.tables.store, 9);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	setrlimit(RLIMIT_FSIZE, &small);
	save(&s);
	setrlimit(RLIMIT_FSIZE, &was);
	assert_int_equal(s.state.report.failures, 1);
	assert_non_null(strstr(s.state.report.error, path));
	assert_false(there(".tmp"));
	state_step(&s.state, false, 1000);
	assert_true(s.state.report.stale);
	saved_with(&s, 10);
	state_step(&s.state, false, 1000);
	assert_false(s.state.report.stale);
	sensor_stop(&s);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(store_number(s.tables.store), 10);
	sensor_stop(&s);
	folder_remove();
}

/* Epochs that end before a slice is through tear it; what comes out is whole all the same. */
static void of_one_moment(void **state)
{
	struct sensor s;
	uint32_t number = 1;
	(void)state;

	folder_make();
	assert_int_equal(sensor_start(&s, NOW), 0);
	store_mark(s.tables.store, number);
	/* A helping a slice, and an epoch after every second one. */
	s.state.slice_ns = 0;
	s.state.begun = 0;
	for (unsigned i = 0; i < 200 && s.state.report.saves == 0; i++) {
		bool closed = i % 2 == 0 && i < 60;
		if (closed)
			store_mark(s.tables.store, ++number);
		state_step(&s.state, closed, 1);
		s.state.slice_ns = i < 60 ? 0 : s.state.slice_ns;
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	assert_int_equal(s.state.report.saves, 1);
	assert_in_range(s.state.report.torn, 10, 60);
	sensor_stop(&s);
	assert_int_equal(sensor_start(&s, NOW + 200), 0);
	assert_int_equal(store_number(s.tables.store), number);
	sensor_stop(&s);
	folder_remove();
}

static void slices_grow(void **state)
{
	struct sensor s;
	(void)state;

	folder_make();
	assert_int_equal(sensor_start(&s, NOW), 0);
	for (unsigned i = 0; i < 10; i++) {
		s.state.saving = true;
		s.state.begun = 0;
		state_step(&s.state, true, 1);
		assert_true(s.state.slice_ns <= STATE_SLICE_MAX_NS);
	}
	assert_int_equal(s.state.slice_ns, STATE_SLICE_MAX_NS);
	sensor_stop(&s);
	folder_remove();
}

static void last_state_at_stop(void **state)
{
	struct sensor s;
	(void)state;

	folder_make();
	assert_int_equal(sensor_start(&s, NOW), 0);
	store_mark(s.tables.store, 5);
	state_stop(&s.state);
	assert_int_equal(s.state.report.saves, 1);
	sensor_stop(&s);
	assert_int_equal(sensor_start(&s, NOW + 20), 0);
	assert_int_equal(store_number(s.tables.store), 5);
	sensor_stop(&s);
	folder_remove();
}

/* A sensor that saves without pause, telling each state that is on the disk. */
static _Noreturn void victim(int told)
{
	struct sensor s;
	uint32_t number;

	if (sensor_start(&s, NOW + 1000000) < 0)
		_exit(1);
	for (number = store_now(s.tables.store) - NOW + 1;; number++) {
		store_mark(s.tables.store, number);
		save(&s);
		if (s.state.report.failures || write(told, &number, sizeof(number)) < 0)
			_exit(1);
	}
}

/* Killed 200 times, with whatever it was doing: the state told last is there, or the next. */
static void killed_at_any_moment(void **state)
{
	uint64_t seed = (uint64_t)time(NULL);
	uint32_t before = 7, number, previous = 0, tmp = 0;
	struct sensor s;
	(void)state;

	print_message("seed %lu\n", seed);
	folder_make();
	assert_int_equal(sensor_start(&s, NOW), 0);
	saved_with(&s, before);
	sensor_stop(&s);
	for (unsigned round = 0; round < 200; round++) {
		int told[2];

		assert_int_equal(pipe(told), 0);
		pid_t pid = fork();
		if (pid == 0)
			victim(told[1]);
		close(told[1]);
		/* It runs when it has told the first. */
		assert_int_equal(read(told[0], &before, sizeof(before)), sizeof(before));
		nanosleep(&(struct timespec){.tv_nsec = 1000 * (long)random_below(&seed, 20000)},
			NULL);
		int status;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (read(told[0], &number, sizeof(number)) == sizeof(number))
			before = number;
		close(told[0]);
		tmp += there(".tmp");
		assert_int_equal(sensor_start(&s, NOW + 1000000), 0);
		assert_string_equal(s.state.report.refusal, "");
		previous += s.state.report.load == STATE_LOAD_PREVIOUS;
		assert_in_range(store_number(s.tables.store), before, before + 1);
		sensor_stop(&s);
	}
	/* How many hit a write depends on the machine. */
	print_message("%u states; killed while writing %u times, between the names %u times\n",
		before, tmp, previous);
	folder_remove();
}

int main(void)
{
	/* What is said at each of many starts is looked at where it matters. */
	log_level_set(LOG_LEVEL_WARNING);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_is_loaded),
		cmocka_unit_test(damaged_newest_gives_way),
		cmocka_unit_test(nothing_usable_starts_empty),
		cmocka_unit_test(clock_set_back),
		cmocka_unit_test(one_sensor_a_file),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(of_one_moment),
		cmocka_unit_test(slices_grow),
		cmocka_unit_test(last_state_at_stop),
		cmocka_unit_test(killed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
