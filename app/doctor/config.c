/* SPDX-License-Identifier: BSD-3-Clause */

/* What the configuration names beside memory, cores and ports; the clock. */

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/listen.h"
#include "doctor/doctor.h"
#include "doctor/tree.h"
#include "export/rpz_guards.h"
#include "networks/lists.h"
#include "networks/networks.h"
#include "networks/suffix.h"

#define DAY_SECONDS 86400u

/* Networks change hands: after that time one in some dozens is another's. */
#define DATABASE_DAYS 90u

/* In /proc/net/tcp. */
#define STATE_LISTEN 0x0au
#define UNIX_LISTENS 0x10000u /* __SO_ACCEPTCON, by the flags of /proc/net/unix */

static void lists_check(struct doctor *d, const struct config *c, const struct psl *psl)
{
	struct lists *lists;
	struct rpz_guards *guards = NULL;
	char err[ERROR_LINE_MAX] = "";

	if (lists_load(&lists, c, psl, err) < 0 || rpz_guards_load(&guards, c, psl, err) < 0)
		finding_remedy(finding_add(d, SEVERITY_ERROR, "config.lists",
				       "run refuses to start", "%s", err),
			"correct the key or the file that it names");
	rpz_guards_free(guards);
	lists_free(lists);
}

static void suffixes_check(struct doctor *d, const struct config *c)
{
	struct suffix_list *suffixes;
	const char *path = c->networks.public_suffix_list;
	char err[ERROR_LINE_MAX] = "";

	if (suffix_list_load(&suffixes, path, err) == 0) {
		finding_add(d, SEVERITY_OK, "config.suffix_list", "", "%s", path);
		lists_check(d, c, suffix_list_psl(suffixes));
	} else
		finding_remedy(finding_add(d, SEVERITY_ERROR, "config.suffix_list",
				       "run refuses to start", "%s", err),
			"apt-get install publicsuffix, or set networks.public_suffix_list");
	suffix_list_free(suffixes);
}

static void age_check(struct doctor *d, const struct network_description *n)
{
	uint64_t days = d->system->now > n->built ? (d->system->now - n->built) / DAY_SECONDS : 0;

	if (days > DATABASE_DAYS)
		finding_remedy(finding_add(d, SEVERITY_WARNING, "config.stale_asn_db",
				       "addresses that changed hands are taken for their old "
				       "network's",
				       "%s (%s) is %" PRIu64 " days old", n->path, n->type, days),
			"fetch a new one, such as by geoipupdate, and rename it over the old one");
	else
		finding_add(d, SEVERITY_OK, "config.database", "", "%s (%s), %" PRIu64 " days old",
			n->path, n->type, days);
}

static void databases_check(struct doctor *d, const struct config_networks *c)
{
	struct networks *networks;
	char err[ERROR_LINE_MAX] = "";

	if (networks_open(&networks, c->asn_db, c->country_db, err) < 0) {
		finding_remedy(finding_add(d, SEVERITY_ERROR, "config.database",
				       "run refuses to start", "%s", err),
			"set networks.asn_db and networks.country_db to files in MaxMind DB "
			"format");
		return;
	}
	for (unsigned i = 0; i < NETWORK_DATABASES; i++) {
		struct network_description n;

		networks_describe(networks, (enum network_database)i, &n);
		if (n.path[0])
			age_check(d, &n);
		else if (i == NETWORK_ASN)
			finding_remedy(
				finding_add(d, SEVERITY_NOTE, "config.database",
					"flux is spread over networks: by /16 they are guessed",
					"no address database with autonomous systems"),
				"set networks.asn_db (GeoLite2-ASN, DB-IP, IPinfo, iptoasn)");
	}
	networks_close(networks);
}

void doctor_config(struct doctor *d)
{
	if (!d->config)
		return;
	finding_add(d, SEVERITY_OK, "config.valid", "", "%s", d->config_path);
	if (d->config->ports_count == 0)
		finding_remedy(finding_add(d, SEVERITY_ERROR, "config.ports",
				       "run refuses to start", "no port is configured"),
			"name at least one device under \"ports\"");
	suffixes_check(d, d->config);
	databases_check(d, &d->config->networks);
}

/* Addresses as /proc/net/tcp and tcp6 write them: 32-bit words in the machine's order. */
static void address_hex(const struct sockaddr_storage *a, char out[33], unsigned *port)
{
	const uint32_t *word;
	unsigned words = a->ss_family == AF_INET ? 1 : 4;

	if (a->ss_family == AF_INET) {
		const struct sockaddr_in *sa = (const struct sockaddr_in *)a;

		word = &sa->sin_addr.s_addr;
		*port = ntohs(sa->sin_port);
	} else {
		const struct sockaddr_in6 *sa = (const struct sockaddr_in6 *)a;

		word = sa->sin6_addr.s6_addr32;
		*port = ntohs(sa->sin6_port);
	}
	for (unsigned i = 0; i < words; i++)
		snprintf(out + 8 * i, 9, "%08" PRIX32, word[i]);
}

