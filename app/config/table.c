/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <string.h>

#include "config/listen.h"
#include "config/prefix.h"
#include "config/table.h"
#include "feed/target.h"

#define SIZE_OF(type, field) sizeof(((type *)0)->field)

/* Rows of struct config; the last arguments are unit and meaning. */
#define ROW(name, field, ...) .path = name, .offset = offsetof(struct config, field), __VA_ARGS__
#define FIELD(field) .kind = CONFIG_KIND(struct config, field)
#define TEXT_OF(field) .kind = CONFIG_TEXT, .size = SIZE_OF(struct config, field)

#define MIB (1024.0 * 1024)
#define POWER_OF_TWO(n) ((double)(UINT64_C(1) << (n)))

static const char *const log_levels[LOG_LEVEL_COUNT] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const char *const vantages[VANTAGE_COUNT] = {
	[VANTAGE_UNKNOWN] = "unknown",
	[VANTAGE_CLIENT] = "client",
	[VANTAGE_RESOLVER] = "resolver",
};

static const char *const spreaders[SPREADER_COUNT] = {
	[SPREADER_AUTO] = "auto",
	[SPREADER_ON] = "on",
	[SPREADER_OFF] = "off",
};

const char *config_vantage_name(enum config_vantage vantage)
{
	return vantages[vantage];
}

const char *log_level_name(enum log_level level)
{
	return log_levels[level];
}

static const char *listen_wrong(const char *text)
{
	struct sockaddr_storage addr;
	socklen_t len;

	if (text[0] == '\0')
		return NULL;
	if (listen_parse(text, &addr, &len) < 0)
		return "expected ADDRESS:PORT such as \"127.0.0.1:8953\" or \"[::1]:8953\", "
		       "\"unix:/PATH\", or \"\" for none";
	return NULL;
}

static const char *filled_wrong(const char *text)
{
	return text[0] ? NULL : "must not be empty";
}

static const char *path_wrong(const char *text)
{
	size_t n = strlen(text);

	if (n == 0 || (text[0] == '/' && text[n - 1] != '/'))
		return NULL;
	return "expected the path of a file from the root, or \"\" for none";
}

static const char *file_wrong(const char *text)
{
	return text[0] && !path_wrong(text) ? NULL : "expected the path of a file from the root";
}

static const char *socket_wrong(const char *text)
{
	struct target t;

	if (text[0] == '\0' || target_unix(text, SOCK_STREAM, &t) == 0)
		return NULL;
	return "expected the path of a unix socket from the root, of at most 107 octets, or \"\" "
	       "for none";
}

static const char *syslog_wrong(const char *text)
{
	struct target t;

	if (text[0] == '\0' || target_parse(text, &t) == 0)
		return NULL;
	return "expected unix:/dev/log, udp:ADDRESS:PORT or tcp:ADDRESS:PORT with a literal "
	       "address, or \"\" for none";
}

static const char *address_wrong(const char *text)
{
	uint8_t addr[16];

	if (inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1)
		return NULL;
	return "expected an IPv4 or IPv6 address";
}

#define TUNNEL(name, kind_, what_) \
	{ \
		ROW("tunnels." name, tunnel[kind_].ports, .kind = CONFIG_UDP_PORTS, \
			.count = offsetof(struct config, tunnel[kind_].ports_count), \
			.max = WIRE_TUNNEL_PORTS_MAX, .restart = true, .unit = "", .what = what_) \
	}

static const struct config_row port_rows[] = {
	{
		.path = "device",
		.kind = CONFIG_TEXT,
		.offset = offsetof(struct config_port, device),
		.size = SIZE_OF(struct config_port, device),
		.restart = true,
		.required = true,
		.unit = "",
		.what = "EAL device: a virtual one with its arguments, or a PCI address.",
		.wrong = filled_wrong,
	},
	{
		.path = "rx_descriptors",
		.kind = CONFIG_KIND(struct config_port, rx_descriptors),
		.offset = offsetof(struct config_port, rx_descriptors),
		.max = 32768,
		.restart = true,
		.unit = "",
		.what = "Receive descriptors of each queue, rounded to what the driver takes; 0: "
			"as "
			"its profile says.",
	},
	{
		.path = "promiscuous",
		.kind = CONFIG_KIND(struct config_port, promiscuous),
		.offset = offsetof(struct config_port, promiscuous),
		.restart = true,
		.unit = "",
		.what = "Take frames for any destination, as a mirror port needs.",
	},
	{
		.path = "tunnels",
		.kind = CONFIG_KIND(struct config_port, tunnels),
		.offset = offsetof(struct config_port, tunnels),
		.restart = true,
		.unit = "",
		.what = "Most frames come in tunnels, so that their outer addresses tell little.",
	},
	{
		.path = "vantage",
		.kind = CONFIG_CHOICE,
		.choices = vantages,
		.choice_count = VANTAGE_COUNT,
		.offset = offsetof(struct config_port, vantage),
		.restart = true,
		.unit = "",
		.what = "Where the tap stands: on the side of the clients, or of the resolvers.",
	},
};

