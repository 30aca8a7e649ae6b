// SPDX-License-Identifier: BSD-3-Clause

// First of all: what came in, what was lost and where, and whether the counters agree.

const lostOf = (port) => port.missed + port.errors + port.no_mbuf + port.spreader_dropped;

function tile(name, figure, under, options = {}) {
	return h(
		"div",
		{class: `tile ${options.edge || ""}`},
		h("dt", null, name),
		h(
			"dd",
			null,
			h("div", {class: `figure ${options.tone || ""}`, title: options.title}, figure),
			h("div", {class: "under"}, under),
		),
	);
}

function tiles(status, stats, now) {
	const a = stats.accounting,
		lost = a.port.reduce((n, p) => n + lostOf(p), 0);
	const unknown = a.port.some((p) => p.unknown === null)
		? null
		: a.port.reduce((n, p) => n + p.unknown, 0);
	const worst = Math.max(0, ...a.port.map((p) => p.loss_rate || 0));
	const error = a.accounting_error + a.epochs_with_error;
	const pairing = status.pairing,
		states = status.workers.map((w) => w.state);
	const sick = states.filter((s) => s === "late" || s === "hung").length;
	const flaggedNow = status.flagged;
	return [
		tile(
			"Frames in",
			short(a.rx.received),
			now === null ? `${brief.format(a.rx.octets)} octets` : `${rate(now)} /s now`,
			{title: count(a.rx.received)},
		),
		a.port.length
			? tile(
					"Lost at ports",
					short(lost),
					`${share(worst, 1)} in the last epoch; ${unknown === null ? "not all is counted" : `${count(unknown)} unknown`}`,
					{
						title: count(lost),
						tone: worst ? "bad" : lost ? "warn" : "good",
						edge: worst && "bad-edge",
					},
				)
			: tile("Lost at ports", "none", "a capture loses nothing", {tone: "good"}),
		tile(
			"Accounting error",
			count(a.accounting_error),
			error
				? `${plural(a.epochs_with_error, "epoch")} with an error: please report it`
				: "every frame is accounted for",
			{tone: error ? "bad" : "good", edge: error && "bad-edge"},
		),
		tile(
			"DNS messages",
			short(a.dns.messages),
			pairing && known(pairing.paired_share)
				? `${share(pairing.paired_share, 1)} of the answers paired`
				: `direction ${plain(pairing ? pairing.direction : "unknown")}`,
			{title: count(a.dns.messages)},
		),
		tile(
			"Flagged now",
			count(flaggedNow),
			`${count(a.verdict.raised)} raised, ${count(a.verdict.cleared + a.verdict.expired)} gone since start`,
		),
		tile(
			"Workers",
			count(states.length),
			sick
				? `${sick} late or hung`
				: status.imbalance
					? `busiest takes ${number(status.imbalance)} × the mean`
					: states[0] === "ended"
						? "the replay has ended"
						: "all running",
			{tone: sick ? "bad" : "", edge: sick && "bad-edge"},
		),
	];
}

const FATES = [
	["dns", "DNS over UDP", "f1"],
	["tcp", "TCP of DNS ports", "f4"],
	["fragment", "fragments", "f2"],
	["ignored", "not DNS", "f8"],
	["malformed", "malformed", "f6"],
	["truncated", "cut short", "f3"],
];

function fates(rx) {
	const parts = FATES.map(([key, name, fillClass]) => ({
		key,
		name,
		fill: fillClass,
		value: sum(rx[key]),
	}));
	const words = parts
		.filter((p) => p.value)
		.map((p) => `${p.name} ${share(p.value, rx.received)}`)
		.join(", ");
	return [
		partsBar(parts, words || "no frames yet"),
		h(
			"ul",
			{class: "legend"},
			parts.map((p) =>
				h(
					"li",
					null,
					h("span", {class: `key ${p.fill}`}),
					p.name,
					h(
						"span",
						{class: "soft"},
						p.value ? `${short(p.value)} · ${share(p.value, rx.received)}` : "0",
					),
				),
			),
		),
	];
}