/* Who listens there, or on all addresses: the inode of its socket, 0 for nobody. */
static uint64_t listener_find(
	const struct doctor *d, const char *file, const char *hex, unsigned port)
{
	char path[TREE_PATH_MAX], line[512];
	uint64_t found = 0;

	snprintf(path, sizeof(path), "%s/proc/net/%s", d->root, file);
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		char address[33];
		unsigned at, state;
		uint64_t inode;

		if (sscanf(line,
			    " %*u: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*u %*u %" SCNu64,
			    address, &at, &state, &inode) == 4 &&
			state == STATE_LISTEN && at == port &&
			(strcmp(address, hex) == 0 || strspn(address, "0") == strlen(address)))
			found = inode ? inode : 1;
	}
	if (f)
		fclose(f);
	return found;
}

/* The process that holds a socket, as far as it may be seen; "" else. */
static void holder_name(const struct doctor *d, uint64_t inode, char *out, size_t size)
{
	struct tree_names all = tree_list(d->root, "/proc");
	char wanted[64], text[64], name[32];

	out[0] = '\0';
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	for (int i = 0; i < all.n && !out[0]; i++) {
		const char *pid = all.entry[i]->d_name;

		if (pid[0] < '1' || pid[0] > '9')
			continue;
		struct tree_names fds = tree_list(d->root, "/proc/%s/fd", pid);
		for (int j = 0; j < fds.n && !out[0]; j++) {
			tree_link(d->root, text, sizeof(text), "/proc/%s/fd/%s", pid,
				fds.entry[j]->d_name);
			if (strcmp(text, wanted) != 0)
				continue;
			tree_read(d->root, name, sizeof(name), "/proc/%s/comm", pid);
			snprintf(out, size, " by %s, process %.16s", name, pid);
		}
		tree_free(&fds);
	}
	tree_free(&all);
}

/* A socket of IPv6 at :: or ::ffff:a.b.c.d takes IPv4 as well, unless it is told not to. */
static uint64_t listener_of_both(const struct doctor *d, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *sa = (const struct sockaddr_in *)address;
	struct sockaddr_storage mapped = {.ss_family = AF_INET6};
	struct sockaddr_in6 *sa6 = (struct sockaddr_in6 *)&mapped;
	char hex[33];
	unsigned port;

	sa6->sin6_port = sa->sin_port;
	sa6->sin6_addr.s6_addr[10] = sa6->sin6_addr.s6_addr[11] = 0xff;
	sa6->sin6_addr.s6_addr32[3] = sa->sin_addr.s_addr;
	address_hex(&mapped, hex, &port);
	return listener_find(d, "tcp6", hex, port);
}

static void listener_found(
	struct doctor *d, const char *listen, uint64_t inode, const char *why, const char *as)
{
	char holder[96];

	holder_name(d, inode, holder, sizeof(holder));
	finding_remedy(finding_add(d, SEVERITY_ERROR, "config.listen", why, "%s is taken%s%s",
			       listen, holder, as),
		"end that process, or set http.listen to another (ss -ltnxp)");
}

/* The same for a path: files that nobody listens at are left over, and replaced at the start. */
static uint64_t listener_at(const struct doctor *d, const char *wanted)
{
	char path[TREE_PATH_MAX], line[512];
	uint64_t found = 0;

	snprintf(path, sizeof(path), "%s/proc/net/unix", d->root);
	FILE *f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		char at[128];
		unsigned flags;
		uint64_t inode;

		if (sscanf(line, "%*x: %*x %*x %x %*x %*x %" SCNu64 " %127[^\n]", &flags, &inode,
			    at) == 3 &&
			flags & UNIX_LISTENS && strcmp(at, wanted) == 0)
			found = inode;
	}
	if (f)
		fclose(f);
	return found;
}

/* Who has the address, and who may have it: no file tells whether that one takes IPv4 as well. */
static uint64_t listener_of(
	const struct doctor *d, const struct sockaddr_storage *address, uint64_t *maybe)
{
	char hex[33];
	unsigned port;

	*maybe = 0;
	if (address->ss_family == AF_UNIX)
		return listener_at(d, ((const struct sockaddr_un *)address)->sun_path);
	address_hex(address, hex, &port);
	if (address->ss_family == AF_INET6)
		return listener_find(d, "tcp6", hex, port);
	*maybe = listener_of_both(d, address);
	return listener_find(d, "tcp", hex, port);
}

void doctor_listen(struct doctor *d)
{
	const char *listen = d->config ? d->config->http.listen : "";
	struct sockaddr_storage address;
	socklen_t len;
	uint64_t both;

	if (listen[0] == '\0' || listen_parse(listen, &address, &len) < 0)
		return;
	uint64_t inode = listener_of(d, &address, &both);
	if (inode)
		listener_found(d, listen, inode, "run refuses to start", "");
	else if (both)
		listener_found(d, listen, both,
			"run refuses to start, unless that socket is for IPv6 only",
			", by a socket of IPv6");
	else
		finding_add(d, SEVERITY_OK, "config.listen", "", "%s is free", listen);
}

void doctor_clock(struct doctor *d)
{
	bool synchronised;

	if (!d->system->clock || d->system->clock(&synchronised) < 0)
		return;
	if (synchronised)
		finding_add(d, SEVERITY_OK, "clock.synchronised", "", "the clock is synchronised");
	else
		finding_remedy(finding_add(d, SEVERITY_WARNING, "clock.synchronised",
				       "what is found carries times that other logs are compared "
				       "with; a clock set later steps over epochs",
				       "the clock is not synchronised"),
			"timedatectl set-ntp true, or install chrony");
}
