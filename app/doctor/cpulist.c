/* SPDX-License-Identifier: BSD-3-Clause */

#include <stdio.h>
#include <string.h>

#include "doctor/cpulist.h"

/* A number below CPU_SETSIZE; NULL without one, else what follows it. */
static const char *number_parse(const char *s, unsigned *out)
{
	unsigned n = 0;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9' && n < CPU_SETSIZE; s++)
		n = n * 10 + (unsigned)(*s - '0');
	*out = n;
	return n < CPU_SETSIZE ? s : NULL;
}

/* "3" or "3-5", added to *out. */
static const char *range_parse(const char *s, cpu_set_t *out)
{
	unsigned from, to;

	s = number_parse(s, &from);
	to = from;
	if (s && *s == '-')
		s = number_parse(s + 1, &to);
	if (!s || to < from)
		return NULL;
	for (unsigned i = from; i <= to; i++)
		CPU_SET(i, out);
	return s;
}

/* Ranges with commas between them, added to *out. */
static const char *ranges_parse(const char *s, cpu_set_t *out)
{
	s = range_parse(s, out);
	while (s && *s == ',')
		s = range_parse(s + 1, out);
	return s;
}

bool cpulist_parse(const char *text, cpu_set_t *out)
{
	CPU_ZERO(out);
	if (text[0] == '\0')
		return true;
	const char *end = ranges_parse(text, out);
	return end && *end == '\0';
}

const char *cpulist_text(const cpu_set_t *set, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < CPU_SETSIZE && n < size; i++) {
		unsigned last = i;

		if (!CPU_ISSET(i, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		n += (size_t)snprintf(
			out + n, size - n, last > i ? "%s%u-%u" : "%s%u", n ? "," : "", i, last);
		i = last;
	}
	return out;
}

/* A range, or ranges in brackets. */
static const char *group_parse(const char *s, cpu_set_t *out, bool *bracketed)
{
	CPU_ZERO(out);
	*bracketed = *s == '(';
	if (!*bracketed)
		return range_parse(s, out);
	s = ranges_parse(s + 1, out);
	return s && *s == ')' ? s + 1 : NULL;
}

static bool lcores_place(
	struct placement *p, const cpu_set_t *lcores, const cpu_set_t *cpus, bool own)
{
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		unsigned at = 0;

		if (!CPU_ISSET(i, lcores))
			continue;
		if (i >= PLACEMENT_LCORES)
			return false;
		while (at < p->n && p->id[at] < i)
			at++;
		if (at == p->n || p->id[at] != i) {
			memmove(&p->id[at + 1], &p->id[at], (p->n - at) * sizeof(p->id[0]));
			memmove(&p->cpus[at + 1], &p->cpus[at], (p->n - at) * sizeof(p->cpus[0]));
			p->n++;
		}
		p->id[at] = i;
		p->cpus[at] = *cpus;
		if (own) {
			CPU_ZERO(&p->cpus[at]);
			CPU_SET(i, &p->cpus[at]);
		}
	}
	return true;
}

bool placement_parse(const char *s, struct placement *out)
{
	out->n = 0;
	for (;; s++) {
		cpu_set_t lcores, cpus;
		bool group, ignored;

		s = group_parse(s, &lcores, &group);
		if (!s)
			return false;
		cpus = lcores;
		bool placed = *s == '@';
		if (placed)
			s = group_parse(s + 1, &cpus, &ignored);
		if (!s || !lcores_place(out, &lcores, &cpus, !placed && !group))
			return false;
		if (*s != ',')
			return *s == '\0';
	}
}

void placement_default(unsigned lcores, const cpu_set_t *allowed, struct placement *out)
{
	bool share = (unsigned)CPU_COUNT(allowed) < lcores;
	unsigned cpu = 0;

	out->n = lcores < PLACEMENT_LCORES ? lcores : PLACEMENT_LCORES;
	for (unsigned i = 0; i < out->n; i++) {
		out->id[i] = i;
		out->cpus[i] = *allowed;
		if (share)
			continue;
		while (!CPU_ISSET(cpu, allowed))
			cpu++;
		CPU_ZERO(&out->cpus[i]);
		CPU_SET(cpu, &out->cpus[i]);
		cpu++;
	}
}
