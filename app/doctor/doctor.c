/* SPDX-License-Identifier: BSD-3-Clause */

/* Findings, what the checks have in common, and their order. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

static const char *const severities[SEVERITY_COUNT] = {
	[SEVERITY_OK] = "ok",
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

const char *severity_name(enum severity severity)
{
	return severities[severity];
}

struct finding *finding_add(struct doctor *d, enum severity severity, const char *check,
	const char *why, const char *found, ...)
{
	struct finding *f = &d->findings->at[d->findings->n];
	va_list args;

	if (d->findings->n < FINDINGS_MAX)
		d->findings->n++;
	d->findings->count[severity]++;
	*f = (struct finding){.severity = severity, .check = check, .why = why};
	snprintf(f->subject, sizeof(f->subject), "%s", d->subject);
	va_start(args, found);
	vsnprintf(f->found, sizeof(f->found), found, args);
	va_end(args);
	return f;
}

void finding_remedy(struct finding *f, const char *remedy, ...)
{
	va_list args;

	va_start(args, remedy);
	vsnprintf(f->remedy, sizeof(f->remedy), remedy, args);
	va_end(args);
}

int findings_exit_code(const struct findings *f)
{
	if (f->count[SEVERITY_ERROR])
		return EXIT_CODE_ERRORS;
	return f->count[SEVERITY_WARNING] ? EXIT_CODE_WARNINGS : EXIT_CODE_OK;
}

bool kernel_parameter(const struct doctor *d, const char *name, char *out, size_t size)
{
	char line[sizeof(d->command_line)], *rest = NULL;
	size_t n = strlen(name);
	bool found = false;

	snprintf(line, sizeof(line), "%s", d->command_line);
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (strcmp(word, "--") == 0)
			break;
		if (strncmp(word, name, n) != 0 || (word[n] != '=' && word[n] != '\0'))
			continue;
		snprintf(out, size, "%s", word + n + (word[n] == '='));
		found = true;
	}
	return found;
}

int processor_node(const struct doctor *d, unsigned cpu)
{
	struct tree_names nodes = tree_list(d->root, "/sys/devices/system/node");
	int found = 0, node;

	for (int i = 0; i < nodes.n; i++) {
		const char *name = nodes.entry[i]->d_name;
		char text[1024];
		cpu_set_t set;

		if (sscanf(name, "node%d", &node) == 1 &&
			tree_read(d->root, text, sizeof(text),
				"/sys/devices/system/node/%s/cpulist", name) > 0 &&
			cpulist_parse(text, &set) && CPU_ISSET(cpu, &set))
			found = node;
	}
	tree_free(&nodes);
	return found;
}

bool capability_held(const struct doctor *d, unsigned capability)
{
	return d->capabilities >> capability & 1;
}

/* The value behind "Name:\t" in /proc/self/status, NULL without it. */
static const char *status_value(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? at + strlen(name) + strspn(at + strlen(name), " \t") : NULL;
}

static void process_look(struct doctor *d)
{
	char status[8192];

	CPU_ZERO(&d->allowed);
	if (tree_read(d->root, status, sizeof(status), "/proc/self/status") <= 0) {
		finding_add(d, SEVERITY_WARNING, "process.status",
			"rights and processors of this process stand there",
			"/proc/self/status cannot be read");
		return;
	}
	const char *uid = status_value(status, "\nUid:"), *caps = status_value(status, "\nCapEff:");
	const char *cpus = status_value(status, "\nCpus_allowed_list:");

	d->root_user = uid && strtoul(uid, NULL, 10) == 0;
	d->capabilities = caps ? strtoull(caps, NULL, 16) : 0;
	if (cpus) {
		char list[1024];

		snprintf(list, sizeof(list), "%.*s", (int)strcspn(cpus, "\n"), cpus);
		cpulist_parse(list, &d->allowed);
	}
	if (d->root_user)
		finding_add(d, SEVERITY_OK, "process.user", "", "runs as root");
	else
		finding_remedy(finding_add(d, SEVERITY_NOTE, "process.user",
				       "files and processes of others were not seen in full",
				       "does not run as root: what other processes hold open was "
				       "not seen"),
			"run fluxgate doctor as root, or as the user of the service");
}

static void placement_look(struct doctor *d)
{
	const struct config *c = d->config;

	d->placement.n = 0;
	if (c && c->lcores[0] == '\0')
		placement_default(c->workers + 1, &d->allowed, &d->placement);
	else if (c && !placement_parse(c->lcores, &d->placement))
		d->placement.n = 0;
}

void doctor_look(struct doctor *d)
{
	d->subject = "";
	tree_read(d->root, d->command_line, sizeof(d->command_line), "/proc/cmdline");
	process_look(d);
	placement_look(d);
	doctor_config(d);
	doctor_listen(d);
	doctor_clock(d);
	doctor_memory(d);
	doctor_cpu(d);
	doctor_iommu(d);
	doctor_ports(d);
	doctor_xdp(d);
	doctor_leftovers(d);
}
