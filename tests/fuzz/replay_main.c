/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Feeds files to a fuzz target without a fuzzer: each seed is an ordinary test, and
 * a finding is reproduced by giving its file.
 *
 * Arguments are files or directories (shared.h). Without any input the exit code
 * is 77, "skipped".
 */

#include <errno.h>
#include <ftw.h>

#include "fuzz.h"
#include "shared.h"

#define INPUT_MAX (1u << 20)

static unsigned inputs;

static int feed(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static uint8_t data[INPUT_MAX];
	(void)st;
	(void)ftw;

	if (type != FTW_F)
		return 0;
	FILE *f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	size_t size = fread(data, 1, sizeof(data), f);
	fclose(f);
	/* So that the log ends with the input at fault. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	inputs++;
	return 0;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];

	for (int i = 1; i < argc; i++) {
		const char *root = shared_path(argv[i], path);
		int rc = nftw(root, feed, 16, FTW_PHYS);
		if (rc > 0 || (rc < 0 && !walk_absent(root, argv[i])))
			return EXIT_FAILURE;
	}
	printf("%u inputs\n", inputs);
	return inputs ? EXIT_SUCCESS : EXIT_SKIPPED;
}
