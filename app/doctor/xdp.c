/* SPDX-License-Identifier: BSD-3-Clause */

/* What AF_XDP and packet sockets ask of kernel and rights. */

#include <inttypes.h>
#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

/* Numbers of linux/capability.h. CAP_BPF loads a program; to find one on an interface takes more.
 */
#define CAP_NET_ADMIN_BIT 12u
#define CAP_NET_RAW_BIT 13u
#define CAP_SYS_ADMIN_BIT 21u

static void kernel_check(struct doctor *d, bool wanted)
{
	char text[16384];
	int64_t value;

	if (tree_read(d->root, text, sizeof(text), "/proc/net/protocols") > 0) {
		bool has = strstr(text, "\nXDP ") != NULL;

		if (has)
			finding_add(d, SEVERITY_OK, "xdp.sockets", "", "the kernel has AF_XDP");
		else
			finding_remedy(finding_add(d, wanted ? SEVERITY_ERROR : SEVERITY_NOTE,
					       "xdp.sockets", "net_af_xdp ports need it",
					       "this kernel has no AF_XDP"),
				"use net_af_packet, or a kernel with CONFIG_XDP_SOCKETS");
	}
	if (tree_number(d->root, &value, "/proc/sys/net/core/bpf_jit_enable")) {
		if (value)
			finding_add(d, SEVERITY_OK, "xdp.jit", "", "BPF programs are compiled");
		else
			finding_remedy(
				finding_add(d, wanted ? SEVERITY_WARNING : SEVERITY_NOTE, "xdp.jit",
					"an interpreted XDP program costs several times as much a "
					"frame",
					"BPF programs are interpreted"),
				"sysctl -w net.core.bpf_jit_enable=1");
	}
	if (tree_number(d->root, &value, "/proc/sys/kernel/unprivileged_bpf_disabled")) {
		if (value)
			finding_add(d, SEVERITY_OK, "xdp.unprivileged", "",
				"BPF is not open to all users");
		else
			finding_remedy(finding_add(d, SEVERITY_NOTE, "xdp.unprivileged",
					       "fluxgate does not need that, and it is an attack "
					       "surface",
					       "any user may load BPF programs"),
				"sysctl -w kernel.unprivileged_bpf_disabled=2");
	}
}

static void rights_check(struct doctor *d, const char *check, const char *missing)
{
	if (missing[0])
		finding_remedy(finding_add(d, SEVERITY_WARNING, check,
				       "run started with these rights is refused",
				       "this user lacks%s", missing),
			"run as root, or give the service AmbientCapabilities=%s", missing + 1);
	else
		finding_add(d, SEVERITY_OK, check, "", "this user has the rights");
}

/* The program that run attaches is a file of its own. */
static void program_check(struct doctor *d)
{
	for (unsigned i = 0; d->system->steer && i < d->config->ports_count; i++) {
		const char *device = d->config->ports[i].device;
		char err[ERROR_LINE_MAX] = "";

		if (port_kind(device) != PORT_KIND_AF_XDP)
			continue;
		d->subject = device;
		if (d->system->steer(device, err) < 0)
			finding_remedy(finding_add(d, SEVERITY_ERROR, "xdp.program",
					       "run refuses to start", "%s", err),
				"build or install all of it: ninja -C BUILD, or meson install");
		else
			finding_add(d, SEVERITY_OK, "xdp.program", "", "the XDP program is there");
	}
	d->subject = "";
}

void doctor_xdp(struct doctor *d)
{
	bool xdp = d->config && ports_have(d->config, PORT_KIND_AF_XDP);
	bool packet = d->config && ports_have(d->config, PORT_KIND_AF_PACKET);
	char missing[96] = "";

	if (!d->config || xdp)
		kernel_check(d, xdp);
	if (!capability_held(d, CAP_NET_RAW_BIT))
		strcat(missing, " CAP_NET_RAW");
	if (packet && !xdp)
		rights_check(d, "packet.rights", missing);
	if (!xdp)
		return;
	if (!capability_held(d, CAP_NET_ADMIN_BIT))
		strcat(missing, " CAP_NET_ADMIN");
	if (!capability_held(d, CAP_SYS_ADMIN_BIT))
		strcat(missing, " CAP_SYS_ADMIN");
	rights_check(d, "xdp.rights", missing);
	program_check(d);
}
