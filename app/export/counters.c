/* SPDX-License-Identifier: BSD-3-Clause */

#include <string.h>

#include "export/counters.h"

#define AT(member) offsetof(struct snapshot, member)

enum family_index {
	FAMILY_RECEIVED,
	FAMILY_RX_OCTETS,
	FAMILY_PACKETS,
	FAMILY_LAYERS,
	FAMILY_FRAGMENTS_ALL,
	FAMILY_FRAGMENTS,
	FAMILY_FRAGMENTS_HELD,
	FAMILY_DATAGRAMS_ALL,
	FAMILY_DATAGRAMS,
	FAMILY_SEGMENTS,
	FAMILY_OCTETS_ALL,
	FAMILY_OCTETS,
	FAMILY_OCTETS_HELD,
	FAMILY_TCP_MESSAGES,
	FAMILY_MESSAGES_ALL,
	FAMILY_MESSAGES,
	FAMILY_EARLY_ALL,
	FAMILY_EARLY,
	FAMILY_EARLY_HELD,
	FAMILY_DECLARED,
	FAMILY_RECORDS,
	FAMILY_UPDATES,
	FAMILY_TABLE,
	FAMILY_STORE_ENTRIES,
	FAMILY_STORE_OFFERED,
	FAMILY_STORE_FATE,
	FAMILY_STORE_RESTORED,
	FAMILY_STORE_LIVE,
	FAMILY_STORE_EVICTED,
	FAMILY_STORE_EXPIRED,
	FAMILY_STORE_PROMOTED,
	FAMILY_STORE_RECORDS_RESTORED,
	FAMILY_STORE_TRACKED,
	FAMILY_STORE_DEMOTED,
	FAMILY_STORE_RELEASED,
	FAMILY_STORE_DENIED,
	FAMILY_STORE_LEDGER,
	FAMILY_STORE_DOOR,
	FAMILY_RAISED,
	FAMILY_RESTORED,
	FAMILY_ACTIVE,
	FAMILY_CLEARED,
	FAMILY_EXPIRED,
	FAMILY_DENIED,
	FAMILY_HELD_BACK,
	FAMILY_NOTES,
	FAMILY_ERROR,
	FAMILY_EPOCHS_ERROR,
	FAMILY_WORST_ERROR,
	FAMILY_COUNT
};

