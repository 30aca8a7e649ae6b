// SPDX-License-Identifier: BSD-3-Clause

// The flagged domains. The sensor searches, filters and sorts; it sends pages of one snapshot.

const PAGE = 50;

const shown = {wanted: PAGE, list: [], matched: 0, flagged: 0, more: false, problem: null};

// What tells most to a person, before what each verdict has.
const SAID = 2;
const TELLING = [
	"open_evidence",
	"never_return",
	"glue_in_pool",
	"siblings",
	"ns_transient",
	"growth",
	"novelty",
	"effective_networks",
	"ns_addresses",
	"networks_at_once",
	"addresses",
	"networks",
	"ttl_max",
];

function headlines(reasons) {
	const place = (r) => (TELLING.indexOf(r.code) + TELLING.length + 1) % (TELLING.length + 1);
	return [...reasons].sort((a, b) => place(a) - place(b)).slice(0, SAID);
}

function domainsPath(more) {
	const query = new URLSearchParams({limit: PAGE, ...more});
	for (const id of ["class", "suspected", "sort", "name"])
		if ($(id).value.trim()) query.set(id, $(id).value.trim());
	return `domains?${query.toString().replaceAll("+", "%20")}`;
}

// Pages of one snapshot until there are enough; begun again when another is published meanwhile.
async function loadDomains() {
	for (let tries = 0; ; tries++) {
		try {
			const list = [];
			let page,
				cursor = null;
			do {
				page = await ask(domainsPath(cursor && {cursor}));
				list.push(...page.domains);
				cursor = page.next_cursor;
			} while (cursor && list.length < shown.wanted);
			Object.assign(shown, {
				list,
				matched: page.matched,
				flagged: page.flagged,
				more: cursor !== null,
				problem: null,
			});
			return;
		} catch (problem) {
			if (problem.status === 400) {
				Object.assign(shown, {list: [], more: false, problem: problem.message});
				return;
			}
			if (problem.status !== 410 || tries === 3) throw problem;
		}
	}
}

const countriesOf = (d) => {
	const tally = new Map();
	for (const a of d.sample) if (a.country) tally.set(a.country, (tally.get(a.country) || 0) + 1);
	return [...tally].sort((a, b) => b[1] - a[1]).map(([c]) => c);
};

function tagsOf(d) {
	return h(
		"div",
		{class: "tags"},
		h("span", {class: "tag is-class"}, CLASSES[d.class] || plain(d.class)),
		d.suspected
			? h("span", {class: "tag is-warn"}, "suspected")
			: h("span", {class: "tag is-bad"}, "firm"),
		d.allowed && h("span", {class: "tag"}, "allowed"),
		d.acknowledged && h("span", {class: "tag"}, "acknowledged"),
		d.own_addresses > 0 &&
			h("span", {class: "tag is-warn"}, plural(d.own_addresses, "own subscriber")),
	);
}

const UNITS = {300: "five minutes", 3600: "hour", 86400: "day"};

function activityOf(d) {
	const a = d.activity;
	if (!a || !a.addresses.length) return h("span", {class: "soft"}, "–");
	const words = `Distinct addresses each ${UNITS[a.unit_seconds] || `${a.unit_seconds} s`}, oldest first: ${a.addresses.join(", ")}`;
	return sparkline(a.addresses, words);
}

function domainRow(d) {
	const places = countriesOf(d);
	return h(
		"tr",
		null,
		h(
			"th",
			{scope: "row", class: "wide"},
			h("a", {class: "name", href: pageOf(d.domain), "data-focus": d.domain}, d.domain),
			tagsOf(d),
		),
		h(
			"td",
			{"data-label": "Score"},
			h("div", {class: "score"}, number(d.score)),
			meter(d.score / 100, d.suspected ? "bar2" : "bar1"),
		),
		h("td", {"data-label": "Confidence"}, d.confidence.toFixed(2)),
		h("td", {"data-label": "Over"}, d.window),
		h("td", {"data-label": "Addresses over time", class: "wide"}, activityOf(d)),
		h("td", {class: "number", "data-label": "Addresses"}, count(d.addresses)),
		h("td", {class: "number", "data-label": "Networks"}, count(d.networks)),
		h(
			"td",
			{"data-label": "Countries"},
			count(d.countries),
			h("div", {class: "soft"}, places.slice(0, 4).join(" ")),
		),
		h("td", {"data-label": "Flagged since (UTC)", class: "wide"}, time(d.first_flagged)),
		h(
			"td",
			{"data-label": "Why", class: "wide"},
			h(
				"ul",
				{class: "why"},
				headlines(d.reasons).map((r) => h("li", null, r.text)),
			),
			d.reasons.length > SAID &&
				h(
					"a",
					{
						href: pageOf(d.domain),
						class: "soft",
						"aria-label": `${d.reasons.length - SAID} more reasons of ${d.domain}`,
					},
					`${d.reasons.length - SAID} more`,
				),
		),
	);
}

const HEAD = [
	["domain"],
	["score"],
	["confidence"],
	["over"],
	["addresses over time"],
	["addresses", "number"],
	["networks", "number"],
	["countries"],
	["flagged since (UTC)"],
	["why"],
];

function noDomains() {
	const say = (title, text) => h("div", {class: "panel empty"}, h("strong", null, title), text);
	if (shown.problem) return say("This can't be searched for", shown.problem);
	if (shown.flagged)
		return say(
			"None of this kind",
			`${plural(shown.flagged, "domain is", "domains are")} flagged, with other names or of other kinds. A name that is not flagged is explained by the field above.`,
		);
	return say(
		"No domain is flagged",
		"A verdict needs some minutes of movement. Where frames are lost, see above, that nothing is found says little.",
	);
}

function showDomains() {
	$("domains-count").textContent =
		shown.matched === shown.flagged
			? count(shown.flagged)
			: `${count(shown.matched)} of ${count(shown.flagged)}`;
	put(
		$("domains"),
		shown.list.length
			? h("div", {class: "domains"}, table(null, HEAD, shown.list.map(domainRow)))
			: noDomains(),
		shown.more &&
			h(
				"p",
				{class: "more"},
				`${count(shown.list.length)} of ${count(shown.matched)} are here, the first in this order. `,
				h(
					"button",
					{
						type: "button",
						"data-focus": "more",
						click: () => {
							shown.wanted = shown.list.length + PAGE;
							refresh(true);
						},
					},
					"Show more",
				),
			),
	);
}
