/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdio.h>

#include "base/crc32c.h"
#include "capture/capture.h"
#include "fluxbench/traffic.h"

static void traffic_add(struct traffic *t, uint32_t octets)
{
	uint32_t frame = octets + TRAFFIC_FCS_OCTETS;

	if (frame < TRAFFIC_FRAME_LEAST)
		frame = TRAFFIC_FRAME_LEAST;
	t->frames++;
	t->wire_octets += frame + TRAFFIC_GAP_OCTETS;
}

int traffic_scan(struct traffic *t, const char *path, char err[ERROR_LINE_MAX])
{
	struct captures *c = NULL;
	struct capture_packet p;
	int rc = captures_open(&c, &path, 1, err, ERROR_LINE_MAX);

	if (rc < 0)
		return rc;
	*t = (struct traffic){0};
	while (captures_next(c, &p) > 0) {
		if (p.link != WIRE_LINK_ETHERNET)
			rc = -EINVAL;
		traffic_add(t, p.wirelen);
		t->crc32c = crc32c(t->crc32c, p.data, p.caplen);
		if (p.caplen > t->longest)
			t->longest = p.caplen;
	}
	captures_close(c);
	if (t->frames == 0 || rc < 0) {
		rc = -EINVAL;
		snprintf(err, ERROR_LINE_MAX, "%s: %s", path,
			t->frames ? "not of Ethernet frames" : "no packets in it");
	}
	return rc;
}

struct traffic traffic_uniform(uint32_t octets)
{
	struct traffic t = {.longest = octets};

	traffic_add(&t, octets);
	return t;
}

double traffic_wire_mean(const struct traffic *t)
{
	return (double)t->wire_octets / (double)t->frames;
}

double traffic_line_rate(const struct traffic *t, double gigabits)
{
	return gigabits * 1e3 / (8 * traffic_wire_mean(t));
}
