/* SPDX-License-Identifier: BSD-3-Clause */

/* Which servers answer for many names: resolvers, as far as 8 bits tell servers apart. */

#include "store/store_internal.h"

/* An authority that is asked for so many domains within two days serves a large provider. */
#define ESTABLISHED_NAMES 64.0
#define ESTABLISHED_SHARE 0.05

static void servers_advance(struct servers *v, uint32_t day)
{
	if (day == v->day)
		return;
	if (day == v->day + 1) {
		v->all[1] = v->all[0];
		memcpy(v->of[1], v->of[0], sizeof(v->of[1]));
	} else {
		memset(&v->all[1], 0, sizeof(v->all[1]));
		memset(v->of[1], 0, sizeof(v->of[1]));
	}
	memset(&v->all[0], 0, sizeof(v->all[0]));
	memset(v->of[0], 0, sizeof(v->of[0]));
	v->day = day;
}

void servers_add(struct servers *v, uint8_t server, uint64_t key, uint32_t now)
{
	servers_advance(v, now / DAY_SECONDS);
	hll_add(&v->all[0], key);
	hll_add(&v->of[0][server], key);
}

void servers_weigh(struct servers *v)
{
	struct hll all = v->all[0];

	hll_merge(&all, &v->all[1]);
	double least = ESTABLISHED_SHARE * hll_estimate(&all);
	for (unsigned i = 1; i < 256; i++) {
		struct hll of = v->of[0][i];

		hll_merge(&of, &v->of[1][i]);
		double names = hll_estimate(&of);
		v->established[i] = names >= ESTABLISHED_NAMES && names >= least;
	}
}

bool store_server_established(const struct store *st, uint8_t server)
{
	return server == SHARD_SERVER_RESOLVER || st->servers.established[server];
}
