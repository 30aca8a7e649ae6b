/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * How a person checks what the sensor sees: the same decoder and parser, and no
 * judgement. A message that the parser refuses is there as well, with what lies
 * before the fault, and so is one that an ICMP error quotes.
 */

#include <getopt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/bits.h"
#include "capture/capture.h"
#include "cli/dump.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rdata.h"
#include "dns/dns.h"
#include "export/rfc3339.h"
#include "reasm/reasm.h"
#include "wire/wire.h"

#define DNS_PORT 53u
#define NS_PER_MS UINT64_C(1000000)

struct dump {
	struct captures *captures;
	struct wire_config wire;
	struct reasm *reasm;
	uint64_t now_ns;        /* latest stamp so far */
	struct account account; /* reassembly counts; here nobody reads it */
	struct dns_record record[DNS_RECORDS_MAX];
};

static void usage(FILE *to)
{
	fputs("usage: fluxgate dump [--port PORT]... CAPTURE...\n"
	      "  one JSON line for each DNS response in the captures\n"
	      "  -p, --port PORT        UDP and TCP port of DNS, up to 8 times (53)\n"
	      "  -h, --help             this text\n",
		to);
}

static json_t *name_json(const struct dns_name *name)
{
	char text[DNS_TEXT_MAX];

	return json_stringn(text, dns_name_text(name->wire, name->len, text, sizeof(text)));
}

static json_t *type_json(unsigned type)
{
	char text[RDATA_TYPE_MAX];

	rdata_type_text(type, text);
	return json_string(text);
}

static json_t *layers_json(unsigned layers)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < WIRE_LAYER_COUNT; i++)
		if (layers >> i & 1)
			json_array_append_new(list, json_string(wire_layer_name(i)));
	return list;
}

static json_t *answer_json(const uint8_t *msg, uint32_t len, const struct dns_record *r)
{
	struct dns_name owner;
	char *rdata = rdata_text(msg, r);
	json_t *answer = json_pack("{s:o*, s:o, s:I, s:s*}", "rrname",
		dns_name_decode(msg, len, r->owner, &owner) ? name_json(&owner) : NULL, "rrtype",
		type_json(r->type), "ttl", (json_int_t)r->ttl, "rdata", rdata);

	free(rdata);
	return answer;
}

static json_t *answers_json(
	const uint8_t *msg, uint32_t len, const struct dns_message *m, const struct dns_record *rec)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < m->records && rec[i].section == DNS_ANSWER; i++)
		json_array_append_new(list, answer_json(msg, len, &rec[i]));
	return list;
}

/* The question, or null where there is none to be read. */
static void question_json(json_t *line, const uint8_t *msg, const struct dns_message *m)
{
	struct dns_name name;

	if (m->qname_wire_len)
		dns_name_question(msg, m, &name);
	json_object_set_new(line, "qname", m->qname_wire_len ? name_json(&name) : json_null());
	json_object_set_new(line, "qtype", m->qname_wire_len ? type_json(m->qtype) : json_null());
}

static json_t *response_json(const struct dump *d, const struct capture_packet *p,
	const struct wire_packet *w, enum dns_verdict verdict, const struct dns_message *m,
	const struct dns_record *rec)
{
	char ts[RFC3339_MAX];
	json_t *file =
		json_string(captures_path(d->captures, p->file)); /* NULL where it is not UTF-8 */

	rfc3339_nanoseconds(p->stamp_ns, ts);
	json_t *line = json_pack("{s:o, s:I, s:s, s:s, s:o}", "file", file ? file : json_null(),
		"frame", (json_int_t)p->frame, "ts", ts, "transport",
		w->transport == WIRE_TCP ? "tcp" : "udp", "encapsulation", layers_json(w->layers));
	if (!line)
		return NULL;
	question_json(line, w->payload, m);
	json_object_set_new(line, "rcode", json_integer(dns_rcode(m)));
	json_object_set_new(line, "truncated", json_boolean(dns_truncated(m)));
	json_object_set_new(line, "answers", answers_json(w->payload, w->payload_len, m, rec));
	if (verdict != DNS_OK)
		json_object_set_new(line, "fault", json_string(dns_verdict_name(verdict)));
	if (w->cut)
		json_object_set_new(line, "cut", json_true());
	return line;
}