static const struct counter_family families[FAMILY_COUNT] = {
	[FAMILY_RECEIVED] = {"received_packets_total", "Frames taken from the source.", false,
		{"rx", "received"}, {NULL}, AT(account.received)},
	[FAMILY_RX_OCTETS] = {"received_bytes_total", "Octets of these frames on the wire.", false,
		{"rx", "octets"}, {NULL}, AT(account.octets)},
	[FAMILY_PACKETS] = {"packets_total", "What became of each frame.", false, {"rx"},
		{"disposition", "reason"}, 0},
	[FAMILY_LAYERS] = {"layers_total", "Frames and datagrams that have a layer.", false,
		{"layers"}, {"layer"}, 0},
	[FAMILY_FRAGMENTS_ALL] = {NULL, NULL, false, {"fragments", "taken"}, {NULL}, 0},
	[FAMILY_FRAGMENTS] = {"fragments_total", "What became of each fragment.", false,
		{"fragments"}, {"fate"}, 0},
	[FAMILY_FRAGMENTS_HELD] = {"fragments_held", "Fragments that wait for others now.", true,
		{"fragments", "held"}, {NULL}, AT(account.fragments_held)},
	[FAMILY_DATAGRAMS_ALL] = {NULL, NULL, false, {"datagrams", "reassembled"}, {NULL},
		AT(account.datagrams)},
	[FAMILY_DATAGRAMS] = {"datagrams_total", "What each reassembled datagram was.", false,
		{"datagrams"}, {"disposition", "reason"}, 0},
	[FAMILY_SEGMENTS] = {"tcp_segments_total", "What became of each segment of DNS over TCP.",
		false, {"tcp", "segments"}, {"fate"}, 0},
	[FAMILY_OCTETS_ALL] = {NULL, NULL, false, {"tcp", "octets", "taken"}, {NULL},
		AT(account.tcp_octets)},
	[FAMILY_OCTETS] = {"tcp_octets_total", "What became of each octet of their data.", false,
		{"tcp", "octets"}, {"fate"}, 0},
	[FAMILY_OCTETS_HELD] = {"tcp_octets_held", "Octets that wait for others now.", true,
		{"tcp", "octets", "held"}, {NULL}, AT(account.tcp_octets_held)},
	[FAMILY_TCP_MESSAGES] = {"tcp_messages_total", "DNS messages that came over TCP.", false,
		{"tcp", "messages"}, {NULL}, AT(account.tcp_messages)},
	[FAMILY_MESSAGES_ALL] = {NULL, NULL, false, {"dns", "messages"}, {NULL}, 0},
	[FAMILY_MESSAGES] = {"dns_messages_total", "What became of each DNS message.", false,
		{"dns"}, {"kind", "fate", "reason"}, 0},
	[FAMILY_EARLY_ALL] = {NULL, NULL, false, {"early_responses", "taken"}, {NULL},
		AT(account.early_responses)},
	[FAMILY_EARLY] = {"early_responses_total",
		"What became of each response that came before its query.", false,
		{"early_responses"}, {"fate"}, 0},
	[FAMILY_EARLY_HELD] = {"early_responses_held", "Responses that wait for their query now.",
		true, {"early_responses", "held"}, {NULL}, AT(account.early_held)},
	[FAMILY_DECLARED] = {"records_declared_total", "Records that response headers promise.",
		false, {"records", "declared"}, {NULL}, AT(account.declared)},
	[FAMILY_RECORDS] = {"records_total", "What became of each record of a response.", false,
		{"records"}, {"fate", "reason"}, 0},
	[FAMILY_UPDATES] = {"table_offered_total", "Observations offered to the shards.", false,
		{"table", "shard", "updates"}, {NULL}, AT(account.updates)},
	[FAMILY_TABLE] = {"table_updates_total", "What became of each observation.", false,
		{"table", "shard"}, {"fate", "reason"}, 0},
	[FAMILY_STORE_ENTRIES] = {"store_entries_total", "Shard entries merged.", false,
		{"table", "store", "entries"}, {NULL}, AT(store.entries)},
	[FAMILY_STORE_OFFERED] = {"store_offered_total",
		"Domains offered to the store, once an epoch.", false,
		{"table", "store", "offered"}, {NULL}, AT(store.offered)},
	[FAMILY_STORE_FATE] = {"store_merged_total", "What became of each offered domain.", false,
		{"table", "store"}, {"fate"}, 0},
	[FAMILY_STORE_RESTORED] = {"store_restored_total",
		"Candidates and tracked domains that came from the saved state.", false,
		{"table", "store", "restored"}, {NULL}, AT(store.restored)},
	[FAMILY_STORE_LIVE] = {"store_domains", "Candidates and tracked domains now.", true,
		{"table", "store", "live"}, {NULL}, AT(store.live)},
	[FAMILY_STORE_EVICTED] = {"store_evicted_total", "Candidates pushed out by others.", false,
		{"table", "store", "evicted"}, {NULL}, AT(store.evicted)},
	[FAMILY_STORE_EXPIRED] = {"store_expired_total", "Domains let go after a week's silence.",
		false, {"table", "store", "expired"}, {NULL}, AT(store.expired)},
	[FAMILY_STORE_PROMOTED] = {"store_promoted_total", "Candidates given a full record.", false,
		{"table", "store", "promoted"}, {NULL}, AT(store.promoted)},
	[FAMILY_STORE_RECORDS_RESTORED] = {"store_records_restored_total",
		"Tracked domains that came from the saved state.", false,
		{"table", "store", "records_restored"}, {NULL}, AT(store.records_restored)},
	[FAMILY_STORE_TRACKED] = {"store_tracked_domains", "Domains with a full record now.", true,
		{"table", "store", "tracked"}, {NULL}, AT(store.tracked)},
	[FAMILY_STORE_DEMOTED] = {"store_demoted_total", "Full records given up for others.", false,
		{"table", "store", "demoted"}, {NULL}, AT(store.demoted)},
	[FAMILY_STORE_RELEASED] = {"store_released_total", "Full records of domains that went.",
		false, {"table", "store", "released"}, {NULL}, AT(store.released)},
	[FAMILY_STORE_DENIED] = {"store_promotion_denied_total",
		"Promotions for which no record was free.", false,
		{"table", "store", "promotion_denied"}, {NULL}, AT(store.promotion_denied)},
	[FAMILY_STORE_LEDGER] = {"store_ledger_denied_total",
		"Domains for whose many addresses no ledger was free.", false,
		{"table", "store", "ledger_denied"}, {NULL}, AT(store.ledger_denied)},
	[FAMILY_STORE_DOOR] = {"store_door_evicted_total", "Names pushed out of the doorkeeper.",
		false, {"table", "store", "door_evicted"}, {NULL}, AT(store.door_evicted)},
	[FAMILY_RAISED] = {"verdicts_raised_total", "Verdicts raised.", false,
		{"verdict", "raised"}, {NULL}, AT(verdict_account.raised)},
	[FAMILY_RESTORED] = {"verdicts_restored_total", "Verdicts that came from the saved state.",
		false, {"verdict", "restored"}, {NULL}, AT(verdict_account.restored)},
	[FAMILY_ACTIVE] = {"verdicts_active", "Verdicts in force now.", true, {"verdict", "active"},
		{NULL}, AT(verdict_account.active)},
	[FAMILY_CLEARED] = {"verdicts_cleared_total", "Verdicts withdrawn.", false,
		{"verdict", "cleared"}, {NULL}, AT(verdict_account.cleared)},
	[FAMILY_EXPIRED] = {"verdicts_expired_total",
		"Verdicts that ended with their domain's silence.", false, {"verdict", "expired"},
		{NULL}, AT(verdict_account.expired)},
	[FAMILY_DENIED] = {"verdicts_denied_total", "Verdicts for which no place was left.", false,
		{"verdict", "denied"}, {NULL}, AT(verdict_account.denied)},
	[FAMILY_HELD_BACK] = {"verdicts_held_back_total",
		"Judgements in which a domain of detect.infrastructure met a rule.", false,
		{"verdict", "held_back"}, {NULL}, AT(verdict_account.held_back)},
	[FAMILY_NOTES] = {"notes_total", "Side counts that belong to no identity.", false,
		{"notes"}, {"note"}, 0},
	[FAMILY_ERROR] = {"accounting_error",
		"Sum of what the identities miss; 0 when all is accounted for.", true,
		{"accounting_error"}, {NULL}, AT(accounting_error)},
	[FAMILY_EPOCHS_ERROR] = {"epochs_with_error_total",
		"Epochs whose own identities missed something.", false, {"epochs_with_error"},
		{NULL}, AT(epochs_with_error)},
	[FAMILY_WORST_ERROR] = {"worst_epoch_error", "The most that one epoch missed.", true,
		{"worst_epoch_error"}, {NULL}, AT(worst_epoch_error)},
};

