/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Real captures, mutated without end: what tests/fuzz/whole.py sends through the whole
 * program. Runs of frames are taken from the captures, cut into fragments or TCP segments, put
 * into tunnels, reordered, and then damaged, about every fifth frame, so that most still
 * reach the deep layers. The same seed and captures give the same octets.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns/dns.h"
#include "mutate.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define SNAP_LENGTH 262144u
#define RUN_MAX 12u

/* A frame that is long costs as much as many; few are taken. */
#define LONG_FRAME 9000u

struct options {
	uint64_t seed, frames, from;
	bool check;
	enum wire_link link;
};

struct mutator {
	struct options o;
	struct corpus corpus;
	struct batch batch;
	uint64_t rng;
	uint64_t now_ns;
	uint64_t made, written;
	struct wire_config wire;
	uint64_t class[WIRE_CLASS_COUNT];
	uint64_t messages, parsed;
};

static void usage(FILE *to)
{
	fputs("usage: mutate [options] DIRECTORY|CAPTURE...\n"
	      "  mutated frames of the captures below, as a pcap stream on standard output\n"
	      "  -s, --seed N      1 when not given; the same seed gives the same frames\n"
	      "  -n, --frames N    that many, else without end\n"
	      "  -f, --from N      leave the first N out of the output (they count)\n"
	      "  -l, --link TYPE   ethernet (default), sll, sll2, raw, null, fddi, ppp, hdlc, "
	      "arcnet,\n"
	      "                    nflog, 80211, radiotap or ppi\n"
	      "  -c, --check       write nothing: send each frame through a worker's path here, as "
	      "a\n"
	      "                    copy beyond whose end the address sanitizer sees\n"
	      "  A path \"shared:x\" is $FLUXGATE_SHARED/x. Exit code 77: no captures there.\n",
		to);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 10);

	if (*end || end == text) {
		fprintf(stderr, "mutate: %s: not a number\n", text);
		exit(2);
	}
	return v;
}

