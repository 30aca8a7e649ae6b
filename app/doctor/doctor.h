/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * fluxgate doctor: what of this machine would keep `run` from starting, lose it
 * packets, or slow it down; each finding with its remedy. Nothing is changed,
 * claimed or bound, and no EAL starts.
 *
 * The checks are functions over files below a root, which a test makes up.
 * What no file tells comes through struct doctor_system.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "config/config.h"
#include "config/device.h"
#include "doctor/cpulist.h"

enum severity { SEVERITY_OK, SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR, SEVERITY_COUNT };

const char *severity_name(enum severity severity);

#define FINDINGS_MAX 320u

struct finding {
	enum severity severity;
	const char *check; /* "memory.hugepages": topic and what was looked at; static */
	char subject[64];  /* the port's device or the interface; "" for the machine */
	char found[384];
	const char *why;  /* why it matters; static, "" where all is well */
	char remedy[384]; /* a command or a sentence; "" where there is nothing to do */
};

struct findings {
	unsigned n;
	unsigned count[SEVERITY_COUNT];      /* those included that found no room */
	struct finding at[FINDINGS_MAX + 1]; /* the last one takes what finds no room */
};

/* Of a kernel interface. A number that the driver does not tell is 0. */
struct nic_facts {
	char driver[32];
	unsigned rx_queues; /* channels that receive, combined ones and others */
	unsigned combined;  /* combined channels, now and at most */
	unsigned combined_max;
	unsigned rx_ring; /* descriptors, now and at most */
	unsigned rx_ring_max;
	bool gro, gro_hw, lro;
};

/* 0 or -errno each; a NULL one means that it cannot be asked here. */
struct doctor_system {
	int (*nic)(const char *name, struct nic_facts *out);
	int (*clock)(bool *synchronised);
	/*
	 * The XDP program of an interface. 0: none; 1: one that an earlier run left;
	 * -EBUSY: another's, or ours of a process that runs, and err says which.
	 */
	int (*xdp)(const char *name, char err[ERROR_LINE_MAX]);
	/* Whether our XDP program's object is where run finds it: 0, or -errno and a line in err.
	 */
	int (*steer)(const char *device, char err[ERROR_LINE_MAX]);
	uint64_t now; /* seconds since 1970; 0: unknown */
};

/* Octets that `run` will ask for. */
struct doctor_budget {
	size_t tables;   /* appliance_octets */
	size_t buffers;  /* ports_size */
	size_t headroom; /* the EAL's own */
};

struct doctor {
	const char *root;            /* "" for this machine */
	const struct config *config; /* NULL: the machine only */
	const char *config_path;     /* NULL without one */
	const struct doctor_system *system;
	struct doctor_budget budget; /* 0 without a configuration */
	struct findings *findings;

	/* By doctor_look, before the checks. */
	const char *subject;
	uint64_t capabilities; /* effective, by bit */
	bool root_user;
	cpu_set_t allowed;          /* processors that this process may use */
	char command_line[2048];    /* the kernel's */
	struct placement placement; /* n is 0 without a configuration, or with wrong lcores */
};

/* Looks at everything; d->findings is filled. */
void doctor_look(struct doctor *d);

/*
 * Adds a finding about d->subject. Never NULL: beyond FINDINGS_MAX it is counted,
 * not kept.
 */
struct finding *finding_add(struct doctor *d, enum severity severity, const char *check,
	const char *why, const char *found, ...) __attribute__((format(printf, 5, 6)));
void finding_remedy(struct finding *f, const char *remedy, ...)
	__attribute__((format(printf, 2, 3)));

/* EXIT_CODE_OK, _WARNINGS or _ERRORS, by the worst. */
int findings_exit_code(const struct findings *f);

/* The checks by topic. */
void doctor_memory(struct doctor *d);
void doctor_cpu(struct doctor *d);
void doctor_iommu(struct doctor *d);
void doctor_ports(struct doctor *d);
void doctor_nic(struct doctor *d, const struct config_port *port, const char *name);
void doctor_xdp(struct doctor *d);
void doctor_leftovers(struct doctor *d);
void doctor_config(struct doctor *d);
void doctor_listen(struct doctor *d);
void doctor_clock(struct doctor *d);

/*
 * What several of them ask. A kernel parameter's last value, false without it;
 * the NUMA node of a processor, 0 where there are none; whether this process has
 * a capability.
 */
bool kernel_parameter(const struct doctor *d, const char *name, char *out, size_t size);
int processor_node(const struct doctor *d, unsigned cpu);
bool capability_held(const struct doctor *d, unsigned capability);

/*
 * Whether a default route, of IPv4 or IPv6, goes through an interface, or through a bridge, bond
 * or VLAN that stands on it.
 */
bool carries_default_route(const struct doctor *d, const char *name);

/* This machine. */
struct doctor_system doctor_system_here(void);

/* For people, coloured where asked; and for programs, NULL when out of memory. */
void doctor_print(const struct doctor *d, FILE *to, bool coloured);
json_t *doctor_json(const struct doctor *d);