/* 0, or -1 when the line could not be written. */
static int dump_message(struct dump *d, const struct capture_packet *p, const struct wire_packet *w)
{
	struct dns_message m;

	enum dns_verdict v = dns_parse(w->payload, w->payload_len, w->cut, d->record, &m);
	if (v == DNS_SHORT || !dns_is_response(&m))
		return 0;
	json_t *line = response_json(d, p, w, v, &m, d->record);
	int rc = line ? json_dumpf(line, stdout, JSON_COMPACT) : -1;
	json_decref(line);
	return rc < 0 || putchar('\n') == EOF ? -1 : 0;
}

/* The messages that reassembly has ready; the packet is the one that completed them. */
static int dump_ready(struct dump *d, const struct capture_packet *p)
{
	struct wire_packet w;
	int rc = 0;

	while (rc == 0 && reasm_next(d->reasm, &d->account, &w))
		rc = dump_message(d, p, &w);
	return rc;
}

static int dump_packet(struct dump *d, const struct capture_packet *p)
{
	struct wire_packet w;
	enum wire_verdict v = wire_decode(&d->wire, p->link, p->data, p->caplen, p->wirelen, &w);

	if (v == WIRE_DNS || v == WIRE_QUOTED)
		return dump_message(d, p, &w);
	if (!reasm_wants(v))
		return 0;
	if (p->stamp_ns > d->now_ns)
		d->now_ns = p->stamp_ns;
	reasm_push(d->reasm, &d->wire, v, &w, d->now_ns / NS_PER_MS, &d->account);
	return dump_ready(d, p);
}

static int dump_captures(struct dump *d)
{
	struct capture_packet p = {0};
	bool more = true;
	int rc = 0;

	while (rc == 0 && captures_next(d->captures, &p) > 0)
		rc = dump_packet(d, &p);
	while (rc == 0 && more) {
		more = reasm_sweep(d->reasm, d->now_ns / NS_PER_MS, true, &d->account);
		rc = dump_ready(d, &p);
	}
	return rc;
}

/* A person looks at a capture of any length; so much is waited for at a time. */
static const struct reasm_config reasm_config = {
	.datagrams = 1024,
	.fragment_timeout_ms = 5000,
	.streams = 16384,
	.buffers = 256,
};

static int dump_files(struct dump *d, const char *const paths[], unsigned n)
{
	const struct hash_key key = {UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0)};
	char err[ERROR_LINE_MAX];

	if (captures_open(&d->captures, paths, n, err, sizeof(err)) < 0) {
		fprintf(stderr, "fluxgate: %s\n", err);
		return EXIT_CODE_INPUT;
	}
	void *memory = aligned_alloc(CACHE_LINE, align_up(reasm_size(&reasm_config), CACHE_LINE));
	int rc = memory ? 0 : -1;
	if (memory) {
		d->reasm = reasm_init(memory, &reasm_config, key);
		rc = dump_captures(d);
	}
	free(memory);
	if (captures_facts(d->captures)->cut)
		fprintf(stderr, "fluxgate: %s\n", captures_facts(d->captures)->cut_note);
	captures_close(d->captures);
	if (rc < 0 || fflush(stdout) == EOF) {
		fprintf(stderr, "fluxgate: dump: standard output: %s\n", strerror(errno));
		return EXIT_CODE_RUNTIME;
	}
	return EXIT_CODE_OK;
}

/* 1..65535, or 0 when the text is no port. */
static uint16_t port_parse(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && *end == '\0' && v <= UINT16_MAX ? (uint16_t)v : 0;
}

int dump_main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	uint16_t ports[WIRE_PORTS_MAX] = {DNS_PORT};
	unsigned n = 0;
	static struct dump dump;
	int opt;

	while ((opt = getopt_long(argc, argv, ":p:h", options, NULL)) != -1) {
		switch (opt) {
		case 'p':
			if (n == WIRE_PORTS_MAX || (ports[n++] = port_parse(optarg)) == 0) {
				fprintf(stderr,
					"fluxgate: dump: --port %s: 1 to 65535, at most %u "
					"times\n",
					optarg, WIRE_PORTS_MAX);
				return EXIT_CODE_USAGE;
			}
			break;
		case 'h':
			usage(stdout);
			return EXIT_CODE_OK;
		default:
			return option_refuse("dump", opt, argv);
		}
	}
	if (optind == argc) {
		fputs("fluxgate: dump: no capture: see fluxgate dump --help\n", stderr);
		return EXIT_CODE_USAGE;
	}
	wire_config_init(&dump.wire, ports, n ? n : 1);
	return dump_files(&dump, (const char *const *)argv + optind, (unsigned)(argc - optind));
}
