// SPDX-License-Identifier: BSD-3-Clause

// The flagged domains. Class and verdict are filtered by the sensor, which sends the best first in
// pages of one snapshot; search and sort work on what is loaded, so both load all they may.

const PAGE = 100, SEARCHED = 1000;

const shown = {wanted: PAGE, list: [], matched: 0, flagged: 0, more: false};

// What tells most to a person, before what each verdict has.
const TELLING = [
	"open_evidence", "never_return", "glue_in_pool", "siblings", "ns_transient", "growth", "novelty", "effective_networks",
	"ns_addresses", "networks_at_once", "addresses", "networks", "ttl_max",
];

function headlines(reasons) {
	const place = (r) => (TELLING.indexOf(r.code) + TELLING.length + 1) % (TELLING.length + 1);
	return [...reasons].sort((a, b) => place(a) - place(b)).slice(0, 3);
}

function domainsPath(cursor, limit) {
	const query = new URLSearchParams({limit});
	for (const id of ["class", "suspected"])
		if ($(id).value)
			query.set(id, $(id).value);
	if (cursor)
		query.set("cursor", cursor);
	return `domains?${query}`;
}

// Pages of one snapshot until there are enough; begun again when another is published meanwhile.
async function loadDomains() {
	const all = $("search").value || $("sort").value !== "score";
	const wanted = all ? SEARCHED : shown.wanted;
	for (let tries = 0; ; tries++) {
		try {
			const list = [];
			let page, cursor = null;
			do {
				page = await ask(domainsPath(cursor, PAGE));
				list.push(...page.domains);
				cursor = page.next_cursor;
			} while (cursor && list.length < wanted);
			Object.assign(shown, {list, matched: page.matched, flagged: page.flagged, more: cursor !== null});
			return;
		} catch (problem) {
			if (problem.status !== 410 || tries === 3)
				throw problem;
		}
	}
}

const countriesOf = (d) => {
	const tally = new Map();
	for (const a of d.sample)
		if (a.country)
			tally.set(a.country, (tally.get(a.country) || 0) + 1);
	return [...tally].sort((a, b) => b[1] - a[1]).map(([c]) => c);
};

function found(d, text) {
	return !text || d.domain.includes(text) || (d.campaign && d.campaign.id === text) ||
		d.sample.some((a) => a.country?.toLowerCase() === text || `as${a.asn}` === text || a.address === text);
}

function ordered(list) {
	const by = $("sort").value;
	if (by === "score")
		return list;
	return [...list].sort((a, b) => by === "domain" ? (a.domain < b.domain ? -1 : 1)
		: typeof a[by] === "number" ? b[by] - a[by] : String(b[by]).localeCompare(String(a[by])));
}

function tagsOf(d) {
	return h("div", {class: "tags"}, h("span", {class: "tag is-class"}, CLASSES[d.class] || plain(d.class)),
		d.suspected ? h("span", {class: "tag is-warn"}, "suspected") : h("span", {class: "tag is-bad"}, "firm"),
		d.allowed && h("span", {class: "tag"}, "allowed"),
		d.acknowledged && h("span", {class: "tag"}, "acknowledged"),
		d.own_addresses > 0 && h("span", {class: "tag is-warn"}, plural(d.own_addresses, "own subscriber")));
}

const UNITS = {300: "five minutes", 3600: "hour", 86400: "day"};

function activityOf(d) {
	const a = d.activity;
	if (!a || !a.addresses.length)
		return h("span", {class: "soft"}, "–");
	const words = `Distinct addresses each ${UNITS[a.unit_seconds] || `${a.unit_seconds} s`}, oldest first: ${a.addresses.join(", ")}`;
	return sparkline(a.addresses, words);
}

function domainRow(d) {
	const places = countriesOf(d);
	return h("tr", null,
		h("th", {scope: "row", class: "wide"}, h("a", {class: "name", href: pageOf(d.domain), "data-focus": d.domain}, d.domain), tagsOf(d)),
		h("td", {"data-label": "Score"}, h("div", {class: "score"}, number(d.score)), meter(d.score / 100, d.suspected ? "bar2" : "bar1")),
		h("td", {"data-label": "Confidence"}, d.confidence.toFixed(2)),
		h("td", {"data-label": "Over"}, d.window),
		h("td", {"data-label": "Addresses over time", class: "wide"}, activityOf(d)),
		h("td", {class: "number", "data-label": "Addresses"}, count(d.addresses)),
		h("td", {class: "number", "data-label": "Networks"}, count(d.networks)),
		h("td", {"data-label": "Countries"}, count(d.countries), h("div", {class: "soft"}, places.slice(0, 4).join(" "))),
		h("td", {"data-label": "Flagged since (UTC)", class: "wide"}, time(d.first_flagged)),
		h("td", {"data-label": "Why", class: "wide"}, h("ul", {class: "why"}, headlines(d.reasons).map((r) => h("li", null, r.text))),
			d.reasons.length > 3 && h("a", {href: pageOf(d.domain), class: "soft", "aria-label": `${d.reasons.length - 3} more reasons of ${d.domain}`}, `${d.reasons.length - 3} more`)));
}

const HEAD = [
	["domain"], ["score"], ["confidence"], ["over"], ["addresses over time"], ["addresses", "number"],
	["networks", "number"], ["countries"], ["flagged since (UTC)"], ["why"],
];

function noDomains(list) {
	if (list.length || shown.matched)
		return h("div", {class: "panel empty"}, h("strong", null, "No domain is like that"), "Other words or other filters may find it. A name that is not flagged is explained by the field above.");
	if (shown.flagged)
		return h("div", {class: "panel empty"}, h("strong", null, "None of this kind"), `${plural(shown.flagged, "domain is", "domains are")} flagged, with other filters.`);
	return h("div", {class: "panel empty"}, h("strong", null, "No domain is flagged"),
		"A verdict needs some minutes of movement. That nothing is found says nothing where frames are lost: see above.");
}

function showDomains() {
	const text = $("search").value.trim().toLowerCase();
	const list = ordered(shown.list.filter((d) => found(d, text)));
	$("domains-count").textContent = text ? `${count(list.length)} of ${count(shown.matched)}` : shown.matched === shown.flagged ? count(shown.flagged) : `${count(shown.matched)} of ${count(shown.flagged)}`;
	put($("domains"),
		list.length ? h("div", {class: "domains"}, table(null, HEAD, list.map(domainRow))) : noDomains(list),
		shown.more && h("p", {class: "more"}, `${count(shown.list.length)} of ${count(shown.matched)} are here, the best. `,
			h("button", {type: "button", "data-focus": "more", click: () => {
				shown.wanted = shown.list.length + PAGE;
				refresh(true);
			}}, "Show more")));
}
