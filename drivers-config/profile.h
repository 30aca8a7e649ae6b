/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What is known of a family of network cards and their driver: one JSON file
 * each, described by profile.schema.json.
 *
 * Correctness never hangs on a profile. It says how many queues to ask for and
 * whether they keep both directions together; a driver without one gets
 * profile_generic, which promises nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

#define PROFILES_MAX 32u
#define PROFILE_MATCH_MAX 8u
#define PROFILE_TYPES_MAX 16u
#define PROFILE_RULES_MAX 8u
#define PROFILE_LIMITS_MAX 8u
#define PROFILE_NAME_MAX 32u
#define PROFILE_LIMIT_MAX 256u

/* How a port keeps both directions of an exchange in one queue. */
enum profile_symmetric {
	PROFILE_SYMMETRIC_NONE,   /* it does not, or nobody knows */
	PROFILE_SYMMETRIC_KEY,    /* Toeplitz hash with a key of equal halves */
	PROFILE_SYMMETRIC_KERNEL, /* the kernel chooses the queue, symmetrically */
	PROFILE_SYMMETRIC_COUNT
};

/* Where the number of frames that were sent to a port is counted independently. */
enum profile_offered {
	PROFILE_OFFERED_UNKNOWN,
	PROFILE_OFFERED_INTERFACE, /* the kernel's interface that the device names (iface=) */
	PROFILE_OFFERED_COUNT
};

struct profile {
	char name[PROFILE_NAME_MAX];
	char title[CONFIG_TEXT_MAX];
	uint32_t match_count;
	char match[PROFILE_MATCH_MAX][PROFILE_NAME_MAX]; /* names of drivers */
	char tested[CONFIG_TEXT_MAX];                    /* on what; "": not tested */

	uint32_t queues_max;
	bool queues_all;      /* frames come on all queues that the device has, polled or not */
	uint32_t descriptors; /* a queue, where the configuration says 0 */
	uint32_t descriptors_min;
	uint32_t descriptors_max;
	uint32_t driver_buffers; /* of each queue, that the driver keeps beside its descriptors */
	uint32_t frame_octets;   /* longest frame to ask the port for; 0: leave it as it is */

	uint32_t rss_symmetric; /* enum profile_symmetric */
	uint32_t rss_key;       /* octets */
	uint32_t rss_types_count;
	char rss_types[PROFILE_TYPES_MAX][PROFILE_NAME_MAX]; /* see plan_rss_type */
	bool rss_ports; /* the hash holds UDP and TCP ports: fragments go elsewhere */
	bool rss_inner; /* hashes inside tunnels without being asked */
	uint32_t rules_count;
	char rules[PROFILE_RULES_MAX][PROFILE_NAME_MAX]; /* see port_flow.c */

	uint32_t link_wait;       /* seconds from start until the link may be up */
	uint32_t counts_offered;  /* enum profile_offered */
	bool counts_missed;       /* frames lost for want of a descriptor are counted ... */
	bool counts_missed_queue; /* ... for each queue */
	bool counts_lost_at_stop; /* counters are forgotten when the port stops */

	uint32_t limits_count;
	char limits[PROFILE_LIMITS_MAX][PROFILE_LIMIT_MAX]; /* sentences */
};

struct profiles {
	unsigned count;
	char folder[CONFIG_PATH_MAX]; /* where they came from; "": there is none */
	struct profile profile[PROFILES_MAX];
};

/* For a driver that nobody described: one queue, no promise. */
extern const struct profile profile_generic;

/*
 * Reads one profile; `name` is what messages call the text. 0, or -EINVAL and one
 * line in err that names file and path.
 */
int profile_parse(struct profile *p, const char *text, size_t len, const char *name,
	char err[ERROR_LINE_MAX]);

/*
 * Reads all *.json of a folder, by name. `folder` "" stands for
 * <program>/../drivers-config/profiles, else <program>/../share/fluxgate/profiles,
 * and it is no error when there is neither. Two profiles for one driver are
 * refused. 0, or -errno and one line in err.
 */
int profiles_load(struct profiles *all, const char *folder, char err[ERROR_LINE_MAX]);

/* The profile of a driver as rte_eth_dev_info names it; profile_generic when none matches. */
const struct profile *profile_of_driver(const struct profiles *all, const char *driver);

/*
 * The profile of a virtual device by its name and arguments ("net_pcap0,..."), before
 * EAL has started; NULL for a PCI address and where none matches.
 */
const struct profile *profile_of_device(const struct profiles *all, const char *device);