static const struct config_port port_initial = {
	.promiscuous = true,
};

static const struct config_table port_table = {
	.rows = port_rows,
	.count = sizeof(port_rows) / sizeof(port_rows[0]),
	.initial = &port_initial,
	.size = sizeof(struct config_port),
};

static const struct config_row rows[] = {
	{ROW("epoch_seconds", epoch_seconds, FIELD(epoch_seconds), .min = 1, .max = 300,
		.restart = true, .unit = "s",
		.what = "Length of an epoch, at whose end verdicts are made.")},
	{ROW("workers", workers, FIELD(workers), .min = 1, .max = 32, .restart = true, .unit = "",
		.what = "Worker lcores of a live sensor.")},
	{ROW("lcores", lcores, TEXT_OF(lcores), .restart = true, .unit = "",
		.what = "Placement in the form of EAL's --lcores; empty: the first workers + 1 "
			"processors.")},
	{ROW("spreader", spreader, .kind = CONFIG_CHOICE, .choices = spreaders,
		.choice_count = SPREADER_COUNT, .restart = true, .unit = "",
		.what = "A core that deals frames to the workers in software; auto: where the "
			"ports cannot.")},
	{ROW("drivers.profiles", drivers.profiles, TEXT_OF(drivers.profiles), .restart = true,
		.unit = "",
		.what = "Folder of driver profiles; empty: those that came with the program.")},
	{ROW("eal.huge", eal.huge, FIELD(eal.huge), .restart = true, .unit = "",
		.what = "Use hugepages; false runs on ordinary pages, slower.")},
	{ROW("eal.memory_mb", eal.memory_mb, FIELD(eal.memory_mb), .max = 1048576, .restart = true,
		.unit = "MiB", .what = "Memory for EAL; 0 computes it from ports and tables.")},
	{ROW("eal.telemetry", eal.telemetry, FIELD(eal.telemetry), .restart = true, .unit = "",
		.what = "Answer on DPDK's telemetry socket, for dpdk-telemetry.py and Telegraf.")},
	{ROW("eal.args", eal.args, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, eal.args[0]),
		.count = offsetof(struct config, eal.args_count), .max = CONFIG_EAL_ARGS_MAX,
		.restart = true, .unit = "",
		.what = "Further arguments for EAL, passed on as they are.")},
	{ROW("ports", ports, .kind = CONFIG_OBJECTS, .element = &port_table,
		.count = offsetof(struct config, ports_count), .max = CONFIG_PORTS_MAX,
		.restart = true, .unit = "", .what = "Capture ports of a live sensor.")},
	{ROW("dns.ports", dns.ports, .kind = CONFIG_UDP_PORTS,
		.count = offsetof(struct config, dns.ports_count), .min = 1, .max = WIRE_PORTS_MAX,
		.restart = true, .unit = "",
		.what = "UDP and TCP ports that carry DNS, on either side of a packet.")},
	{ROW("dns.dns64_prefixes", dns.dns64, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, dns.dns64[0]),
		.count = offsetof(struct config, dns.dns64_count), .max = DNS64_PREFIXES_MAX,
		.restart = true, .unit = "",
		.what = "Prefixes of this network's DNS64, besides 64:ff9b::/96: an address below "
			"one counts as the IPv4 address inside.",
		.wrong = dns64_wrong)},
	{ROW("dns.resolvers", dns.resolvers, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, dns.resolvers[0]),
		.count = offsetof(struct config, dns.resolvers_count), .max = RESOLVERS_MAX,
		.restart = true, .unit = "",
		.what = "Addresses or prefixes of this network's own resolvers, whose word alone "
			"convicts however few names they answered for.",
		.wrong = resolver_wrong)},
	TUNNEL("vxlan", WIRE_TUNNEL_VXLAN, "UDP ports that VXLAN goes to; none: it is not read."),
	TUNNEL("geneve", WIRE_TUNNEL_GENEVE, "UDP ports of Geneve, on either side."),
	TUNNEL("gtp", WIRE_TUNNEL_GTP, "UDP ports of GTP-U, on either side."),
	TUNNEL("l2tp", WIRE_TUNNEL_L2TP, "UDP ports of L2TPv2, on either side."),
	TUNNEL("teredo", WIRE_TUNNEL_TEREDO, "UDP ports of Teredo, on either side."),
	TUNNEL("gre", WIRE_TUNNEL_GRE, "UDP ports that GRE in UDP goes to; GRE itself has none."),
	{ROW("fragments.datagrams", reasm.datagrams, FIELD(reasm.datagrams), .min = 16,
		.max = 65536, .restart = true, .unit = "",
		.what = "Fragmented datagrams that one worker puts together at a time, 16.4 KiB "
			"each.")},
	{ROW("fragments.timeout_ms", reasm.fragment_timeout_ms, FIELD(reasm.fragment_timeout_ms),
		.min = 100, .max = 60000, .restart = true, .unit = "ms",
		.what = "How long a fragment waits for the others, in packet time.")},
	{ROW("tcp.streams", reasm.streams, FIELD(reasm.streams), .min = 16, .max = 1048576,
		.restart = true, .unit = "",
		.what = "Directions of TCP connections that one worker follows, 96 octets each.")},
	{ROW("tcp.buffers", reasm.buffers, FIELD(reasm.buffers), .min = 4, .max = 4096,
		.restart = true, .unit = "",
		.what = "Of these, ones that wait for the rest of a message, 89.3 KiB each.")},
	{ROW("visibility.doh_resolvers", visibility.resolvers, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, visibility.resolvers[0]),
		.count = offsetof(struct config, visibility.resolvers_count),
		.max = WIRE_RESOLVERS_MAX, .unit = "",
		.what = "Addresses whose port 443 counts as DNS over HTTPS.",
		.wrong = address_wrong)},
	{ROW("pairing.entries", pairing.entries_log2, .kind = CONFIG_POWER, .min = 512,
		.max = POWER_OF_TWO(26), .restart = true, .unit = "",
		.what = "Open queries that one worker remembers, 8 octets each.")},
	{ROW("shard.entries", shard.entries_log2, .kind = CONFIG_POWER, .min = 1024,
		.max = POWER_OF_TWO(26), .restart = true, .unit = "",
		.what = "Registered domains of one epoch in one shard, 64 octets each, used up to "
			"7/8; there are two shards a worker.")},
	{ROW("shard.details_small", shard.details_small, FIELD(shard.details_small), .min = 64,
		.max = POWER_OF_TWO(24), .restart = true, .unit = "",
		.what = "Records of 16 addresses, for domains that do not fit an entry.")},
	{ROW("shard.details_large", shard.details_large, FIELD(shard.details_large), .min = 64,
		.max = POWER_OF_TWO(24), .restart = true, .unit = "",
		.what = "Records of 64 addresses, for domains that do not fit a small one.")},
	{ROW("shard.name_octets", shard.name_octets, FIELD(shard.name_octets), .min = 65536,
		.max = POWER_OF_TWO(31), .restart = true, .unit = "octets",
		.what = "Room for the names of one epoch in one shard.")},
	{ROW("store.door_entries", store.door_log2, .kind = CONFIG_POWER, .min = 1024,
		.max = POWER_OF_TWO(30), .restart = true, .unit = "",
		.what = "Names of the last seven days with one address, 8 octets each.")},
	{ROW("store.candidates", store.candidates_log2, .kind = CONFIG_POWER, .min = 1024,
		.max = POWER_OF_TWO(28), .restart = true, .unit = "",
		.what = "Names with two addresses or more, 64 octets each.")},
	{ROW("store.domains", store.domains, FIELD(store.domains), .min = 64, .max = 4194304,
		.restart = true, .unit = "",
		.what = "Diverse names that are kept in full, 3 KiB each.")},
	{ROW("networks.asn_db", networks.asn_db, TEXT_OF(networks.asn_db), .unit = "",
		.what = "MaxMind DB file that tells the autonomous system of an address; empty: "
			"networks are told apart by /16.")},
	{ROW("networks.country_db", networks.country_db, TEXT_OF(networks.country_db), .unit = "",
		.what = "MaxMind DB file that tells the country of an address; empty: none.")},
	{ROW("networks.public_suffix_list", networks.public_suffix_list,
		TEXT_OF(networks.public_suffix_list), .restart = true, .unit = "",
		.what = "Public suffix list that tells registered domains.",
		.wrong = filled_wrong)},
	{ROW("networks.eyeballs", networks.eyeballs, TEXT_OF(networks.eyeballs), .unit = "",
		.what = "File with the AS numbers of networks that serve households, one a line; "
			"empty: none.")},
	{ROW("networks.own", networks.own, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, networks.own[0]),
		.count = offsetof(struct config, networks.own_count), .max = OWN_PREFIXES_MAX,
		.unit = "",
		.what = "Prefixes of this network's own subscribers: their addresses below a "
			"foreign name are told apart.",
		.wrong = own_wrong)},
	{ROW("import.files", import.files, .kind = CONFIG_TEXTS,
		.size = SIZE_OF(struct config, import.files[0]),
		.count = offsetof(struct config, import.files_count), .max = IMPORT_FILES_MAX,
		.unit = "",
		.what = "Files of domains and addresses known for bad, as lists, STIX or RPZ: "
			"reasons beside others, which convict nobody.",
		.wrong = file_wrong)},
	{ROW("http.listen", http.listen, TEXT_OF(http.listen), .restart = true, .unit = "",
		.what = "Address and port of the HTTP server, or unix: and the path of its "
			"socket; empty: none.",
		.wrong = listen_wrong)},
	{ROW("http.max_connections", http.max_connections, FIELD(http.max_connections), .min = 8,
		.max = 4096, .restart = true, .unit = "",
		.what = "Connections served at a time; when one more comes, the one goes that has "
			"kept the sensor waiting for longest.")},
	{ROW("http.tls_certificate", http.tls_certificate, TEXT_OF(http.tls_certificate),
		.restart = true, .unit = "",
		.what = "PEM file of the certificate, its chain behind it; empty: no TLS.",
		.wrong = path_wrong)},
	{ROW("http.tls_key", http.tls_key, TEXT_OF(http.tls_key), .restart = true, .unit = "",
		.what = "PEM file of the certificate's private key.", .wrong = path_wrong)},
	{ROW("http.token_file", http.token_file, TEXT_OF(http.token_file), .restart = true,
		.unit = "",
		.what = "File of the tokens by which all but /, /livez and /readyz is read; empty: "
			"it is read without.",
		.wrong = path_wrong)},
	{ROW("http.admin_token_file", http.admin_token_file, TEXT_OF(http.admin_token_file),
		.restart = true, .unit = "",
		.what = "File of the tokens by which the allow-list and acknowledgements are "
			"changed, too; empty: nothing is.",
		.wrong = path_wrong)},
	{ROW("http.audit_log", http.audit_log, TEXT_OF(http.audit_log), .restart = true, .unit = "",
		.what = "File that gets a line of JSON for each change, and each attempt that was "
			"refused; empty: none.",
		.wrong = path_wrong)},
	{ROW("state.path", state.path, TEXT_OF(state.path), .restart = true, .unit = "",
		.what = "File that the store and the verdicts are saved in, and read from at "
			"start; empty: a restart forgets.",
		.wrong = path_wrong)},
	{ROW("state.interval_seconds", state.interval_seconds, FIELD(state.interval_seconds),
		.min = 1, .max = 86400, .unit = "s", .what = "Time from one save to the next.")},
	{ROW("allow.path", allow.path, TEXT_OF(allow.path), .restart = true, .unit = "",
		.what = "File that keeps the allow-list; empty: a restart forgets it.",
		.wrong = path_wrong)},
	{ROW("acknowledge.path", acknowledge.path, TEXT_OF(acknowledge.path), .restart = true,
		.unit = "",
		.what = "File that keeps acknowledgements; empty: a restart forgets them.",
		.wrong = path_wrong)},
	{ROW("export.eve.file", feed.eve_file, TEXT_OF(feed.eve_file), .unit = "",
		.what = "File that a JSON line is appended to for each event; empty: none.",
		.wrong = path_wrong)},
	{ROW("export.eve.socket", feed.eve_socket, TEXT_OF(feed.eve_socket), .unit = "",
		.what = "Unix socket, of streams or datagrams, that these lines are sent to; "
			"empty: none.",
		.wrong = socket_wrong)},
	{ROW("export.syslog.address", feed.syslog, TEXT_OF(feed.syslog), .unit = "",
		.what = "Where each event is sent as a syslog message: unix:PATH, "
			"udp:ADDRESS:PORT or tcp:ADDRESS:PORT; empty: nowhere.",
		.wrong = syslog_wrong)},
	{ROW("history.path", history.path, TEXT_OF(history.path), .restart = true, .unit = "",
		.what = "SQLite file that events are kept in; empty: none.", .wrong = path_wrong)},
	{ROW("history.max_days", history.max_days, FIELD(history.max_days), .min = 1, .max = 3650,
		.unit = "days", .what = "Events that are older are deleted.")},
	{ROW("history.max_mib", history.max_mib, FIELD(history.max_mib), .min = 8, .max = 1048576,
		.unit = "MiB", .what = "Size of the file at which the oldest events are deleted.")},
	{ROW("log.level", log.level, .kind = CONFIG_CHOICE, .choices = log_levels,
		.choice_count = LOG_LEVEL_COUNT, .unit = "",
		.what = "Least weight of a message that is logged.")},
};

const struct config_table config_table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.next = &config_export_table,
};

const struct config_row *config_row_at(const struct config_table *table, size_t i)
{
	for (; table; table = table->next) {
		if (i < table->count)
			return &table->rows[i];
		i -= table->count;
	}
	return NULL;
}

const struct config_row *config_row_find(const struct config_table *table, const char *path)
{
	const struct config_row *row;

	for (size_t i = 0; (row = config_row_at(table, i)); i++)
		if (strcmp(row->path, path) == 0)
			return row;
	return NULL;
}