static void options_parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"frames", required_argument, NULL, 'n'},
		{"from", required_argument, NULL, 'f'},
		{"link", required_argument, NULL, 'l'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt, link;

	*o = (struct options){.seed = 1, .frames = UINT64_MAX};
	while ((opt = getopt_long(argc, argv, "s:n:f:l:ch", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			o->seed = number(optarg);
			break;
		case 'n':
			o->frames = number(optarg);
			break;
		case 'f':
			o->from = number(optarg);
			break;
		case 'l':
			link = link_named(optarg);
			o->link = (enum wire_link)link;
			if (link >= 0)
				break;
			usage(stderr);
			exit(2);
		case 'c':
			o->check = true;
			break;
		case 'h':
		default:
			usage(opt == 'h' ? stdout : stderr);
			exit(opt == 'h' ? 0 : 2);
		}
	}
}

static const struct sample *sample_any(struct mutator *m)
{
	const struct source *s = &m->corpus.source[random_below(&m->rng, m->corpus.sources)];

	return &m->corpus.sample[s->first + random_below(&m->rng, s->frames)];
}

/* A run of frames of one capture, most often one that starts at something deep. */
static void batch_load(struct mutator *m)
{
	const struct source *s = &m->corpus.source[random_below(&m->rng, m->corpus.sources)];
	uint32_t at = random_below(&m->rng, s->frames);
	uint32_t run = 1 + random_below(&m->rng, RUN_MAX);

	if (s->deep == 0 && !chance(&m->rng, 8))
		return;
	if (s->deep && !chance(&m->rng, 8))
		while (!m->corpus.sample[s->first + at].deep)
			at = (at + 1) % s->frames;
	for (; run > 0 && at < s->frames; run--, at++) {
		const struct sample *f = &m->corpus.sample[s->first + at];
		if (f->len < LONG_FRAME || chance(&m->rng, 32))
			packet_set(batch_insert(&m->batch, m->batch.n), f->data, f->len);
	}
}

static void batch_shape(struct mutator *m)
{
	struct batch *b = &m->batch;
	uint64_t *rng = &m->rng;
	uint32_t kind = random_below(rng, 8);

	if (chance(rng, 64))
		batch_chain(b, rng);
	else if (kind == 0)
		batch_segment(b, rng);
	else if (kind <= 2)
		for (unsigned i = b->n; i-- > 0;)
			if (chance(rng, 2))
				batch_fragment(b, i, rng);
	if (chance(rng, 2)) {
		/* Mostly all of a run goes the same way. */
		uint64_t way = random_u64(rng);
		bool same = !chance(rng, 6);
		unsigned depth = 1;
		while (depth < 6 && chance(rng, 4))
			depth++;
		for (unsigned i = 0; i < b->n; i++) {
			uint64_t own = same ? way : random_u64(rng);
			for (unsigned d = 0; d < depth; d++)
				packet_wrap(b->packet[i], &own);
		}
	}
	if (chance(rng, 12) && b->n)
		batch_fragment(b, random_below(rng, b->n), rng);
	if (chance(rng, 3))
		batch_reorder(b, rng);
}

static void batch_damage(struct mutator *m)
{
	/* Fragments and segments come to anything only when most of a run is left alone. */
	bool whole = chance(&m->rng, 4);
	uint32_t one_in = 2 + random_below(&m->rng, 7);

	for (unsigned i = 0; i < m->batch.n; i++) {
		struct packet *p = m->batch.packet[i];
		packet_reframe(p, m->o.link);
		if (whole || !chance(&m->rng, one_in))
			continue;
		do
			packet_damage(p, m->o.link, sample_any(m), &m->rng);
		while (chance(&m->rng, 3));
	}
}

/* Half a millisecond a frame, now and then a step; no two bogus stamps in a row, for the
 * reader takes a leap that the next packet confirms. */
static uint64_t stamp_next(struct mutator *m)
{
	uint64_t *rng = &m->rng;

	m->now_ns += random_below(rng, 1000000);
	switch (random_below(rng, 16384)) {
	case 0:
		m->now_ns += (1 + random_below(rng, 600)) * NS_PER_SECOND;
		break;
	case 1:
		return random_u64(rng) % (UINT32_MAX * NS_PER_SECOND);
	default:
		break;
	}
	return chance(rng, 64) ? m->now_ns - random_below(rng, 2000000000) : m->now_ns;
}

static void tally(struct mutator *m, const struct packet *p)
{
	static struct dns_record rec[DNS_RECORDS_MAX];
	struct dns_message msg;
	struct wire_packet w;
	uint32_t len = packet_len(p);
	enum wire_verdict v = wire_decode(
		&m->wire, m->o.link, p->bytes + p->start, len, p->wire < len ? len : p->wire, &w);

	m->class[wire_verdict_class(v)]++;
	if (v != WIRE_DNS)
		return;
	m->messages++;
	m->parsed += dns_parse(w.payload, w.payload_len, w.cut, rec, &msg) == DNS_OK;
}

static void write_all(const void *data, size_t n)
{
	if (fwrite(data, 1, n, stdout) == n)
		return;
	perror("mutate: standard output");
	exit(1);
}

static void packet_write(struct mutator *m, const struct packet *p)
{
	uint64_t stamp = stamp_next(m);
	uint32_t record[4] = {(uint32_t)(stamp / NS_PER_SECOND), (uint32_t)(stamp % NS_PER_SECOND),
		packet_len(p), p->wire};

	if (m->made++ < m->o.from)
		return;
	if (m->o.check) {
		check_frame(p, m->o.link, stamp);
	} else {
		write_all(record, sizeof(record));
		write_all(p->bytes + p->start, packet_len(p));
	}
	m->written++;
	tally(m, p);
}

static void header_write(const struct mutator *m)
{
	/* Nanoseconds, version 2.4. */
	const uint32_t header[] = {
		0xa1b23c4d, 2 | 4 << 16, 0, 0, SNAP_LENGTH, link_type(m->o.link)->number};

	write_all(header, sizeof(header));
}

static void report(const struct mutator *m)
{
	double n = m->written ? (double)m->written : 1;

	fprintf(stderr, "mutate: seed %" PRIu64 ", %s: %" PRIu64 " frames:", m->o.seed,
		link_type(m->o.link)->name, m->written);
	for (unsigned i = 0; i < WIRE_CLASS_COUNT; i++)
		fprintf(stderr, " %s %.1f %%", wire_class_name((enum wire_class)i),
			100 * (double)m->class[i] / n);
	fprintf(stderr, "; %.1f %% of the messages parse\n",
		m->messages ? 100 * (double)m->parsed / (double)m->messages : 0);
}

int main(int argc, char **argv)
{
	static struct mutator m;
	const uint16_t port = 53;

	options_parse(argc, argv, &m.o);
	wire_config_init(&m.wire, &port, 1);
	if (corpus_read(&m.corpus, argv + optind, argc - optind) < 0)
		return 1;
	if (m.corpus.sources == 0) {
		fputs("mutate: no captures\n", stderr);
		return 77;
	}
	for (unsigned i = 0; i < BATCH_MAX; i++)
		if (!(m.batch.packet[i] = malloc(sizeof(struct packet))))
			return 1;
	m.rng = m.o.seed * 0x9e3779b97f4a7c15u;
	m.now_ns = 1700000000 * NS_PER_SECOND;
	setvbuf(stdout, NULL, _IOFBF, 1u << 20);
	if (!m.o.check)
		header_write(&m);
	while (m.made < m.o.frames) {
		m.batch.n = 0;
		batch_load(&m);
		batch_shape(&m);
		batch_damage(&m);
		for (unsigned i = 0; i < m.batch.n && m.made < m.o.frames; i++)
			packet_write(&m, m.batch.packet[i]);
	}
	if (m.o.check)
		check_end();
	else if (fflush(stdout) != 0)
		return 1;
	report(&m);
	return 0;
}
