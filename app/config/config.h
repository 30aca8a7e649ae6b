/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The configuration: one JSON file, one plain struct.
 *
 * Every key is a row of one table (config/table.h); parsing, ranges, dump,
 * docs/configuration.md and docs/fluxgate.schema.json follow it, and a test
 * holds them together. Priority: command line > environment > file > default.
 * The caller applies the first by setting fields after config_environment().
 *
 * The struct holds no pointers: copy it freely. Texts end in NUL.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/dns64.h"
#include "cli/exit.h"
#include "detect/model.h"
#include "log.h"
#include "networks/own.h"
#include "reasm/reasm.h"
#include "sensor/resolvers.h"
#include "shard/shard.h"
#include "store/store.h"
#include "wire/wire.h"

#define CONFIG_PORTS_MAX 16u
#define CONFIG_EAL_ARGS_MAX 16u
#define CONFIG_TEXT_MAX 256u
#define CONFIG_PATH_MAX 1024u
#define CONFIG_LISTEN_MAX 128u
#define CONFIG_URL_MAX (CONFIG_LISTEN_MAX + 8u)
#define CONFIG_INFRASTRUCTURE_MAX 128u
#define CONFIG_DOMAIN_MAX 256u
#define CONFIG_OWN_ZONES_MAX 128u
#define CONFIG_RESTART_MAX 128u /* keys that only a restart can change; a test counts them */

/* Where a port's tap stands, seen from the resolvers. */
enum config_vantage {
	VANTAGE_UNKNOWN,
	VANTAGE_CLIENT,   /* between resolvers and their clients */
	VANTAGE_RESOLVER, /* between resolvers and authoritative servers */
	VANTAGE_COUNT
};

/* Who deals frames to workers: the ports' queues, or a software spreader. */
enum config_spreader { SPREADER_AUTO, SPREADER_ON, SPREADER_OFF, SPREADER_COUNT };

/* Does the response policy zone block, or is it only said what it would? */
enum config_rpz_mode { RPZ_LOG, RPZ_BLOCK, RPZ_MODE_COUNT };

/* One capture port. */
struct config_port {
	char device[CONFIG_TEXT_MAX]; /* EAL vdev ("net_af_packet0,iface=eth1") or PCI address */
	uint32_t rx_descriptors;      /* per queue; 0: the driver profile's */
	bool promiscuous;
	bool tunnels;     /* most frames are encapsulated */
	uint32_t vantage; /* enum config_vantage */
};

struct config_eal {
	bool huge;          /* false: ordinary pages, --no-huge */
	uint32_t memory_mb; /* MiB; 0: computed from the tables */
	bool telemetry;     /* DPDK's telemetry socket, live */
	uint32_t args_count;
	char args[CONFIG_EAL_ARGS_MAX][CONFIG_TEXT_MAX]; /* appended to the EAL's arguments */
};

struct config_drivers {
	char profiles[CONFIG_PATH_MAX]; /* folder; "": those that came with the program */
};

#define CONFIG_PREFIX_MAX 50u /* of an IPv6 address, with "/128" and NUL */

struct config_dns {
	uint32_t ports_count;
	uint16_t ports[WIRE_PORTS_MAX]; /* host order */
	uint32_t dns64_count;
	char dns64[DNS64_PREFIXES_MAX][CONFIG_PREFIX_MAX]; /* besides 64:ff9b::/96 */
	uint32_t resolvers_count;
	char resolvers[RESOLVERS_MAX][CONFIG_PREFIX_MAX]; /* the operator's own */
};

/* UDP ports of one kind of tunnel, host order; none: it is not looked into. */
struct config_tunnel {
	uint32_t ports_count;
	uint16_t ports[WIRE_TUNNEL_PORTS_MAX];
};

#define CONFIG_ADDRESS_MAX 46u

struct config_visibility {
	uint32_t resolvers_count;
	char resolvers[WIRE_RESOLVERS_MAX][CONFIG_ADDRESS_MAX]; /* of DNS over HTTPS */
};

struct config_pairing {
	unsigned entries_log2; /* slots of one worker's table of open queries */
};

/* Paths, "" where there is none; and whose addresses are the operator's. */
struct config_networks {
	char asn_db[CONFIG_PATH_MAX];
	char country_db[CONFIG_PATH_MAX];
	char public_suffix_list[CONFIG_PATH_MAX];
	char eyeballs[CONFIG_PATH_MAX]; /* a list of AS numbers */
	uint32_t own_count;
	char own[OWN_PREFIXES_MAX][CONFIG_PREFIX_MAX]; /* of the operator's subscribers */
};

#define IMPORT_FILES_MAX 16u

struct config_import {
	uint32_t files_count;
	char files[IMPORT_FILES_MAX][CONFIG_PATH_MAX]; /* of what others know for bad */
};

struct config_http {
	char listen[CONFIG_LISTEN_MAX]; /* by config/listen.h; "": no HTTP */
	uint32_t max_connections;
	/* Paths, "" where there is none. */
	char tls_certificate[CONFIG_PATH_MAX];
	char tls_key[CONFIG_PATH_MAX];
	char token_file[CONFIG_PATH_MAX];
	char admin_token_file[CONFIG_PATH_MAX];
	char audit_log[CONFIG_PATH_MAX];
};

struct config_state {
	char path[CONFIG_PATH_MAX]; /* "": nothing is kept */
	uint32_t interval_seconds;
};

/* A list of names; "": it lasts as long as the process. */
struct config_names {
	char path[CONFIG_PATH_MAX];
};

