/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator.h"
#include "mmdb_out.h"
#include "networks.h"
#include "options.h"

#define EXIT_WRONG 2

static int write_database(const char *path, const struct network_plan *plan,
	enum mmdb_content content, const struct options *options, const char **where)
{
	if (path == NULL)
		return 0;
	*where = path;
	return mmdb_write(path, plan, content, options->start);
}

/* 0 or -errno. */
static int write_eyeballs(const char *path, const struct network_plan *plan, const char **where)
{
	if (path == NULL)
		return 0;
	*where = path;
	FILE *f = fopen(path, "w");
	if (f == NULL)
		return -errno;
	for (unsigned i = 0; i < NETWORK_EYEBALLS; i++)
		fprintf(f, "AS%u\n", plan->networks[i].asn);
	int failed = ferror(f);
	return fclose(f) != 0 || failed ? -EIO : 0;
}

int main(int argc, char **argv)
{
	struct network_plan *plan = NULL;
	const char *where = "memory";
	struct options options;
	int ret;

	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_HELP:
		return EXIT_SUCCESS;
	case OPTIONS_WRONG:
		return EXIT_WRONG;
	case OPTIONS_RUN:
		break;
	}
	plan = plan_new();
	ret = plan == NULL ? -ENOMEM : 0;
	if (ret == 0)
		ret = write_database(options.asn_db, plan, MMDB_ASN, &options, &where);
	if (ret == 0)
		ret = write_database(options.country_db, plan, MMDB_COUNTRY, &options, &where);
	if (ret == 0)
		ret = write_eyeballs(options.eyeballs, plan, &where);
	if (ret == 0 && options.out != NULL)
		ret = generate(&options, plan, &where);
	free(plan);
	if (ret == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "trafficgen: cannot write: %s: %s\n", where, strerror(-ret));
	return EXIT_WRONG;
}
