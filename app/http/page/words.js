// SPDX-License-Identifier: BSD-3-Clause

// Numbers, times and names as a person reads them.

const CLASSES = {
	single_flux: "single flux",
	double_flux: "double flux",
	low_slow: "low and slow",
	vps_flux: "VPS flux",
	ns_flux: "name-server flux",
};

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const brief = new Intl.NumberFormat("en", {notation: "compact", maximumSignificantDigits: 4});
const few = new Intl.NumberFormat("en", {maximumSignificantDigits: 3});

const known = (n) => n !== null && n !== undefined;
const count = (n) => (known(n) ? whole.format(n) : "unknown");
// Beyond a million the digits stand in a title.
const short = (n) => (!known(n) ? "unknown" : n < 1e6 ? whole.format(n) : brief.format(n));
const rate = (n) => (n < 10 ? few.format(n) : n < 1e6 ? whole.format(n) : brief.format(n));
const number = (n) => (!known(n) ? "unknown" : Math.abs(n) < 1000 ? few.format(n) : short(n));

function share(part, all) {
	if (!all) return "–";
	const percent = (100 * part) / all;
	return part && percent < 0.01 ? "< 0.01 %" : `${few.format(percent)} %`;
}

const seconds = (text) => Date.parse(text) / 1000;

// "2026-01-12 06:15:00", in UTC as all times here.
const time = (text) => (text ? text.slice(0, 19).replace("T", " ") : "unknown");
// The same within a day, as fine as steps of so many seconds ask for.
function clock(at, step) {
	const text = new Date(at * 1000).toISOString();
	return step >= 86400 ? text.slice(5, 10) : step >= 60 ? text.slice(11, 16) : text.slice(11, 19);
}

function duration(s) {
	for (const [unit, name] of [
		[86400, "d"],
		[3600, "h"],
		[60, "min"],
	])
		if (s >= 2 * unit) return `${Math.floor((10 * s) / unit) / 10} ${name}`;
	return `${Math.max(0, Math.round(s))} s`;
}

const plural = (n, one, many) => `${whole.format(n)} ${n === 1 ? one : many || one + "s"}`;
const plain = (code) => code.replaceAll("_", " ");
const network = (asn) => (asn ? `AS${asn}` : "no known AS");
const pageOf = (name) => `#/domain/${encodeURIComponent(name)}`;

const sum = (tree) =>
	typeof tree === "number"
		? tree
		: tree
			? Object.values(tree).reduce((n, child) => n + sum(child), 0)
			: 0;
