/* SPDX-License-Identifier: BSD-3-Clause */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/options.h"
#include "cli/run_options.h"

static void usage(FILE *to)
{
	fputs("usage: fluxgate run -c FILE [--listen ADDRESS]\n"
	      "  -c, --config FILE      configuration (else $FLUXGATE_CONFIG)\n"
	      "      --listen ADDRESS   where JSON is served, ADDRESS:PORT or unix:/PATH; \"\" for "
	      "nowhere\n"
	      "  -h, --help             this text\n"
	      "SIGHUP reads the configuration again; SIGTERM ends, a second one at once.\n",
		to);
}

int run_options_parse(int argc, char **argv, struct run_options *o, char err[ERROR_LINE_MAX])
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"listen", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	*o = (struct run_options){0};
	while ((opt = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			o->file = optarg;
			break;
		case 'l':
			o->listen = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_CODE_OK);
		default:
			return option_refuse("run", opt, argv);
		}
	}
	o->file = config_path(o->file);
	if (o->file && optind == argc)
		return EXIT_CODE_OK;
	snprintf(err, ERROR_LINE_MAX, "run: %s: see fluxgate run --help",
		o->file ? "it takes no arguments" : "no configuration file: -c FILE");
	return EXIT_CODE_USAGE;
}

int run_options_read(void *ctx, struct config *c, char err[ERROR_LINE_MAX])
{
	const struct run_options *o = ctx;

	config_defaults(c);
	if (config_read(c, o->file, err) < 0 || config_environment(c, err) < 0)
		return EXIT_CODE_CONFIG;
	if (o->listen && config_set_text(c, "http.listen", o->listen, "--listen", err) < 0)
		return EXIT_CODE_CONFIG;
	if (config_http_check(&c->http, err) < 0)
		return EXIT_CODE_CONFIG;
	if (c->ports_count == 0) {
		snprintf(err, ERROR_LINE_MAX,
			"configuration: %s: ports: none: name at least one device", o->file);
		return EXIT_CODE_CONFIG;
	}
	return EXIT_CODE_OK;
}
