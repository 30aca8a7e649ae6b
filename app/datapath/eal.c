/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "config/device.h"
#include "datapath/eal.h"
#include "drivers-config/plan.h"
#include "drivers-config/xdp/device.h"

#define ARGS_MAX (32u + CONFIG_EAL_ARGS_MAX + 2u * CONFIG_PORTS_MAX)
#define ARG_TEXT 1024u
#define MIB ((size_t)1 << 20)

struct arguments {
	int n;
	char *value[ARGS_MAX + 1];
	char text[ARGS_MAX][ARG_TEXT];
};

static void argument(struct arguments *a, const char *text)
{
	snprintf(a->text[a->n], ARG_TEXT, "%s", text);
	a->value[a->n] = a->text[a->n];
	a->n++;
}

static unsigned cpus_allowed(unsigned *cpu, unsigned room)
{
	cpu_set_t set;
	unsigned n = 0;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof(set), &set);
	for (unsigned i = 0; i < CPU_SETSIZE && n < room; i++)
		if (CPU_ISSET(i, &set))
			cpu[n++] = i;
	return n;
}

/*
 * One CPU an lcore where there are enough, or all but one: the last, which a
 * spreader may run on, then shares that of control. In a replay, and on a smaller
 * machine, all lcores share all CPUs.
 */
static void lcores_text(char *text, size_t size, unsigned lcores, bool share, bool spreader)
{
	unsigned cpu[RTE_MAX_LCORE + 1];
	unsigned cpus = cpus_allowed(cpu, RTE_MAX_LCORE);
	int n = 0;

	if (spreader && !share && cpus + 1 == lcores)
		cpu[cpus++] = cpu[0];
	if (!share && cpus >= lcores) {
		for (unsigned i = 0; i < lcores; i++)
			n += snprintf(
				text + n, size - (size_t)n, "%s%u@%u", i ? "," : "", i, cpu[i]);
		return;
	}
	n = snprintf(text, size, "(0-%u)@(", lcores - 1);
	for (unsigned i = 0; i < cpus; i++)
		n += snprintf(text + n, size - (size_t)n, "%s%u", i ? "," : "", cpu[i]);
	snprintf(text + n, size - (size_t)n, ")");
}

/* Free hugepages of all sizes, in octets. */
static size_t hugepages_free(void)
{
	static const size_t kib[] = {2048, 1048576};
	size_t octets = 0;

	for (size_t i = 0; i < sizeof(kib) / sizeof(kib[0]); i++) {
		char path[128];
		unsigned long pages = 0;

		snprintf(path, sizeof(path),
			"/sys/kernel/mm/hugepages/hugepages-%zukB/free_hugepages", kib[i]);
		FILE *f = fopen(path, "re");
		if (!f)
			continue;
		if (fscanf(f, "%lu", &pages) == 1)
			octets += pages * kib[i] * 1024;
		fclose(f);
	}
	return octets;
}

/* 0, or -errno and one line in err. */
static int ports_arguments(struct arguments *a, const struct config *c, char err[ERROR_LINE_MAX])
{
	char text[ARG_TEXT];
	bool pci = false;

	for (unsigned i = 0; i < c->ports_count; i++) {
		bool vdev = device_is_virtual(c->ports[i].device);
		int rc = xdp_device_complete(c->ports[i].device, text, sizeof(text), err);

		if (rc < 0)
			return rc;
		argument(a, vdev ? "--vdev" : "-a");
		argument(a, text);
		pci |= !vdev;
	}
	if (!pci)
		argument(a, "--no-pci");
	return 0;
}

