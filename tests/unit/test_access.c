/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of tokens, who is who by them, the audit log, and a unix socket's file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "config/file.h"
#include "config/listen.h"
#include "http/access.h"
#include "http/listen.h"

/* sha256("reader"), sha256("admin") */
#define READER "3d0941964aa3ebdcb00ccef58b1bb399f9f898465e9886d5aec7f31090a0fb30"
#define ADMIN "8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918"

static char folder[64], path[80], other[80], err[ERROR_LINE_MAX];

/* What CLOCK_REALTIME shows is so far ahead of what the kernel waits by: it is set back then. */
static _Atomic time_t ahead;

int clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, out);

	out->tv_sec += clock == CLOCK_REALTIME ? ahead : 0;
	return rc;
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/fluxgate-access.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/one", folder);
	snprintf(other, sizeof(other), "%s/two", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(folder);
}

static void put(const char *at, const char *text, mode_t mode)
{
	assert_int_equal(file_replace(at, text, strlen(text), 0600), 0);
	assert_int_equal(chmod(at, mode), 0);
}

static void test_tokens(void **state)
{
	uint8_t reader[TOKEN_DIGEST], admin[TOKEN_DIGEST];
	struct tokens *t;

	(void)state;
	assert_int_equal(token_digest("reader", reader), 0);
	assert_int_equal(token_digest("admin", admin), 0);
	put(path, "# a comment\r\n\n a.b-c_D9:" READER "\n", 0600);
	assert_int_equal(tokens_read(&t, "key", path, err), -EINVAL);
	put(path, "# a comment\r\n\na.b-c_D9:" READER "\r\nx:" ADMIN, 0640);
	assert_int_equal(tokens_read(&t, "key", path, err), 0);
	assert_string_equal(tokens_find(t, reader), "a.b-c_D9");
	assert_string_equal(tokens_find(t, admin), "x");
	reader[31] ^= 1;
	assert_null(tokens_find(t, reader));
	assert_null(tokens_find(NULL, admin));
	tokens_free(t);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
		mode_t mode;
		int rc;
	} bad[] = {
		{"", "no token", 0600, -EINVAL},
		{"# none\n", "no token", 0600, -EINVAL},
		{"x:" READER "\n", "chmod o=", 0604, -EACCES},
		{"x:" READER "\n", "chmod o=", 0602, -EACCES},
		{"secret\n", "line 1: expected NAME:SHA256", 0600, -EINVAL},
		{":" READER "\n", "line 1: expected NAME", 0600, -EINVAL},
		{"x y:" READER "\n", "line 1: expected NAME", 0600, -EINVAL},
		{"x:" READER "\ny:secret\n", "line 2: expected 64", 0600, -EINVAL},
		{"x:" READER "0\n", "line 1: expected 64", 0600, -EINVAL},
		{"x:" READER "\nx:" ADMIN "\n", "line 2: name or token", 0600, -EINVAL},
		{"x:" READER "\ny:" READER "\n", "line 2: name or token", 0600, -EINVAL},
	};
	struct tokens *t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(path, bad[i].text, bad[i].mode);
		assert_int_equal(tokens_read(&t, "http.token_file", path, err), bad[i].rc);
		assert_null(t);
		assert_non_null(strstr(err, "http.token_file"));
		assert_non_null(strstr(err, path));
		if (!strstr(err, bad[i].why))
			fail_msg("\"%s\" lacks \"%s\"", err, bad[i].why);
		/* A message is no place for what may be a secret. */
		assert_null(strstr(err, "secret"));
	}
	assert_int_equal(tokens_read(&t, "key", folder, err), -EINVAL);
	assert_int_equal(tokens_read(&t, "key", "/nowhere", err), -ENOENT);
}

static struct access *access_of(const struct config_http *c)
{
	struct access_files *files;

	assert_int_equal(access_files_read(&files, c, err), 0);
	return access_new(files);
}

static void look(struct access *a, const char *authorization, bool reads, bool changes)
{
	struct visitor v;

	access_look(a, authorization, &v);
	assert_int_equal(v.reader, reads);
	assert_int_equal(v.admin, changes);
}

static void test_roles(void **state)
{
	struct config_http c = {0};
	struct access_files *files;

	(void)state;
	look(NULL, NULL, true, false);
	look(NULL, "Bearer admin", true, false);
	snprintf(c.admin_token_file, sizeof(c.admin_token_file), "%s", other);
	put(other, "ops:" ADMIN, 0600);
	struct access *a = access_of(&c);
	look(a, NULL, true, false);
	look(a, "Bearer admin", true, true);
	assert_true(access_has_admins(a));
	assert_false(access_is_guarded(a));
	access_free(a);

	snprintf(c.token_file, sizeof(c.token_file), "%s", path);
	put(path, "grafana:" READER, 0600);
	a = access_of(&c);
	look(a, NULL, false, false);
	look(a, "", false, false);
	look(a, "Bearer", false, false);
	look(a, "Bearer ", false, false);
	look(a, "Bearer readers", false, false);
	look(a, "Basic reader", false, false);
	look(a, READER, false, false);
	look(a, "Bearer " READER, false, false);
	look(a, "Bearer reader", true, false);
	look(a, "bearer  reader", true, false);
	look(a, "Bearer admin", true, true);
	/* A reload: who was an admin is none any more. */
	put(other, "grafana:" READER, 0600);
	assert_int_equal(access_files_read(&files, &c, err), 0);
	look(a, "Bearer admin", true, true);
	access_take(a, files);
	look(a, "Bearer admin", false, false);
	look(a, "Bearer reader", true, true);
	access_free(a);
}

