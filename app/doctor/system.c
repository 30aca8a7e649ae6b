/* SPDX-License-Identifier: BSD-3-Clause */

/* What this machine tells by system calls only. All of it is asked, nothing set. */

#include <errno.h>
#include <limits.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "drivers-config/xdp/device.h"
#include "drivers-config/xdp/xdp.h"

static int ethtool(int fd, const char *name, void *command)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_data = command;
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* The number of a feature named so, -1 without it. */
static int feature_index(const struct ethtool_gstrings *names, const char *name)
{
	for (unsigned i = 0; i < names->len; i++)
		if (strncmp((const char *)names->data + (size_t)i * ETH_GSTRING_LEN, name,
			    ETH_GSTRING_LEN) == 0)
			return (int)i;
	return -1;
}

static bool feature_active(
	const struct ethtool_gfeatures *f, const struct ethtool_gstrings *names, const char *name)
{
	int i = feature_index(names, name);

	return i >= 0 && (unsigned)i / 32 < f->size &&
	       (f->features[(unsigned)i / 32].active >> ((unsigned)i % 32) & 1);
}

/* How many features the interface has names for, 0 when it does not tell. */
static unsigned features_count(int fd, const char *name)
{
	union {
		struct ethtool_sset_info info;
		__u32 word[sizeof(struct ethtool_sset_info) / sizeof(__u32) + 1];
	} set = {.info = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};

	if (ethtool(fd, name, &set) < 0 || !set.info.sset_mask)
		return 0;
	return set.word[sizeof(struct ethtool_sset_info) / sizeof(__u32)];
}

static void features_get(int fd, const char *name, struct nic_facts *out)
{
	unsigned n = features_count(fd, name), blocks = (n + 31) / 32;
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)n * ETH_GSTRING_LEN);
	struct ethtool_gfeatures *f = calloc(1, sizeof(*f) + blocks * sizeof(f->features[0]));
	if (names && f) {
		names->cmd = ETHTOOL_GSTRINGS;
		names->string_set = ETH_SS_FEATURES;
		names->len = n;
		f->cmd = ETHTOOL_GFEATURES;
		f->size = blocks;
		if (ethtool(fd, name, names) == 0 && ethtool(fd, name, f) == 0) {
			out->gro = feature_active(f, names, "rx-gro");
			out->gro_hw = feature_active(f, names, "rx-gro-hw");
			out->lro = feature_active(f, names, "rx-lro");
		}
	}
	free(names);
	free(f);
}

static int nic_ask(const char *name, struct nic_facts *out)
{
	struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
	struct ethtool_ringparam ring = {.cmd = ETHTOOL_GRINGPARAM};
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return -errno;
	int rc = ethtool(fd, name, &driver);
	if (rc == 0)
		snprintf(out->driver, sizeof(out->driver), "%.31s", driver.driver);
	/* A driver that knows neither has one queue and no ring. */
	if (rc == 0 && ethtool(fd, name, &channels) == 0) {
		out->rx_queues = channels.combined_count + channels.rx_count;
		out->combined = channels.combined_count;
		out->combined_max = channels.max_combined;
	}
	if (rc == 0 && ethtool(fd, name, &ring) == 0) {
		out->rx_ring = ring.rx_pending;
		out->rx_ring_max = ring.rx_max_pending;
	}
	if (rc == 0)
		features_get(fd, name, out);
	close(fd);
	return rc;
}

static int clock_ask(bool *synchronised)
{
	struct timex t = {0};
	int state = adjtimex(&t);

	if (state < 0)
		return -errno;
	*synchronised = state != TIME_ERROR && !(t.status & STA_UNSYNC);
	return 0;
}

static int steer_look(const char *device, char err[ERROR_LINE_MAX])
{
	char whole[CONFIG_TEXT_MAX + PATH_MAX];

	return xdp_device_complete(device, whole, sizeof(whole), err);
}

struct doctor_system doctor_system_here(void)
{
	return (struct doctor_system){
		.nic = nic_ask,
		.clock = clock_ask,
		.xdp = xdp_look,
		.steer = steer_look,
		.now = (uint64_t)time(NULL),
	};
}