const struct port_counter port_counters[PORT_COUNTERS] = {
	{"offered", "port_offered_packets", "Frames sent to the port, by an independent count.",
		offsetof(struct port_status, offered), true},
	{"received", "port_received_packets_total", "Frames of the port that workers took.",
		offsetof(struct port_status, received), false},
	{"driver_received", "port_driver_received_packets_total",
		"Frames that the driver says it received.",
		offsetof(struct port_status, driver_received), false},
	{"missed", "port_missed_packets_total", "Frames lost for want of a free descriptor.",
		offsetof(struct port_status, missed), false},
	{"errors", "port_errors_total", "Frames that the port received with an error.",
		offsetof(struct port_status, errors), false},
	{"no_mbuf", "port_no_mbuf_total", "Frames lost for want of a buffer.",
		offsetof(struct port_status, no_mbuf), false},
	{"spreader_dropped", "port_spreader_dropped_packets_total",
		"Frames lost because their worker's ring from the spreader was full.",
		offsetof(struct port_status, spreader_dropped), false},
	{"in_flight", "port_in_flight_packets",
		"Frames that the driver received and no worker has taken yet.",
		offsetof(struct port_status, in_flight), true},
	{"unknown", "port_unknown_packets", "Offered frames that nobody accounts for.",
		offsetof(struct port_status, unknown), true},
};