static unsigned lines_of(const char *at, json_t **last)
{
	FILE *f = fopen(at, "r");
	char line[8192];
	unsigned n = 0;

	json_decref(*last);
	*last = NULL;
	while (fgets(line, sizeof(line), f)) {
		json_decref(*last);
		*last = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(*last);
		n++;
	}
	fclose(f);
	return n;
}

static const char *text_of(const json_t *line, const char *key)
{
	return json_string_value(json_object_get(line, key));
}

static void test_audit(void **state)
{
	struct audit_fact fact = {
		.who = "ops",
		.from = "\"\\\x01\xff\n",
		.method = "POST",
		.path = "/a",
		.result = "accepted",
	};
	json_t *last = NULL;
	struct audit a;

	(void)state;
	assert_int_equal(audit_open(&a, "/nowhere/at/all", err), -ENOENT);
	audit_close(&a);
	assert_int_equal(audit_open(&a, path, err), 0);
	assert_int_equal(audit_write(&a, &fact), 0);
	assert_int_equal(lines_of(path, &last), 1);
	assert_string_equal(text_of(last, "who"), "ops");
	assert_string_equal(text_of(last, "from"), "\"\\\x01\\255\n");
	assert_true(json_is_null(json_object_get(last, "name")));

	/* Attempts are written up to their rate, changes always. */
	fact.result = "refused";
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(audit_write(&a, &fact), 0);
	fact.result = "accepted";
	assert_int_equal(audit_write(&a, &fact), 0);
	unsigned n = lines_of(path, &last);
	assert_true(n >= 2 + AUDIT_REFUSED_A_SECOND && n < 500);
	assert_string_equal(text_of(last, "result"), "accepted");
	audit_close(&a);
	json_decref(last);
}

/* A file that was renamed: later lines stand in a new one, and where there can be none none is
 * lost. */
static void test_audit_renamed(void **state)
{
	struct audit_fact fact = {.method = "POST", .path = "/a", .result = "accepted"};
	char renamed[sizeof(path) + 8];
	json_t *last = NULL;
	struct audit a;

	(void)state;
	snprintf(renamed, sizeof(renamed), "%s.1", path);
	assert_int_equal(audit_open(&a, path, err), 0);
	assert_int_equal(audit_write(&a, &fact), 0);
	assert_int_equal(rename(path, renamed), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	audit_reopen(&a);
	assert_int_equal(audit_write(&a, &fact), 0);
	assert_int_equal(lines_of(renamed, &last), 2);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(audit_write(&a, &fact), 0);
	assert_int_equal(audit_write(&a, &fact), 0);
	assert_int_equal(lines_of(renamed, &last), 2);
	assert_int_equal(lines_of(path, &last), 2);
	audit_close(&a);
	unlink(renamed);
	json_decref(last);
}

#define WRITERS 2u
#define LINES 200u

static void *write_lines(void *arg)
{
	struct audit_fact fact = {.method = "POST", .path = "/a", .result = "accepted"};

	for (unsigned i = 0; i < LINES; i++)
		if (audit_write(arg, &fact) != 0)
			return arg;
	return NULL;
}

/* Whoever writes while another opens the file anew: each line stands in one of the files. */
static void test_audit_renamed_amid_lines(void **state)
{
	char renamed[sizeof(path) + 8];
	pthread_t writer[WRITERS];
	json_t *last = NULL;
	struct audit a;
	unsigned n = 0;
	void *failed;

	(void)state;
	assert_int_equal(audit_open(&a, path, err), 0);
	for (unsigned i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writer[i], NULL, write_lines, &a), 0);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(renamed, sizeof(renamed), "%s.%u", path, i);
		if (rename(path, renamed) == 0)
			audit_reopen(&a);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(writer[i], &failed);
		assert_null(failed);
	}
	audit_close(&a);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(renamed, sizeof(renamed), "%s.%u", path, i);
		n += access(renamed, F_OK) == 0 ? lines_of(renamed, &last) : 0;
		unlink(renamed);
	}
	n += access(path, F_OK) == 0 ? lines_of(path, &last) : 0;
	json_decref(last);
	assert_int_equal(n, WRITERS * LINES);
}

