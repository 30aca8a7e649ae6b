/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * fluxpath: a worker's path through lib/ over a capture, once to fill the tables and once to be
 * counted. It measures nothing itself: bench/instructions runs it under callgrind, which counts
 * what is executed in path_counted and below.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "capture/capture.h"
#include "config/config.h"
#include "networks/suffix.h"
#include "sensor/sensor.h"

struct path {
	struct frame *frames;
	uint64_t count;
	struct suffix_list *suffixes;
	struct wire_config wire;
	struct sensor *sensor;
	struct shard *shard;
	uint64_t received; /* by the accounts of both times */
};

static int frames_read(struct path *p, const char *capture, char err[ERROR_LINE_MAX])
{
	struct captures *c = NULL;
	struct capture_packet packet;
	uint64_t room = 0;
	int rc = captures_open(&c, &capture, 1, err, ERROR_LINE_MAX);

	while (rc == 0 && captures_next(c, &packet) > 0) {
		if (p->count == room) {
			struct frame *more;

			room = room ? 2 * room : 4096;
			more = realloc(p->frames, room * sizeof(*more));
			if (!more) {
				rc = -ENOMEM;
				break;
			}
			p->frames = more;
		}
		uint8_t *data = malloc(packet.caplen);
		if (!data) {
			rc = -ENOMEM;
			break;
		}
		memcpy(data, packet.data, packet.caplen);
		p->frames[p->count++] = (struct frame){
			.data = data,
			.caplen = packet.caplen,
			.wirelen = packet.wirelen,
			.time_ns = packet.time_ns,
			.link = packet.link,
		};
	}
	captures_close(c);
	if (rc == -ENOMEM)
		snprintf(err, ERROR_LINE_MAX, "memory: no room for the frames of %s", capture);
	if (rc == 0 && p->count == 0) {
		snprintf(err, ERROR_LINE_MAX, "%s: no packets in it", capture);
		rc = -EINVAL;
	}
	return rc;
}

/* Tables as production's defaults have them. */
static int sensor_make(struct path *p, char err[ERROR_LINE_MAX])
{
	const struct hash_key key = {0x243f6a8885a308d3u, 0x13198a2e03707344u};
	struct config c;

	config_defaults(&c);
	int rc = suffix_list_load(&p->suffixes, c.networks.public_suffix_list, err);
	if (rc < 0)
		return rc;
	wire_config_init(&p->wire, c.dns.ports, c.dns.ports_count);
	const struct sensor_config s = {
		.wire = &p->wire,
		.placement = key,
		.sketch = key,
		.psl = suffix_list_psl(p->suffixes),
		.match_log2 = c.pairing.entries_log2,
		.reasm = c.reasm,
	};
	void *sensor = aligned_alloc(CACHE_LINE, align_up(sensor_size(&s), CACHE_LINE));
	void *shard = aligned_alloc(CACHE_LINE, align_up(shard_size(&c.shard), CACHE_LINE));
	if (!sensor || !shard) {
		free(sensor);
		free(shard);
		snprintf(err, ERROR_LINE_MAX, "memory: no room for the tables");
		return -ENOMEM;
	}
	p->sensor = sensor_init(sensor, &s);
	p->shard = shard_init(shard, &c.shard, key, key);
	sensor_shard(p->sensor, p->shard);
	return 0;
}

static void path_run(struct path *p)
{
	for (uint64_t i = 0; i < p->count; i += SENSOR_BURST) {
		uint64_t left = p->count - i;

		sensor_burst(p->sensor, p->frames + i,
			(unsigned)(left < SENSOR_BURST ? left : SENSOR_BURST));
	}
}

/* What callgrind counts, by this name. */
__attribute__((noinline)) void path_counted(struct path *p);
void path_counted(struct path *p)
{
	path_run(p);
}

/* Each transaction of the second time is one of its own: the first one's are long over. */
static void later(struct path *p)
{
	uint64_t span = p->frames[p->count - 1].time_ns - p->frames[0].time_ns +
			2 * MATCH_TIMEOUT_MS * UINT64_C(1000000);

	for (uint64_t i = 0; i < p->count; i++)
		p->frames[i].time_ns += span;
}

static void path_free(struct path *p)
{
	for (uint64_t i = 0; i < p->count; i++)
		free((void *)(uintptr_t)p->frames[i].data);
	free(p->frames);
	free(p->sensor);
	free(p->shard);
	suffix_list_free(p->suffixes);
}

int main(int argc, char **argv)
{
	char err[ERROR_LINE_MAX] = "";
	struct path p = {0};

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: fluxpath CAPTURE\n"
				"Takes a capture's frames through a worker's path twice and prints "
				"their number.\n");
		return EXIT_CODE_USAGE;
	}
	int rc = frames_read(&p, argv[1], err);
	if (rc == 0)
		rc = sensor_make(&p, err);
	if (rc == 0) {
		path_run(&p);
		later(&p);
		path_counted(&p);
		p.received = p.shard->account.received;
		printf("%lu\n", p.count);
		if (p.received != 2 * p.count) {
			snprintf(err, ERROR_LINE_MAX, "%lu frames taken twice, %lu counted",
				p.count, p.received);
			rc = -EINVAL;
		}
	}
	if (rc < 0)
		fprintf(stderr, "fluxpath: %s\n", err);
	path_free(&p);
	return rc == 0 ? EXIT_CODE_OK : EXIT_CODE_INPUT;
}