const struct port_counter worker_counters[WORKER_COUNTERS] = {
	{"frames", "worker_frames_total", "Frames that a worker took.",
		offsetof(struct worker_status, frames), false},
	{"responses", "worker_responses_total", "DNS responses that a worker saw.",
		offsetof(struct worker_status, responses), false},
	{"overruns", "worker_overruns_total", "Epochs that ended with no clean shard at hand.",
		offsetof(struct worker_status, overruns), false},
	{"late", "worker_late_total", "Epochs that closed without a worker's shard.",
		offsetof(struct worker_status, late), false},
};

struct walk {
	counter_fn *fn;
	void *ctx;
};

static void emit(const struct walk *w, enum family_index f, const char *a, const char *b,
	const char *c, uint64_t value)
{
	const char *const keys[COUNTER_DEPTH] = {a, b, c};

	w->fn(w->ctx, &families[f], keys, value);
}

static void packets_each(const struct walk *w, const struct account *a)
{
	for (unsigned i = 0; i < WIRE_VERDICT_COUNT; i++) {
		enum wire_class class = wire_verdict_class((enum wire_verdict)i);
		emit(w, FAMILY_PACKETS, wire_class_name(class),
			wire_verdict_name((enum wire_verdict)i), NULL, a->rx[i]);
	}
}

static void datagrams_each(const struct walk *w, const struct account *a)
{
	for (unsigned i = 0; i < WIRE_VERDICT_COUNT; i++) {
		enum wire_class class = wire_verdict_class((enum wire_verdict)i);
		/* Whole ones are never cut by a snap length, nor in several buffers. */
		if (class == WIRE_CLASS_TRUNCATED || i == WIRE_SEGMENTED)
			continue;
		emit(w, FAMILY_DATAGRAMS, wire_class_name(class),
			wire_verdict_name((enum wire_verdict)i), NULL, a->whole[i]);
	}
}

static void reassembly_each(const struct walk *w, const struct account *a, enum family_index f)
{
	if (f == FAMILY_FRAGMENTS)
		for (unsigned i = 0; i < FRAGMENT_FATE_COUNT; i++)
			emit(w, f, fragment_fate_name((enum fragment_fate)i), NULL, NULL,
				a->fragment[i]);
	else if (f == FAMILY_SEGMENTS)
		for (unsigned i = 0; i < SEGMENT_FATE_COUNT; i++)
			emit(w, f, segment_fate_name((enum segment_fate)i), NULL, NULL,
				a->segment[i]);
	else
		for (unsigned i = 0; i < OCTET_FATE_COUNT; i++)
			emit(w, f, octet_fate_name((enum octet_fate)i), NULL, NULL,
				a->tcp_octet[i]);
}

