// SPDX-License-Identifier: BSD-3-Clause

// A domain's page: what it is flagged for, or which clause fails and by how much; its addresses over
// time, its name servers, and who shares its hosts.

const SIBLINGS = 50;

const detail = {name: null, answer: null, siblings: []};

async function loadDetail(name) {
	const answer = await ask(`explain/${encodeURIComponent(name)}`);
	let siblings = [];
	if (answer.verdict?.campaign) {
		const page = await ask(`domains?limit=${SIBLINGS}&campaign=${answer.verdict.campaign.id}`);
		siblings = page.domains.filter((d) => d.domain !== answer.domain);
	}
	Object.assign(detail, {name, answer, siblings});
}

const fact = (name, ...value) => h("div", null, h("dt", null, name), h("dd", null, value));

function summary(e) {
	const v = e.verdict;
	return h(
		"section",
		{class: "panel", "aria-label": "Verdict"},
		h("h2", {class: "title", tabindex: -1, id: "detail-title"}, e.domain || e.name),
		v
			? tagsOf(v)
			: h(
					"div",
					{class: "tags"},
					h("span", {class: "tag is-good"}, "not flagged"),
					h("span", {class: "tag"}, e.tier),
					e.listed && h("span", {class: "tag"}, e.listed),
				),
		h("p", null, e.text),
		h(
			"dl",
			{class: "facts"},
			v && fact("Score", h("span", {class: "score"}, number(v.score)), " of 100"),
			v && fact("Confidence", v.confidence.toFixed(2)),
			v && known(v.model_probability) && fact("By the model", v.model_probability.toFixed(3)),
			v && fact("Window", v.window),
			v && fact("Flagged since", time(v.first_flagged)),
			fact("First seen", time(e.first_seen)),
			fact("Last seen", time(e.last_seen)),
			e.evidence &&
				fact(
					"Addresses",
					v
						? count(v.addresses)
						: `${count(e.evidence.addresses)}${e.evidence.more ? " and more" : ""}`,
				),
			v && fact("Networks", count(v.networks)),
			v && fact("Countries", count(v.countries), " ", countriesOf(v).slice(0, 5).join(" ")),
			e.evidence && fact("Responses", count(e.evidence.responses)),
			e.evidence &&
				fact(
					"TTL, largest",
					known(e.evidence.ttl_max) ? duration(e.evidence.ttl_max) : "unknown",
				),
			v && v.own_addresses > 0 && fact("Own subscribers", count(v.own_addresses)),
		),
	);
}

// The largest networks first; in each the addresses as they came.
function byNetwork(sample) {
	const networks = new Map();
	for (const a of sample) {
		const key = network(a.asn);
		if (!networks.has(key)) networks.set(key, []);
		networks.get(key).push(a);
	}
	const list = [...networks].map(([key, rows]) => {
		rows.sort((a, b) => seconds(a.first_seen) - seconds(b.first_seen));
		const places = [...new Set(rows.map((a) => a.country).filter(Boolean))].join(" ");
		return {title: `${key}${places ? ` · ${places}` : ""}`, rows};
	});
	return list.sort(
		(a, b) =>
			b.rows.length - a.rows.length ||
			seconds(a.rows[0].first_seen) - seconds(b.rows[0].first_seen),
	);
}

