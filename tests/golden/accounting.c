/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Every packet of every capture below the directories given is accounted for: each
 * capture goes through reader, decoder, parser, pairing and shard, and the identities
 * must hold. Exit code 77, "skipped", where there is no capture.
 */

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>

#include "capture/capture.h"
#include "shared.h"
#include "worker.h"

static const struct shard_config shard_config = {
	.entries_log2 = 14,
	.details_small = 4096,
	.details_large = 512,
	.name_octets = 1u << 20,
};

static struct worker worker;
static unsigned accounted, refused;
static uint64_t packets, messages;

/* Bursts as a port would give them; a burst's frames must all stay where they are. */
static void run_capture(struct captures *c)
{
	struct frame frames[SENSOR_BURST];
	struct capture_packet p;
	unsigned n = 0;

	while (captures_next(c, &p) > 0) {
		frames[n++] = (struct frame){
			.data = exact_copy(p.data, p.caplen),
			.caplen = p.caplen,
			.wirelen = p.wirelen,
			.time_ns = p.time_ns,
			.link = p.link,
		};
		if (n < SENSOR_BURST)
			continue;
		sensor_burst(worker.sensor, frames, n);
		while (n)
			free((uint8_t *)frames[--n].data);
	}
	sensor_burst(worker.sensor, frames, n);
	while (n)
		free((uint8_t *)frames[--n].data);
}

static int check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct captures *c;
	char err[ERROR_LINE_MAX];
	(void)st;
	(void)ftw;

	if (type != FTW_F)
		return 0;
	/* So that the log ends with the capture at fault. */
	printf("%s\n", path);
	fflush(stdout);
	int rc = captures_open(&c, &path, 1, err, sizeof(err));
	if (rc < 0) {
		printf("%s\n", err);
		refused += rc == -EPROTONOSUPPORT;
		return rc == -EPROTONOSUPPORT ? 0 : 1;
	}
	worker_prepare(&worker, &shard_config);
	run_capture(c);
	const struct account *a = &worker.shard->account;
	require(a->received == captures_facts(c)->packets);
	worker_check(&worker);
	packets += a->received;
	messages += a->rx[WIRE_DNS];
	accounted++;
	captures_close(c);
	return 0;
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	int rc = 0;

	for (int i = 1; i < argc && rc == 0; i++) {
		const char *root = shared_path(argv[i], path);
		rc = nftw(root, check_file, 16, FTW_PHYS);
		if (rc < 0 && walk_absent(root, argv[i]))
			rc = 0;
	}
	printf("%u captures, %u of other link types left out, %" PRIu64 " packets, %" PRIu64
	       " DNS messages, each accounted for\n",
		accounted, refused, packets, messages);
	if (rc)
		return EXIT_FAILURE;
	return accounted ? EXIT_SUCCESS : EXIT_SKIPPED;
}
