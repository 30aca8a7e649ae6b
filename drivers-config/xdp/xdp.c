/* SPDX-License-Identifier: BSD-3-Clause */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "drivers-config/xdp/xdp.h"

#define MAPS_MAX 8u

/* The XDP program on an interface; descriptors are -1 where there is none. */
struct attached {
	int interface; /* index */
	uint32_t id;   /* 0: none */
	uint32_t mode; /* XDP_FLAGS_*_MODE that it was attached in */
	int program;
	bool ours;
	int config;
	int counters;
	char name[BPF_OBJ_NAME_LEN];
};

const char *steer_cause_name(enum steer_cause cause)
{
	static const char *const names[STEER_CAUSES] = {
#define CAUSE_NAME(name) #name,
		STEER_CAUSES_EACH(CAUSE_NAME)
#undef CAUSE_NAME
	};

	return names[cause];
}

void xdp_steering_init(struct xdp_steering *s, const uint16_t *dns, unsigned count)
{
	/* VXLAN and Linux' older port for it, Geneve, GTP-U, L2TP, Teredo, GRE in UDP. */
	static const uint16_t tunnel[] = {4789, 8472, 6081, 2152, 1701, 3544, 4754};

	*s = (struct xdp_steering){
		.dns_count = count < XDP_PORTS_MAX ? count : XDP_PORTS_MAX,
		.tunnel_count = sizeof(tunnel) / sizeof(tunnel[0]),
		.encrypted_count = 1,
		.encrypted = {853},
		.tunnels = STEER_TUNNEL_MPLS | STEER_TUNNEL_PPPOE | STEER_TUNNEL_GRE |
			   STEER_TUNNEL_IPIP | STEER_TUNNEL_6IN4,
	};
	memcpy(s->dns, dns, s->dns_count * sizeof(*dns));
	memcpy(s->tunnel, tunnel, sizeof(tunnel));
}

static void attached_close(struct attached *a)
{
	const int fd[] = {a->program, a->config, a->counters};

	for (size_t i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

/* Opens those of the program's maps that are wanted; ours when all three names are there. */
static int maps_open(struct attached *a, const uint32_t *ids, uint32_t count)
{
	bool sockets = false;

	for (uint32_t i = 0; i < count; i++) {
		struct bpf_map_info info = {0};
		uint32_t size = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			return fd;
		int rc = bpf_obj_get_info_by_fd(fd, &info, &size);
		if (rc == 0 && strcmp(info.name, STEER_MAP_CONFIG) == 0 &&
			info.value_size == sizeof(struct steer_config) && a->config < 0)
			a->config = fd;
		else if (rc == 0 && strcmp(info.name, STEER_MAP_COUNTERS) == 0 &&
			 info.max_entries == STEER_CAUSES && a->counters < 0)
			a->counters = fd;
		else
			close(fd);
		sockets |= rc == 0 && strcmp(info.name, STEER_MAP_SOCKETS) == 0;
	}
	a->ours = sockets && a->config >= 0 && a->counters >= 0;
	return 0;
}

static int program_open(struct attached *a)
{
	struct bpf_prog_info info = {0};
	uint32_t ids[MAPS_MAX], size = sizeof(info);

	a->program = bpf_prog_get_fd_by_id(a->id);
	if (a->program < 0)
		return a->program;
	info.map_ids = (uintptr_t)ids;
	info.nr_map_ids = MAPS_MAX;
	int rc = bpf_obj_get_info_by_fd(a->program, &info, &size);
	if (rc < 0)
		return rc;
	snprintf(a->name, sizeof(a->name), "%s", info.name);
	if (strcmp(info.name, STEER_PROGRAM) != 0 || info.nr_map_ids > MAPS_MAX)
		return 0;
	return maps_open(a, ids, info.nr_map_ids);
}

/* 0, also where no program is; or -errno. To be closed in any case. */
static int attached_find(struct attached *a, const char *interface)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	*a = (struct attached){.program = -1, .config = -1, .counters = -1};
	a->interface = (int)if_nametoindex(interface);
	if (a->interface == 0)
		return -errno;
	int rc = bpf_xdp_query(a->interface, 0, &query);
	if (rc < 0)
		return rc;
	/* What is attached in several modes at once is not ours: prog_id is 0 then. */
	if (query.attach_mode == XDP_ATTACHED_MULTI) {
		a->id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
		snprintf(a->name, sizeof(a->name), "several");
		return 0;
	}
	a->id = query.prog_id;
	a->mode = query.attach_mode == XDP_ATTACHED_SKB  ? XDP_FLAGS_SKB_MODE
		  : query.attach_mode == XDP_ATTACHED_HW ? XDP_FLAGS_HW_MODE
							 : XDP_FLAGS_DRV_MODE;
	return a->id ? program_open(a) : 0;
}

/* Detaches exactly this program: not one that took its place meanwhile. */
static int attached_detach(const struct attached *a)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, options, .old_prog_fd = a->program);

	return bpf_xdp_detach(a->interface, a->mode | XDP_FLAGS_REPLACE, &options);
}

/* Whether a descriptor of /proc/PID/fdinfo is the program. */
static bool fdinfo_is(const char *path, uint32_t program)
{
	char line[128];
	unsigned id;
	bool found = false;
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "prog_id: %u", &id) == 1 && id == program;
	fclose(f);
	return found;
}

static bool process_holds(const char *pid, uint32_t program)
{
	char path[600];
	struct dirent *e;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.20s/fdinfo", pid);
	DIR *dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%.20s/fdinfo/%s", pid, e->d_name);
		found = e->d_name[0] != '.' && fdinfo_is(path, program);
	}
	closedir(dir);
	return found;
}