function addresses(e) {
	const dated = e.sample.filter((a) => a.first_seen && a.last_seen);
	if (!dated.length)
		return h(
			"section",
			{class: "panel"},
			h("h3", null, "Addresses over time"),
			h(
				"p",
				{class: "soft"},
				e.sample.length
					? "When they were seen is kept only of names that are watched in full."
					: "No address is kept.",
			),
			e.sample.length > 0 && addressTable(e.sample),
		);
	const from = Math.min(...dated.map((a) => seconds(a.first_seen))),
		to = Math.max(...dated.map((a) => seconds(a.last_seen)));
	const networks = byNetwork(dated),
		width = Math.max(280, chartWidth());
	const text = `${plural(dated.length, "address", "addresses")} in ${plural(networks.length, "network")}, from ${time(dated.reduce((m, a) => (a.first_seen < m ? a.first_seen : m), dated[0].first_seen))} to ${time(e.last_seen)} UTC`;
	const rows = networks.map((n) => ({
		title: n.title,
		rows: n.rows.map((a) => ({
			label: a.address,
			first: seconds(a.first_seen),
			last: seconds(a.last_seen),
			kind: a.name_server ? "f3" : a.own ? "f2" : "f1",
			note: `${a.address}: ${time(a.first_seen)} to ${time(a.last_seen)}${a.own ? ", an own subscriber's" : ""}${a.name_server ? ", also a name server's" : ""}`,
		})),
	}));
	return h(
		"section",
		{class: "panel", "aria-label": "Addresses over time"},
		h("h3", null, "Addresses over time, by network"),
		h(
			"p",
			{class: "soft"},
			`${text}${e.evidence?.more || (e.verdict && e.verdict.addresses > dated.length) ? ": a sample of all" : ""}.`,
		),
		h(
			"ul",
			{class: "legend"},
			key("f1", "from first to last seen"),
			dated.some((a) => a.name_server) && key("f3", "also a name server's"),
			dated.some((a) => a.own) && key("f2", "an own subscriber's"),
		),
		timesChart(rows, from, to, width, text),
		h(
			"details",
			{class: "fold", "data-keep": "addresses"},
			h("summary", null, "The same as a table"),
			addressTable(dated),
		),
	);
}

const key = (kind, text) => h("li", null, h("span", {class: `key ${kind}`}), text);

function addressTable(sample) {
	return table(
		null,
		[
			["address"],
			["network"],
			["country"],
			["first seen (UTC)"],
			["last seen (UTC)"],
			["evidence"],
		],
		sample.map((a) =>
			h(
				"tr",
				null,
				h("th", {scope: "row", class: "mono"}, a.address),
				h("td", null, network(a.asn)),
				h("td", null, a.country || "–"),
				h("td", null, time(a.first_seen)),
				h("td", null, time(a.last_seen)),
				h(
					"td",
					null,
					a.grade,
					a.name_server && ", name server's",
					a.own && ", own subscriber's",
				),
			),
		),
	);
}

// How many times a value is beyond its threshold; whichever way, for the clause holds.
function marginOf(c) {
	const times = Math.max(c.value / c.threshold, c.threshold / c.value);
	return Number.isFinite(times) ? `${number(times)} ×` : "–";
}

function reasonsTable(v) {
	return h(
		"section",
		{class: "panel stacked", "aria-label": "Reasons"},
		h("h3", null, `Why: ${plural(v.reasons.length, "clause")} of the rule, over ${v.window}`),
		table(
			null,
			[["in words"], ["value", "number"], ["threshold", "number"], ["beyond", "number"]],
			v.reasons.map((r) =>
				h(
					"tr",
					null,
					h("th", {scope: "row"}, r.text, h("div", {class: "soft mono"}, r.code)),
					h("td", {class: "number"}, number(r.value)),
					h("td", {class: "number"}, number(r.threshold)),
					h("td", {class: "number"}, marginOf(r)),
				),
			),
		),
	);
}

// Not flagged: over each window what is lacking, and by how much.
function windowPanel(w) {
	const clauses = new Map(w.clauses.map((c) => [c.code, c]));
	const fails = w.clauses.filter((c) => !c.holds);
	return h(
		"details",
		{"data-keep": `window-${w.window}`, open: w.nearest},
		h(
			"summary",
			null,
			`Over ${w.window}: `,
			w.class
				? `${w.suspected ? "suspected " : ""}${CLASSES[w.class] || w.class} is met, score ${number(w.score)}`
				: w.ways.length
					? `nearest is ${CLASSES[w.ways[0].class] || w.ways[0].class}, lacks ${plural(w.ways[0].lacks.length, "clause")}`
					: "no rule is near",
		),
		w.ways.slice(0, 3).map((way) =>
			table(
				`For ${way.suspected ? "suspected " : ""}${CLASSES[way.class] || way.class} it lacks`,
				[
					["in words"],
					["value", "number"],
					["threshold", "number"],
					["short by", "number"],
				],
				way.lacks
					.map((code) => clauses.get(code))
					.filter(Boolean)
					.map((c) =>
						h(
							"tr",
							null,
							h("th", {scope: "row"}, c.text, h("div", {class: "soft mono"}, c.code)),
							h("td", {class: "number"}, number(c.value)),
							h("td", {class: "number"}, number(c.threshold)),
							h("td", {class: "number bad"}, number(c.short_by)),
						),
					),
			),
		),
		h(
			"p",
			{class: "soft"},
			`${w.clauses.length - fails.length} of ${w.clauses.length} clauses hold.`,
		),
	);
}

