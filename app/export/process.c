/* SPDX-License-Identifier: BSD-3-Clause */

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "export/process.h"

static void sample(FILE *f, const char *name, const char *type, const char *help, double value)
{
	fprintf(f, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %.15g\n", name, help,
		name, type, name, value);
}

/* Open descriptors but the one that counts them; negative: they cannot be told. */
static int descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = -1;

	if (!folder)
		return -1;
	for (struct dirent *e; (e = readdir(folder));)
		n += e->d_name[0] != '.';
	closedir(folder);
	return n - 1;
}

/* Seconds since 1970 at which the machine started; 0: not known. */
static double boot_time(void)
{
	FILE *f = fopen("/proc/stat", "re");
	char line[4096];
	double t = 0;

	while (f && t == 0 && fgets(line, sizeof(line), f))
		sscanf(line, "btime %lf", &t);
	if (f)
		fclose(f);
	return t;
}

/* Fields 14, 15, 20, 22, 23 and 24 of /proc/PID/stat, proc(5). */
static void stat_text(FILE *out)
{
	FILE *f = fopen("/proc/self/stat", "re");
	char line[1024] = "";
	unsigned long user, system, threads, octets;
	unsigned long long start;
	long pages;

	if (!f)
		return;
	/* The program's name may hold anything but ends at the last parenthesis. */
	const char *rest = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	if (!rest || sscanf(rest + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d "
			     "%*d %lu %*d %llu %lu %ld",
			     &user, &system, &threads, &start, &octets, &pages) != 6)
		return;
	double hz = (double)sysconf(_SC_CLK_TCK), boot = boot_time();
	sample(out, "cpu_seconds_total", "counter",
		"Processor time of all threads, in seconds. Polling workers take all of theirs.",
		(double)(user + system) / hz);
	sample(out, "resident_memory_bytes", "gauge",
		"Resident memory in octets, without hugepages.",
		(double)pages * (double)sysconf(_SC_PAGESIZE));
	sample(out, "virtual_memory_bytes", "gauge", "Address space in octets.", (double)octets);
	sample(out, "threads", "gauge", "Threads.", (double)threads);
	if (boot > 0)
		sample(out, "start_time_seconds", "gauge",
			"When the process started, seconds since 1970.", boot + (double)start / hz);
}

void process_text(FILE *f)
{
	int fds = descriptors();
	struct rlimit limit;

	stat_text(f);
	if (fds >= 0)
		sample(f, "open_fds", "gauge", "Open file descriptors.", fds);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		sample(f, "max_fds", "gauge", "Most file descriptors that may be open.",
			(double)limit.rlim_cur);
}
