/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* Sets of processors as the kernel writes them ("0-3,8"), and the EAL's --lcores. */

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#define PLACEMENT_LCORES 128u

/* Where each lcore may run; in rising order of lcores: control first, then the workers. */
struct placement {
	unsigned n;
	unsigned id[PLACEMENT_LCORES];
	cpu_set_t cpus[PLACEMENT_LCORES];
};

/* False for a text that is no list; an empty text is an empty list. */
bool cpulist_parse(const char *text, cpu_set_t *out);

/* The set as a list; at most size - 1 octets. Returns out. */
const char *cpulist_text(const cpu_set_t *set, char *out, size_t size);

/*
 * "1,2@(5-7),(3-5)@(0,2),(0,6),7-8": an lcore, a range, or a group in brackets,
 * each with "@" and processors. Without it an lcore runs on the processor of its
 * number, and those of a group on all of the group. False for what is not of that form,
 * and for lcores from PLACEMENT_LCORES.
 */
bool placement_parse(const char *text, struct placement *out);

/* The same where the configuration names none: one processor each, or all share all. */
void placement_default(unsigned lcores, const cpu_set_t *allowed, struct placement *out);