function windows(e) {
	if (!e.windows.length) return null;
	const lacking = (w) => (w.ways.length ? w.ways[0].lacks.length : Infinity);
	const least = Math.min(...e.windows.map(lacking));
	const nearest = e.flagged ? null : e.windows.find((w) => lacking(w) === least);
	return h(
		"section",
		{class: "panel stacked", "aria-label": "Rules"},
		h(
			"h3",
			null,
			e.flagged ? "The rules, over each window" : "Why not: what each window lacks",
		),
		e.windows.map((w) => windowPanel({...w, nearest: w === nearest})),
	);
}

function servers(e) {
	const w = e.windows.find((x) => x.window === (e.verdict ? e.verdict.window : "24h"));
	if (!w) return null;
	const f = w.features,
		list = e.name_servers || [];
	return h(
		"section",
		{class: "panel", "aria-label": "Name servers"},
		h("h3", null, "Name servers"),
		h(
			"dl",
			{class: "facts"},
			fact("Names", count(f.ns_names)),
			fact("Addresses", known(f.ns_addresses) ? count(f.ns_addresses) : "no glue seen"),
			known(f.ns_networks) && fact("Networks", count(f.ns_networks)),
			fact("Changes of the set", count(f.ns_changes)),
			f.ns_ttl > 0 && fact("TTL", duration(f.ns_ttl)),
			known(f.glue_in_pool) && fact("Also serve the domain", count(f.glue_in_pool)),
			known(f.ns_transient) && fact("Came and went", count(f.ns_transient)),
		),
		list.length > 0 &&
			table(
				null,
				[["address"], ["network"], ["last seen (UTC)"], ["seen for", "number"]],
				list.map((a) =>
					h(
						"tr",
						null,
						h("th", {scope: "row", class: "mono"}, a.address),
						h("td", null, network(a.asn)),
						h("td", null, time(a.last_seen)),
						h("td", {class: "number"}, duration(600 * a.ticks)),
					),
				),
			),
	);
}

function campaign(e) {
	if (!e.verdict?.campaign) return null;
	return h(
		"section",
		{class: "panel", "aria-label": "Campaign"},
		h("h3", null, "On the same hosts"),
		h(
			"p",
			null,
			"Campaign ",
			h("span", {class: "mono"}, e.verdict.campaign.id),
			`: ${plural(e.verdict.campaign.domains, "flagged domain")}, this one included.`,
		),
		h(
			"ul",
			{class: "why"},
			detail.siblings.map((d) =>
				h(
					"li",
					null,
					h("a", {class: "name", href: pageOf(d.domain)}, d.domain),
					` ${CLASSES[d.class] || d.class}, score ${number(d.score)}`,
				),
			),
		),
	);
}

const chartWidth = () => {
	const all = $("main").clientWidth - (innerWidth <= 760 ? 24 : 40);
	return (innerWidth <= 1100 ? all : Math.floor(((all - 10) * 1.25) / 2.25)) - 34;
};

function showDetail() {
	const e = detail.answer;
	put(
		$("detail"),
		h("a", {class: "back", href: "#/", "data-focus": "back"}, "← All flagged domains"),
		summary(e),
		h(
			"div",
			{class: "detail"},
			h("div", null, addresses(e)),
			h(
				"div",
				null,
				e.verdict && reasonsTable(e.verdict),
				!e.verdict && windows(e),
				servers(e),
				campaign(e),
				e.verdict && windows(e),
			),
		),
	);
}

function showNothing(name, title, text) {
	put(
		$("detail"),
		h("a", {class: "back", href: "#/", "data-focus": "back"}, "← All flagged domains"),
		h(
			"section",
			{class: "panel"},
			h("h2", {class: "title", tabindex: -1, id: "detail-title"}, name),
			h("p", null, h("strong", null, title)),
			h("p", {class: "soft"}, text),
		),
	);
}