/* A process other than this that holds the program open, as its driver does; or 0. */
static long owner_find(uint32_t program)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	long owner = 0;

	while (dir && owner == 0 && (e = readdir(dir))) {
		long pid = strtol(e->d_name, NULL, 10);
		if (pid > 0 && pid != (long)getpid() && process_holds(e->d_name, program))
			owner = pid;
	}
	if (dir)
		closedir(dir);
	return owner;
}

/* What xdp_look says of what is on the interface. */
static int attached_look(struct attached *a, const char *interface, char err[ERROR_LINE_MAX])
{
	long owner;
	int rc = attached_find(a, interface);

	if (rc < 0) {
		snprintf(err, ERROR_LINE_MAX, "port %s: XDP: %s%s", interface, strerror(-rc),
			rc == -EPERM || rc == -EACCES ? ": AF_XDP needs root" : "");
	} else if (a->id && !a->ours) {
		rc = -EBUSY;
		snprintf(err, ERROR_LINE_MAX,
			"port %s: XDP program \"%s\" (id %u) of somebody else is on it: end its "
			"owner, or detach it: ip link set dev %s xdp off",
			interface, a->name, a->id, interface);
	} else if (a->id && (owner = owner_find(a->id)) != 0) {
		rc = -EBUSY;
		snprintf(err, ERROR_LINE_MAX,
			"port %s: the sensor of process %ld is on it: stop that first", interface,
			owner);
	}
	return rc < 0 ? rc : a->id != 0;
}

int xdp_look(const char *interface, char err[ERROR_LINE_MAX])
{
	struct attached a;
	int rc = attached_look(&a, interface, err);

	attached_close(&a);
	return rc;
}

int xdp_prepare(const char *interface, char err[ERROR_LINE_MAX])
{
	struct attached a;
	int left = attached_look(&a, interface, err);
	int rc = left == 1 ? attached_detach(&a) : left;

	if (left == 1 && rc < 0)
		snprintf(err, ERROR_LINE_MAX,
			"port %s: the XDP program of an earlier run can't be detached: %s: "
			"ip link set dev %s xdp off",
			interface, strerror(-rc), interface);
	attached_close(&a);
	return rc < 0 ? rc : left;
}

static void class_add(
	struct steer_config *c, const uint16_t *ports, unsigned count, enum steer_port_class class)
{
	for (unsigned i = 0; i < count; i++)
		c->port[ports[i]] |= (uint8_t) class;
}

void xdp_steering_config(struct steer_config *c, const struct xdp_steering *s)
{
	class_add(c, s->dns, s->dns_count, STEER_PORT_DNS);
	class_add(c, s->tunnel, s->tunnel_count, STEER_PORT_TUNNEL);
	class_add(c, s->encrypted, s->encrypted_count, STEER_PORT_ENCRYPTED);
	c->tunnels = s->tunnels;
	c->active = 1;
}

static int config_write(int map, const struct xdp_steering *s)
{
	struct steer_config *c = calloc(1, sizeof(*c));
	uint32_t zero = 0;

	if (!c)
		return -ENOMEM;
	xdp_steering_config(c, s);
	int rc = bpf_map_update_elem(map, &zero, c, BPF_ANY);
	free(c);
	return rc;
}

int xdp_configure(struct xdp_port *p, const char *interface, const struct xdp_steering *s,
	char err[ERROR_LINE_MAX])
{
	struct attached a;
	int rc = attached_find(&a, interface);

	*p = (struct xdp_port){false, -1};
	if (rc == 0 && !a.ours)
		rc = -ENOENT;
	if (rc == 0)
		rc = config_write(a.config, s);
	if (rc == 0) {
		*p = (struct xdp_port){true, a.counters};
		a.counters = -1;
	} else {
		snprintf(err, ERROR_LINE_MAX,
			"port %s: the XDP program can't be told what to take: %s", interface,
			rc == -ENOENT ? "it is not on the interface" : strerror(-rc));
	}
	attached_close(&a);
	return rc;
}

int xdp_counters_read(const struct xdp_port *p, struct xdp_counters *out)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus < 0)
		return cpus;
	if (!p->active)
		return -ENOENT;

	uint64_t *value = calloc((size_t)cpus, sizeof(*value));
	int rc = value ? 0 : -ENOMEM;

	for (uint32_t cause = 0; cause < STEER_CAUSES && rc == 0; cause++) {
		out->cause[cause] = 0;
		rc = bpf_map_lookup_elem(p->counters, &cause, value);
		for (int i = 0; i < cpus && rc == 0; i++)
			out->cause[cause] += value[i];
	}
	free(value);
	return rc;
}

uint64_t xdp_counters_redirected(const struct xdp_counters *c)
{
	return c->cause[STEER_redirect_dns_udp] + c->cause[STEER_redirect_dns_tcp] +
	       c->cause[STEER_redirect_fragment] + c->cause[STEER_redirect_tunnel] +
	       c->cause[STEER_redirect_failed];
}

void xdp_close(struct xdp_port *p)
{
	if (p->active)
		close(p->counters);
	*p = (struct xdp_port){false, -1};
}

int xdp_detach(const char *interface)
{
	struct attached a;
	int rc = attached_find(&a, interface);

	if (rc == 0 && a.ours && owner_find(a.id) == 0)
		rc = attached_detach(&a);
	attached_close(&a);
	return rc;
}