static int arguments_make(struct arguments *a, const struct eal_request *r, size_t memory_mb,
	bool huge, char err[ERROR_LINE_MAX])
{
	const struct config *c = r->config;
	char text[ARG_TEXT];
	int rc = 0;

	argument(a, "fluxgate");
	argument(a, "--lcores");
	if (c->lcores[0] && !r->replay) {
		argument(a, c->lcores);
	} else {
		lcores_text(text, sizeof(text), r->lcores, r->replay, plan_spreader_possible(c));
		argument(a, text);
	}
	if (huge) {
		argument(a, "--in-memory");
		if (c->eal.memory_mb) {
			argument(a, "-m");
			snprintf(text, sizeof(text), "%u", c->eal.memory_mb);
			argument(a, text);
		}
	} else {
		argument(a, "--no-huge");
		argument(a, "--no-shconf");
		argument(a, "-m");
		snprintf(text, sizeof(text), "%zu", memory_mb);
		argument(a, text);
	}
	argument(a, c->eal.telemetry && !r->replay ? "--telemetry" : "--no-telemetry");
	if (r->replay)
		argument(a, "--no-pci");
	else
		rc = ports_arguments(a, c, err);
	for (unsigned i = 0; i < c->eal.args_count; i++)
		argument(a, c->eal.args[i]);
	a->value[a->n] = NULL;
	return rc;
}

/* The EAL's last line that says what is wrong, without its prefix. */
static void last_words(char *log, char *out, size_t size)
{
	out[0] = '\0';
	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		const char *text = strstr(line, "EAL: ") == line ? line + 5 : line;
		if (*text)
			snprintf(out, size, "%s", text);
	}
}

static int eal_init_quietly(struct arguments *a, bool verbose, char *words, size_t size)
{
	char *log = NULL;
	size_t log_size = 0;
	FILE *stream = open_memstream(&log, &log_size);

	if (stream && !verbose)
		rte_openlog_stream(stream);
	/* getopt and the EAL's usage text do not go through its log. */
	int out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
	int nowhere = verbose ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nowhere >= 0) {
		dup2(nowhere, STDOUT_FILENO);
		dup2(nowhere, STDERR_FILENO);
		close(nowhere);
	}
	int rc = rte_eal_init(a->n, a->value) < 0 ? -(rte_errno ? rte_errno : EINVAL) : 0;
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(errors, STDERR_FILENO);
	close(out);
	close(errors);
	rte_openlog_stream(NULL);
	if (stream)
		fclose(stream);
	if (log)
		last_words(log, words, size);
	free(log);
	return rc;
}

int eal_start(const struct eal_request *r, char err[ERROR_LINE_MAX])
{
	struct arguments *a = calloc(1, sizeof(*a));
	size_t need = r->octets / MIB + EAL_HEADROOM_MB;
	size_t memory_mb = r->config->eal.memory_mb ? r->config->eal.memory_mb : need;
	bool huge = r->config->eal.huge && !r->replay;
	char words[256] = "";
	int rc = -ENOMEM;

	if (!a) {
		snprintf(err, ERROR_LINE_MAX, "memory: out of memory at start");
		return rc;
	}
	if (huge && hugepages_free() < need * MIB) {
		snprintf(err, ERROR_LINE_MAX,
			"hugepages: %zu MiB free, %zu MiB needed: reserve them (echo %zu > "
			"/proc/sys/vm/nr_hugepages), or set \"eal\": {\"huge\": false}",
			hugepages_free() / MIB, need, need / 2 + 1);
		goto out;
	}
	if (r->config->eal.memory_mb && r->config->eal.memory_mb < need) {
		snprintf(err, ERROR_LINE_MAX,
			"configuration: eal.memory_mb: the tables need %zu MiB: raise it, or 0 to "
			"have it computed",
			need);
		goto out;
	}
	rc = arguments_make(a, r, memory_mb, huge, err);
	if (rc < 0)
		goto out;
	rc = eal_init_quietly(a, r->config->log.level == LOG_LEVEL_DEBUG, words, sizeof(words));
	if (rc < 0)
		snprintf(err, ERROR_LINE_MAX, "EAL: %s: %s%s", strerror(-rc),
			words[0] ? words : "see log.level debug",
			r->replay ? "" : ": fluxgate doctor -c FILE looks closer");
out:
	free(a);
	return rc;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}
