/* SPDX-License-Identifier: BSD-3-Clause */

/* A file that is renewed: who may read it, what a crash leaves, what a failure leaves. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "file.h"

int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_fchown(int fd, uid_t uid, gid_t gid);
int __wrap_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __wrap_fchown(int fd, uid_t uid, gid_t gid);

/* What was done, in order: d(ata), f(older), r(ename), o(wner); and what is to fail. */
static char did[16];
static char fails;
static int fails_by;
static char folder[] = "/tmp/test_ctl_file.XXXXXX";

static int note(char what)
{
	size_t n = strlen(did);

	assert_true(n + 1 < sizeof(did));
	did[n] = what;
	errno = fails_by;
	return what == fails ? -1 : 0;
}

int __wrap_fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return note(S_ISDIR(st.st_mode) ? 'f' : 'd') ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	return note('r') ? -1 : __real_rename(from, to);
}

int __wrap_fchown(int fd, uid_t uid, gid_t gid)
{
	return note('o') ? -1 : __real_fchown(fd, uid, gid);
}

static int replace(const char *text)
{
	memset(did, 0, sizeof(did));
	return file_replace("zone", text, strlen(text));
}

static void holds(const char *expected)
{
	char text[64] = "";
	int fd = open("zone", O_RDONLY);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	assert_string_equal(text, expected);
}

/* Files in the folder, beside . and .. */
static unsigned files(void)
{
	DIR *d = opendir(".");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int begin(void **state)
{
	(void)state;
	fails = 0;
	umask(027);
	unlink("zone");
	return 0;
}

/* Octets before the name, the name before success: what a crash leaves is whole. */
static void is_durable(void **state)
{
	(void)state;
	struct stat st;

	assert_int_equal(replace("new"), 0);
	assert_string_equal(did, "drf");
	holds("new");
	assert_int_equal(stat("zone", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(files(), 1);
}

/* A zone that the name server owns stays its own, though root renews it. */
static void keeps_its_owner(void **state)
{
	(void)state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(replace("old"), 0);
	assert_int_equal(chown("zone", 65534, 65533), 0);
	assert_int_equal(chmod("zone", 0640), 0);
	assert_int_equal(replace("new"), 0);
	holds("new");
	assert_int_equal(stat("zone", &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65533);
	assert_int_equal(st.st_mode & 0777, 0640);

	fails = 'o';
	fails_by = EPERM;
	assert_int_equal(replace("newer"), -EPERM);
	assert_string_equal(did, "o");
	holds("new");
	assert_int_equal(files(), 1);
}

static void failures_leave_the_old_one(void **state)
{
	(void)state;
	assert_int_equal(replace("old"), 0);
	fails_by = EINVAL;
	for (const char *f = "dr"; *f; f++) {
		fails = *f;
		assert_int_equal(replace("new"), -EINVAL);
		holds("old");
		assert_int_equal(files(), 1);
	}
	fails = 'f'; /* the new one is there, but may not outlast a crash */
	assert_int_equal(replace("new"), -EINVAL);
	holds("new");
	fails = 0;
	assert_int_equal(file_replace("none/zone", "x", 1), -ENOENT);
	assert_int_equal(files(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(is_durable, begin),
		cmocka_unit_test_setup(keeps_its_owner, begin),
		cmocka_unit_test_setup(failures_leave_the_old_one, begin),
	};

	if (!mkdtemp(folder) || chdir(folder) < 0)
		return 77;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink("zone");
	rmdir(folder);
	return failed;
}