struct config_rpz {
	char file[CONFIG_PATH_MAX]; /* "": by HTTP only */
	char zone[CONFIG_DOMAIN_MAX];
	uint32_t mode; /* enum config_rpz_mode */
	bool suspected;
	uint32_t min_age_seconds;
	uint32_t warmup_seconds;
	uint32_t additions_per_hour;
	uint32_t own_zones_count;
	char own_zones[CONFIG_OWN_ZONES_MAX][CONFIG_DOMAIN_MAX];
	char top_list[CONFIG_PATH_MAX]; /* "": detect.popular alone */
};

/* Where verdict events go; "" for nowhere. */
struct config_feed {
	char eve_file[CONFIG_PATH_MAX];
	char eve_socket[CONFIG_PATH_MAX];
	char syslog[CONFIG_PATH_MAX]; /* as target_parse has it */
};

struct config_history {
	char path[CONFIG_PATH_MAX]; /* "": none is kept */
	uint32_t max_days;
	uint32_t max_mib;
};

struct config_log {
	uint32_t level; /* enum log_level */
};

struct config {
	uint32_t epoch_seconds;
	uint32_t workers;             /* live worker lcores */
	char lcores[CONFIG_TEXT_MAX]; /* EAL --lcores; "": main and workers on the first cores */
	uint32_t spreader;            /* enum config_spreader */
	struct config_eal eal;
	struct config_drivers drivers;
	uint32_t ports_count;
	struct config_port ports[CONFIG_PORTS_MAX];
	struct config_dns dns;
	struct config_tunnel tunnel[WIRE_TUNNEL_COUNT];
	struct config_visibility visibility;
	struct reasm_config reasm; /* of one worker */
	struct config_pairing pairing;
	struct shard_config shard; /* of one shard; there are two a worker */
	struct store_config store;
	struct detect_config detect;
	char model_path[CONFIG_PATH_MAX];   /* "": none */
	char popular_path[CONFIG_PATH_MAX]; /* of a top list; "": none */
	uint32_t infrastructure_count;
	char infrastructure[CONFIG_INFRASTRUCTURE_MAX][CONFIG_DOMAIN_MAX]; /* never flagged */
	struct scorer scorer; /* its model is read with the file, by config_read */
	struct config_networks networks;
	struct config_import import;
	struct config_http http;
	struct config_state state;
	struct config_names allow;
	struct config_names acknowledge;
	struct config_rpz rpz;
	struct config_feed feed;
	struct config_history history;
	struct config_log log;
};

/* What a live sensor starts from. */
void config_defaults(struct config *c);

/* The same with tables for a capture of ordinary size; four partitions then fit in 1 GiB. */
void config_defaults_replay(struct config *c);

/*
 * Applies `len` octets of JSON over *c. `name` is what messages call the text.
 * 0, or -EINVAL and one line in err: then *c is as it was.
 */
int config_parse(
	struct config *c, const char *text, size_t len, const char *name, char err[ERROR_LINE_MAX]);

/* The same from a file, and the model that it names. 0, or -errno and one line in err. */
int config_read(struct config *c, const char *path, char err[ERROR_LINE_MAX]);

/* Path of the file to read: the command line's, else $FLUXGATE_CONFIG, else NULL. */
const char *config_path(const char *command_line);

/*
 * Applies $FLUXGATE_ASN_DB, $FLUXGATE_COUNTRY_DB and $FLUXGATE_LISTEN over *c;
 * set but empty means "none". 0, or -EINVAL and one line in err.
 */
int config_environment(struct config *c, char err[ERROR_LINE_MAX]);

/*
 * Sets one key to a text as config_parse would ("http.listen", "[::1]:80"), for
 * command-line options that stand for a key. `source` is what messages call it.
 * 0, or -EINVAL and one line in err.
 */
int config_set_text(struct config *c, const char *path, const char *value, const char *source,
	char err[ERROR_LINE_MAX]);

/*
 * Do the keys of HTTP go together? What is reached from elsewhere needs TLS and tokens, and
 * what can be changed is written down. 0, or -EINVAL and one line in err. To be asked when
 * all that sets keys has done so.
 */
int config_http_check(const struct config_http *c, char err[ERROR_LINE_MAX]);

/* Where it is served, for people: "https://192.0.2.1:8953", "unix:/run/fluxgate/api.sock". */
void config_http_url(const struct config_http *c, char out[CONFIG_URL_MAX]);

/*
 * Names the keys in which `next` differs from what runs and which only a restart
 * can change: *n paths of the table. 0 or -ENOMEM.
 */
int config_needs_restart(const struct config *running, const struct config *next,
	const char *paths[CONFIG_RESTART_MAX], unsigned *n);

/*
 * Takes over from `from` every key that can change while the program runs. 0, or
 * -ENOMEM with *into as it was.
 */
int config_take(struct config *into, const struct config *from);

/* The whole configuration, as an object that config_parse takes; NULL when out of memory. */
json_t *config_json(const struct config *c);

/* Writes it as text, for --dump-config. 0, or -EIO. */
int config_dump(const struct config *c, FILE *out);

/* What the decoder is told by a configuration. */
void config_wire(const struct config *c, struct wire_config *out);

/* Which addresses hold an IPv4 address, by a configuration. */
void config_dns64(const struct config *c, struct dns64 *out);

/* The operator's own resolvers, by a configuration. */
void config_resolvers(const struct config *c, struct resolvers *out);

/* The subscribers' own addresses, by a configuration. */
void config_own(const struct config *c, struct own_ranges *out);

const char *config_rpz_mode_name(enum config_rpz_mode mode);
const char *log_level_name(enum log_level level);
const char *config_vantage_name(enum config_vantage vantage);

/* fluxgate check-config [--dump] FILE; argv[0] is the command's name. Returns an exit code. */
int config_check_main(int argc, char **argv);