// [group, [[reason, frames]...]]; what is not there did not happen.
function dropped(a) {
	const ports = {};
	for (const port of a.port)
		for (const key of ["missed", "errors", "no_mbuf", "spreader_dropped"])
			ports[key] = (ports[key] || 0) + port[key];
	const of = (tree, ...keys) => Object.fromEntries(keys.map((k) => [k, tree[k]]));
	return [
		["lost at ports, frames", ports],
		["malformed, frames", a.rx.malformed],
		["cut short, frames", a.rx.truncated],
		[
			"fragments given up",
			of(
				a.fragments,
				"timed_out",
				"evicted",
				"conflicting_overlap",
				"too_many_parts",
				"too_large",
				"invalid",
				"snap_length",
			),
		],
		[
			"TCP octets lost to the parser",
			of(a.tcp.octets, "gap", "evicted", "framing", "out_of_window"),
		],
		["not DNS on a DNS port, messages", a.dns.not_dns],
		[
			"tables full, updates",
			{
				...a.table.shard.denied,
				...of(a.table.store, "denied", "evicted", "promotion_denied", "ledger_denied"),
			},
		],
	].map(([group, reasons]) => [group, Object.entries(reasons).filter(([, n]) => n)]);
}

function drops(a) {
	const groups = dropped(a),
		bad = groups.filter(([, reasons]) => reasons.length);
	const ignored = Object.entries(a.rx.ignored).filter(([, n]) => n);
	const row = (group, [reason, n], tone) =>
		h(
			"tr",
			null,
			h("th", {scope: "row"}, plain(reason)),
			h("td", {class: "soft"}, group),
			h("td", {class: `number ${tone}`, title: count(n)}, short(n)),
		);
	return [
		bad.length
			? table(
					null,
					[["reason"], ["where, of what"], ["count", "number"]],
					bad.map(([group, reasons]) => reasons.map((r) => row(group, r, "bad"))),
				)
			: h(
					"p",
					null,
					h("strong", {class: "good"}, "Nothing. "),
					h(
						"span",
						{class: "soft"},
						`No frame lost, malformed or cut; no fragment given up; no table full.`,
					),
				),
		ignored.length > 0 &&
			h(
				"details",
				{class: "fold", "data-keep": "ignored"},
				h(
					"summary",
					null,
					`${short(sum(a.rx.ignored))} frames that are not DNS, by reason`,
				),
				table(
					null,
					[["reason"], ["where, of what"], ["count", "number"]],
					ignored.map((r) => row("ignored, frames", r, "")),
				),
			),
	];
}

function portsTable(list) {
	return table(
		"Ports: offered = received + lost + in flight + unknown",
		[
			["port"],
			["link"],
			["offered", "number"],
			["received", "number"],
			["lost", "number"],
			["in flight", "number"],
			["unknown", "number"],
			["loss, last epoch", "number"],
		],
		list.map((p) =>
			h(
				"tr",
				null,
				h("th", {scope: "row", class: "mono"}, p.name),
				h("td", {class: p.link === "up" ? "good" : "bad"}, p.link),
				h("td", {class: "number"}, count(p.offered)),
				h("td", {class: "number"}, count(p.received)),
				h("td", {class: `number ${lostOf(p) ? "bad" : ""}`}, count(lostOf(p))),
				h("td", {class: "number"}, count(p.in_flight)),
				h("td", {class: "number"}, count(p.unknown)),
				h("td", {class: "number"}, known(p.loss_rate) ? share(p.loss_rate, 1) : "–"),
			),
		),
	);
}

function showAccounting(status, stats, now) {
	put($("tiles"), tiles(status, stats, now));
	put($("fate"), fates(stats.accounting.rx));
	put($("drops"), drops(stats.accounting));
	$("ports").hidden = !status.ports.length;
	put($("ports"), portsTable(status.ports));
}
