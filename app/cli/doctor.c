/* SPDX-License-Identifier: BSD-3-Clause */

/* fluxgate doctor: a preflight. It reads, and starts nothing. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "appliance.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "datapath/eal.h"
#include "datapath/port.h"
#include "doctor/doctor.h"

struct doctor_options {
	const char *config;
	const char *root;
	bool json;
};

static void usage(FILE *to)
{
	fprintf(to,
		"usage: fluxgate doctor [-c FILE] [--json] [--root DIR]\n"
		"  says what would keep run from starting, lose it packets or slow it down, and\n"
		"  what to do about it; changes nothing\n"
		"  -c, --config FILE      configuration (else $FLUXGATE_CONFIG, else the machine\n"
		"                         only)\n"
		"  -j, --json             one JSON object instead of the table\n"
		"      --root DIR         read /proc, /sys and /run below DIR\n"
		"  -h, --help             this text\n"
		"exit code: %d nothing worse than a note, %d warnings, %d errors\n",
		EXIT_CODE_OK, EXIT_CODE_WARNINGS, EXIT_CODE_ERRORS);
}

static int options_read(int argc, char **argv, struct doctor_options *o)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"root", required_argument, NULL, 'r'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, ":c:jh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o->config = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'r':
			o->root = strcmp(optarg, "/") == 0 ? "" : optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_CODE_OK);
		default:
			return option_refuse("doctor", opt, argv);
		}
	}
	if (optind == argc)
		return EXIT_CODE_OK;
	fputs("fluxgate: doctor: it takes no arguments: see fluxgate doctor --help\n", stderr);
	return EXIT_CODE_USAGE;
}

/* Fills in *c and what it takes; a configuration that can't be used is itself a finding. */
static void config_look(struct doctor *d, const char *path, struct config *c)
{
	static struct appliance a;
	static struct ports ports;
	char err[ERROR_LINE_MAX];

	path = config_path(path);
	if (!path)
		return;
	d->config_path = path;
	config_defaults(c);
	int rc = config_read(c, path, err);
	if (rc < 0 || config_environment(c, err) < 0) {
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "config.valid",
				"run refuses to start; the rest is of the machine only", "%s", err),
			rc < 0 && rc != -EINVAL ? "name a file that can be read"
						: "docs/configuration.md lists every key");
		return;
	}
	d->config = c;
	if (ports_load(&ports, c, err) < 0)
		finding_remedy(finding_add(d, SEVERITY_ERROR, "config.drivers",
				       "run refuses to start", "%s", err),
			"correct drivers.profiles");
	a.config = *c;
	a.workers = c->workers;
	a.live = true;
	d->budget = (struct doctor_budget){
		.tables = appliance_octets(&a),
		.buffers = ports_size(&ports, c),
		.headroom = (size_t)EAL_HEADROOM_MB << 20,
	};
}

static int report(const struct doctor *d, bool json)
{
	int code = findings_exit_code(d->findings);
	size_t len = 0;

	if (json) {
		char *text = export_text(doctor_json(d), &len);

		if (text)
			fwrite(text, 1, len, stdout);
		else
			code = EXIT_CODE_RUNTIME;
		free(text);
	} else {
		doctor_print(d, stdout, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
	}
	if (fflush(stdout) != 0 || ferror(stdout) || code == EXIT_CODE_RUNTIME) {
		fputs("fluxgate: doctor: standard output: cannot be written\n", stderr);
		return EXIT_CODE_RUNTIME;
	}
	return code;
}

int doctor_main(int argc, char **argv)
{
	static struct findings findings;
	static struct config config;
	struct doctor_options o = {.root = ""};
	struct doctor_system system = {0};
	struct doctor d = {.findings = &findings, .system = &system, .subject = ""};

	int code = options_read(argc, argv, &o);
	if (code != EXIT_CODE_OK)
		return code;
	/* Of another root no system call tells. */
	if (o.root[0] == '\0')
		system = doctor_system_here();
	d.root = o.root;
	config_look(&d, o.config, &config);
	doctor_look(&d);
	return report(&d, o.json);
}