static void messages_each(const struct walk *w, const struct account *a)
{
	for (unsigned i = 0; i < QUERY_FATE_COUNT; i++)
		emit(w, FAMILY_MESSAGES, "queries", query_fate_name((enum query_fate)i), NULL,
			a->query[i]);
	for (unsigned i = 0; i < RESPONSE_FATE_COUNT; i++) {
		const char *name = response_fate_name((enum response_fate)i);
		if (response_fate_is_evidence((enum response_fate)i))
			emit(w, FAMILY_MESSAGES, "responses", name, NULL, a->response[i]);
		else
			emit(w, FAMILY_MESSAGES, "responses", "without_evidence", name,
				a->response[i]);
	}
	for (unsigned i = 0; i < NOT_DNS_REASON_COUNT; i++)
		emit(w, FAMILY_MESSAGES, "not_dns", not_dns_reason_name((enum not_dns_reason)i),
			NULL, a->not_dns[i]);
}

static void records_each(const struct walk *w, const struct account *a)
{
	static const char unused[] = "unused";

	for (unsigned i = 0; i < RECORD_FATE_COUNT; i++) {
		const char *name = record_fate_name((enum record_fate)i);
		/* "unused_type": the reason stands behind the fate. */
		if (strncmp(name, "unused_", sizeof(unused)) == 0)
			emit(w, FAMILY_RECORDS, unused, name + sizeof(unused), NULL, a->record[i]);
		else
			emit(w, FAMILY_RECORDS, name, NULL, NULL, a->record[i]);
	}
}

static void table_each(const struct walk *w, const struct account *a)
{
	for (unsigned i = 0; i < TABLE_FATE_COUNT; i++) {
		const char *name = table_fate_name((enum table_fate)i);
		if (table_fate_is_denied((enum table_fate)i))
			emit(w, FAMILY_TABLE, "denied", name, NULL, a->table[i]);
		else
			emit(w, FAMILY_TABLE, name, NULL, NULL, a->table[i]);
	}
}

static void family_each(const struct walk *w, const struct snapshot *s, enum family_index f)
{
	switch (f) {
	case FAMILY_PACKETS:
		packets_each(w, &s->account);
		break;
	case FAMILY_LAYERS:
		for (unsigned i = 0; i < WIRE_LAYER_COUNT; i++)
			emit(w, f, wire_layer_name((enum wire_layer)i), NULL, NULL,
				s->account.layer[i]);
		break;
	case FAMILY_FRAGMENTS_ALL:
		emit(w, f, NULL, NULL, NULL, account_fragments(&s->account));
		break;
	case FAMILY_DATAGRAMS:
		datagrams_each(w, &s->account);
		break;
	case FAMILY_FRAGMENTS:
	case FAMILY_SEGMENTS:
	case FAMILY_OCTETS:
		reassembly_each(w, &s->account, f);
		break;
	case FAMILY_MESSAGES_ALL:
		emit(w, f, NULL, NULL, NULL, account_messages(&s->account));
		break;
	case FAMILY_MESSAGES:
		messages_each(w, &s->account);
		break;
	case FAMILY_EARLY:
		for (unsigned i = 0; i < EARLY_FATE_COUNT; i++)
			emit(w, f, early_fate_name((enum early_fate)i), NULL, NULL,
				s->account.early[i]);
		break;
	case FAMILY_RECORDS:
		records_each(w, &s->account);
		break;
	case FAMILY_TABLE:
		table_each(w, &s->account);
		break;
	case FAMILY_STORE_FATE:
		for (unsigned i = 0; i < STORE_FATE_COUNT; i++)
			emit(w, f, store_fate_name((enum store_fate)i), NULL, NULL,
				s->store.fate[i]);
		break;
	case FAMILY_NOTES:
		for (unsigned i = 0; i < ACCOUNT_NOTE_COUNT; i++)
			emit(w, f, account_note_name((enum account_note)i), NULL, NULL,
				s->account.note[i]);
		break;
	default:
		emit(w, f, NULL, NULL, NULL, counter_at(s, families[f].offset));
	}
}

void counters_each(const struct snapshot *s, counter_fn *fn, void *ctx)
{
	const struct walk w = {fn, ctx};

	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		family_each(&w, s, (enum family_index)f);
}
