/* SPDX-License-Identifier: BSD-3-Clause */

/* The captures, read into memory in the order of their paths, re-framed behind Ethernet. */

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/capture.h"
#include "mutate.h"
#include "shared.h"

#define FRAME_MAX 65600u
#define STORE_OCTETS (256u << 20)

static char **found;
static size_t found_count;

static int find_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	found = reallocarray(found, found_count + 1, sizeof(*found));
	char *copy = strdup(path);
	if (!found || !copy)
		return 1;
	found[found_count++] = copy;
	return 0;
}

static int path_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_deep(const uint8_t *data, uint32_t len)
{
	struct layers l;

	layers_find(WIRE_LINK_ETHERNET, data, len, &l);
	for (unsigned i = 0; i < l.n; i++) {
		enum layer_kind kind = l.layer[i].kind;
		if (kind == LAYER_FRAGMENT || kind >= LAYER_GRE || kind == LAYER_MPLS ||
			kind == LAYER_PPPOE)
			return true;
		if (kind == LAYER_IPV4 && load_be16(data + l.layer[i].at + 6) & 0x3fff)
			return true;
	}
	return false;
}

static void sample_add(struct corpus *c, struct source *s, uint8_t *to, uint32_t len)
{
	/* Grown at powers of two. */
	if ((c->samples & (c->samples - 1)) == 0)
		c->sample = reallocarray(c->sample, 2u * c->samples + 1, sizeof(*c->sample));
	if (!c->sample)
		abort();
	bool deep = is_deep(to, len);
	c->sample[c->samples++] = (struct sample){to, len, deep};
	s->frames++;
	s->deep += deep;
}

/* Octets stored; the frame's own Ethernet header is kept. */
static uint32_t sample_store(const struct capture_packet *p, uint8_t *to)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	unsigned type;
	uint32_t skip = link_skip(p->link, p->data, p->caplen, &type);

	if (type == 0 || p->caplen > FRAME_MAX)
		return 0;
	memcpy(to, p->link == WIRE_LINK_ETHERNET ? p->data : macs, sizeof(macs));
	store_be16(to + 12, type);
	memcpy(to + ETHERNET_HEADER, p->data + skip, p->caplen - skip);
	return ETHERNET_HEADER + p->caplen - skip;
}

/* False when it is no capture that can be read. */
static bool read_capture(struct corpus *c, const char *path, uint8_t *store, size_t *used)
{
	struct captures *captures;
	struct capture_packet p;
	struct source s = {.first = c->samples};
	char err[ERROR_LINE_MAX];

	if (captures_open(&captures, &path, 1, err, sizeof(err)) < 0)
		return false;
	while (*used + FRAME_MAX + 32 < STORE_OCTETS && captures_next(captures, &p) > 0) {
		uint32_t len = sample_store(&p, store + *used);
		if (len)
			sample_add(c, &s, store + *used, len);
		*used += len;
	}
	captures_close(captures);
	if (s.frames == 0)
		return false;
	c->source = reallocarray(c->source, c->sources + 1, sizeof(*c->source));
	if (!c->source)
		abort();
	c->source[c->sources++] = s;
	return true;
}

int corpus_read(struct corpus *c, char *const paths[], int n)
{
	char path[PATH_MAX];
	size_t used = 0;
	int captures = 0;

	for (int i = 0; i < n; i++) {
		const char *root = shared_path(paths[i], path);
		if (nftw(root, find_file, 16, FTW_PHYS) != 0) {
			fprintf(stderr, "mutate: %s: %s\n", root, strerror(errno));
			if (errno != ENOENT || root == paths[i])
				return -1;
		}
	}
	if (found_count == 0)
		return 0;
	c->store = malloc(STORE_OCTETS);
	if (!c->store)
		return -1;
	qsort(found, found_count, sizeof(*found), path_order);
	for (size_t i = 0; i < found_count; i++) {
		captures += read_capture(c, found[i], c->store, &used);
		free(found[i]);
	}
	free(found);
	return captures;
}