/* What was left out before a reload is told after it. */
static void test_audit_reloaded(void **state)
{
	struct audit_fact fact = {.method = "POST", .path = "/a", .result = "refused"};
	struct config_http c = {0};
	struct access_files *files;
	json_t *last = NULL;

	(void)state;
	snprintf(c.audit_log, sizeof(c.audit_log), "%s", path);
	struct access *a = access_of(&c);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(access_audit(a, &fact), 0);
	unsigned n = lines_of(path, &last);
	/* Those that each line told are told; this many are not yet. */
	uint64_t told = 0;
	json_error_t error;
	FILE *f = fopen(path, "r");
	for (unsigned i = 0; i < n; i++) {
		json_t *line = json_loadf(f, JSON_DISABLE_EOF_CHECK, &error);

		told += (uint64_t)json_integer_value(json_object_get(line, "left_out"));
		json_decref(line);
	}
	fclose(f);
	assert_true(told + n < 1000);
	assert_int_equal(access_files_read(&files, &c, err), 0);
	access_take(a, files);
	fact.result = "accepted";
	assert_int_equal(access_audit(a, &fact), 0);
	assert_int_equal(lines_of(path, &last), n + 1);
	assert_int_equal(json_integer_value(json_object_get(last, "left_out")), 1000 - n - told);
	json_decref(last);
	access_free(a);
}

/* A line that was cut short is told, and does not spoil the next. */
static void test_audit_full(void **state)
{
	struct rlimit before, limit;
	struct audit_fact fact = {.method = "POST", .path = "/a", .result = "accepted"};
	json_t *last = NULL;
	struct audit a;

	(void)state;
	assert_int_equal(audit_open(&a, path, err), 0);
	assert_int_equal(audit_write(&a, &fact), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 250;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	int rc = audit_write(&a, &fact);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(rc < 0);
	assert_int_equal(audit_write(&a, &fact), 0);
	audit_close(&a);
	FILE *f = fopen(path, "r");
	char line[8192];
	while (fgets(line, sizeof(line), f)) {
		json_decref(last);
		last = json_loads(line, 0, NULL);
	}
	fclose(f);
	assert_non_null(last);
	json_decref(last);
}

/* Who is refused must not be able to hold the threads of HTTP at a pipe or a disk. */
static void test_audit_waits_for_nobody(void **state)
{
	struct audit_fact fact = {.method = "POST", .path = "/a", .result = "refused"};
	char octets[4096] = {0};
	struct audit a;

	(void)state;
	alarm(20);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(audit_open(&a, path, err), -ENXIO);
	assert_non_null(strstr(err, "nobody reads"));
	audit_close(&a);
	int reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_int_equal(audit_open(&a, path, err), 0);
	int full = open(path, O_WRONLY | O_NONBLOCK);
	while (write(full, octets, sizeof(octets)) > 0)
		;
	assert_int_equal(audit_write(&a, &fact), 0);
	fact.result = "accepted";
	assert_int_equal(audit_write(&a, &fact), -EAGAIN);
	while (read(reader, octets, sizeof(octets)) > 0)
		;
	/* Somebody's line is on its way to a disk that hangs. */
	a.writing = true;
	ahead = 3600;
	assert_int_equal(audit_write(&a, &fact), -ETIMEDOUT);
	ahead = 0;
	fact.result = "refused";
	assert_int_equal(audit_write(&a, &fact), 0);
	a.writing = false;
	fact.result = "accepted";
	assert_int_equal(audit_write(&a, &fact), 0);
	ssize_t n = read(reader, octets, sizeof(octets));
	json_t *line = n > 0 ? json_loadb(octets, (size_t)n, 0, NULL) : NULL;
	assert_int_equal(json_integer_value(json_object_get(line, "left_out")), 2);
	json_decref(line);
	audit_close(&a);
	close(full);
	close(reader);
	alarm(0);
}

static int listen_at(struct listener *l, const char *at)
{
	struct sockaddr_storage address;
	char text[128];
	socklen_t len;

	snprintf(text, sizeof(text), "unix:%s", at);
	assert_int_equal(listen_parse(text, &address, &len), 0);
	return listener_open(l, &address, len, false);
}

static void test_socket(void **state)
{
	struct listener first, second;
	struct stat st;

	(void)state;
	assert_int_equal(listen_at(&first, path), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	/* Of one that lives it is refused, and stays. */
	assert_int_equal(listen_at(&second, path), -EADDRINUSE);
	assert_int_equal(lstat(path, &st), 0);
	/* As by kill -9: the file is there, and nobody behind it. */
	close(first.fd);
	assert_int_equal(listen_at(&second, path), 0);
	/* The end of one does not take the file of another that has its place. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(listen_at(&first, path), 0);
	listener_remove(&second);
	assert_int_equal(lstat(path, &st), 0);
	close(second.fd);
	listener_remove(&first);
	assert_int_equal(lstat(path, &st), -1);
	close(first.fd);
	/* What is no socket is nobody's to remove. */
	put(path, "precious", 0600);
	assert_int_equal(listen_at(&first, path), -ENOTSOCK);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tokens, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_roles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_renamed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_renamed_amid_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_reloaded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_audit_waits_for_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(test_socket, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
