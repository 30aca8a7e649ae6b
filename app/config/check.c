/* SPDX-License-Identifier: BSD-3-Clause */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"
#include "config/config.h"
#include "export/rpz_guards.h"
#include "http/access.h"
#include "networks/lists.h"
#include "networks/networks.h"
#include "networks/suffix.h"

static void usage(FILE *out)
{
	fputs("usage: fluxgate check-config [--dump] FILE\n"
	      "  checks a configuration file and reads the databases, lists, tokens and "
	      "certificates\n"
	      "  that it names\n"
	      "  --dump  print the whole configuration, defaults included, as JSON\n",
		out);
}

/* Tokens and certificate. The audit log is left alone: it would be made, and be ours. */
static int access_check(const struct config *c, char err[ERROR_LINE_MAX])
{
	struct config_http http = c->http;
	struct access_files *files;

	if (http.listen[0] == '\0')
		return 0;
	http.audit_log[0] = '\0';
	int rc = access_files_read(&files, &http, err);
	if (rc == 0)
		access_files_free(files);
	return rc;
}

/* Files that a start would need; an exit code. */
static int files_check(const struct config *c, char err[ERROR_LINE_MAX])
{
	struct suffix_list *suffixes = NULL;
	struct networks *networks = NULL;
	struct lists *lists = NULL;
	struct rpz_guards *guards = NULL;
	int code = EXIT_CODE_OK;

	if (suffix_list_load(&suffixes, c->networks.public_suffix_list, err) < 0)
		code = EXIT_CODE_DATABASE;
	else if (lists_load(&lists, c, suffix_list_psl(suffixes), err) < 0)
		code = EXIT_CODE_CONFIG;
	else if (rpz_guards_load(&guards, c, suffix_list_psl(suffixes), err) < 0)
		code = EXIT_CODE_CONFIG;
	else if (access_check(c, err) < 0)
		code = EXIT_CODE_CONFIG;
	else if (networks_open(&networks, c->networks.asn_db, c->networks.country_db, err) < 0)
		code = EXIT_CODE_DATABASE;
	networks_close(networks);
	rpz_guards_free(guards);
	lists_free(lists);
	suffix_list_free(suffixes);
	return code;
}

static int check_file(const char *path, bool dump, char err[ERROR_LINE_MAX])
{
	struct config c;

	config_defaults(&c);
	if (config_read(&c, path, err) < 0 || config_http_check(&c.http, err) < 0)
		return EXIT_CODE_CONFIG;
	int code = files_check(&c, err);
	if (code != EXIT_CODE_OK)
		return code;
	if (dump ? config_dump(&c, stdout) < 0 : printf("%s: ok\n", path) < 0) {
		snprintf(err, ERROR_LINE_MAX, "check-config: standard output: cannot be written");
		return EXIT_CODE_RUNTIME;
	}
	return EXIT_CODE_OK;
}

int config_check_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"dump", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	char err[ERROR_LINE_MAX];
	bool dump = false;
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			dump = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_CODE_OK;
		default:
			return option_refuse("check-config", opt, argv);
		}
	}
	if (argc - optind != 1) {
		usage(stderr);
		return EXIT_CODE_USAGE;
	}
	int rc = check_file(argv[optind], dump, err);
	if (rc != EXIT_CODE_OK)
		fprintf(stderr, "fluxgate: %s\n", err);
	return rc;
}
