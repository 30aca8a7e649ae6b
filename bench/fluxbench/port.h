/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* The port that a benchmark polls, of one of three kinds, with one queue. */

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "fluxbench/traffic.h"

#define BENCH_PORT_DESCRIPTORS 1024u

enum bench_port_kind {
	BENCH_PORT_MEM,  /* frames cold in memory, nothing copied (mem_port.h) */
	BENCH_PORT_PCAP, /* net_pcap, infinite_rx: copies each frame out of an mbuf */
	BENCH_PORT_NULL, /* net_null: frames of 64 octets with FCS that hold no packet */
	BENCH_PORT_KINDS,
};

struct bench_port {
	enum bench_port_kind kind;
	const char *capture; /* NULL for net_null */
	unsigned index;      /* among the ports of the process, from 0 */
	struct traffic traffic;
	uint16_t number;
	struct mem_port *mem;
};

const char *bench_port_name(enum bench_port_kind kind);

/* The kind of that name; BENCH_PORT_KINDS when there is none. */
enum bench_port_kind bench_port_find(const char *name);

/* Before the EAL starts: learns the traffic, names the device. 0, or -errno and a line in err. */
int bench_port_plan(struct bench_port *p, struct config_port *device, char err[ERROR_LINE_MAX]);

/* Octets of DPDK's memory that it will take. */
size_t bench_port_octets(const struct bench_port *p);

/* 0, or -errno and a line in err. */
int bench_port_open(struct bench_port *p, char err[ERROR_LINE_MAX]);

/* Frames that it made since it was opened: handed out or lost, and the lost ones alone. */
void bench_port_counts(const struct bench_port *p, uint64_t *generated, uint64_t *lost);

void bench_port_close(struct bench_port *p);
