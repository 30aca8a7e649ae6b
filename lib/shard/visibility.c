/* SPDX-License-Identifier: BSD-3-Clause */

#include "shard/visibility.h"

static enum visibility_transport transport_of(enum wire_verdict verdict)
{
	switch (verdict) {
#define X(name, v, text) \
	case v: \
		return name;
		VISIBILITY_TRANSPORTS(X)
#undef X
	default:
		return VISIBILITY_TRANSPORT_COUNT;
	}
}

/* Ports of DNS over TLS, QUIC and HTTPS, the drafts' too; clients may take ports below 8853. */
static bool is_server(uint16_t port)
{
	return port == 443 || port == 784 || port == 853 || port == 8853;
}

void visibility_add(struct visibility *v, enum wire_verdict verdict, const struct wire_packet *p,
	struct hash_key key)
{
	enum visibility_transport t = transport_of(verdict);
	uint64_t s = visibility_hash(p->saddr, p->ip_version, key);
	uint64_t d = visibility_hash(p->daddr, p->ip_version, key);
	bool to_server = is_server(p->dport) && (!is_server(p->sport) || p->dport < p->sport);

	if (t == VISIBILITY_TRANSPORT_COUNT)
		return;
	/* A sum is the same in both directions. */
	hll_add(&v->flow[t],
		hash_u64(hash_u64(s ^ p->sport, key) + hash_u64(d ^ p->dport, key), key));
	hll_add(&v->encrypted_client, to_server ? s : d);
}

uint64_t visibility_frames(const struct account *a, enum visibility_transport t)
{
	static const enum wire_verdict verdicts[VISIBILITY_TRANSPORT_COUNT] = {
#define X(name, v, text) [name] = v,
		VISIBILITY_TRANSPORTS(X)
#undef X
	};
	return a->rx[verdicts[t]];
}

double visibility_encrypted_share(const struct visibility *v)
{
	struct hll either = v->plain_client;

	hll_merge(&either, &v->encrypted_client);
	double clients = hll_estimate(&either), encrypted = hll_estimate(&v->encrypted_client);

	if (clients <= 0)
		return 0;
	/* Estimates, each with an error of its own. */
	return encrypted < clients ? encrypted / clients : 1;
}

void visibility_merge(struct visibility *into, const struct visibility *from)
{
	for (unsigned t = 0; t < VISIBILITY_TRANSPORT_COUNT; t++)
		hll_merge(&into->flow[t], &from->flow[t]);
	hll_merge(&into->encrypted_client, &from->encrypted_client);
	hll_merge(&into->plain_client, &from->plain_client);
}

const char *visibility_transport_name(enum visibility_transport t)
{
	static const char *const names[VISIBILITY_TRANSPORT_COUNT] = {
#define X(name, v, text) [name] = text,
		VISIBILITY_TRANSPORTS(X)
#undef X
	};
	return names[t];
}
