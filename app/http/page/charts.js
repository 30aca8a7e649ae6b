// SPDX-License-Identifier: BSD-3-Clause

// What is drawn, as SVG. A drawing is an image with words for those who do not see it; numbers that
// matter stand beside it as text, too.

const drawing = (width, height, label, ...parts) =>
	g(
		"svg",
		{viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label},
		parts,
	);

// Bars of counts, oldest first.
function sparkline(counts, label) {
	const width = 120,
		height = 26,
		most = Math.max(1, ...counts);
	const step = width / Math.max(counts.length, 12);
	return drawing(
		width,
		height,
		label,
		g("path", {class: "grid", d: `M0 ${height - 0.5}H${width}`}),
		counts.map((n, i) => {
			const tall = n ? Math.max(1.5, ((height - 2) * n) / most) : 0;
			return g("rect", {
				class: "spark",
				x: (i * step).toFixed(1),
				y: (height - 1 - tall).toFixed(1),
				width: Math.max(1, step - 1).toFixed(1),
				height: tall.toFixed(1),
			});
		}),
	);
}

// Parts of a whole in one bar.
function partsBar(parts, label) {
	const all = parts.reduce((n, p) => n + p.value, 0);
	let x = 0;
	const bar = g(
		"svg",
		{
			viewBox: "0 0 1000 12",
			width: "100%",
			height: 12,
			role: "img",
			preserveAspectRatio: "none",
			"aria-label": label,
		},
		g("rect", {class: "track", width: 1000, height: 12}),
	);
	for (const part of parts) {
		const wide = all ? (1000 * part.value) / all : 0;
		if (wide)
			bar.append(g("rect", {class: part.fill, x, width: Math.max(1, wide - 1), height: 12}));
		x += wide;
	}
	return bar;
}

// A share of 1 as a short bar.
const meter = (part, fillClass) =>
	g(
		"svg",
		{viewBox: "0 0 60 5", width: 60, height: 5, "aria-hidden": true},
		g("rect", {class: "track", width: 60, height: 5, rx: 2.5}),
		g("rect", {
			class: fillClass,
			width: (60 * Math.min(1, Math.max(0, part))).toFixed(1),
			height: 5,
			rx: 2.5,
		}),
	);

// The next of 1, 2, 5 times a power of ten.
function roundUp(n) {
	const power = 10 ** Math.floor(Math.log10(Math.max(n, 1e-9)));
	return [1, 2, 5, 10].map((f) => f * power).find((f) => f >= n);
}

// Round times between two, at most so many, with how each is written.
function times(from, to, most) {
	const step =
		[10, 30, 60, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800].find(
			(s) => (to - from) / s <= most,
		) || Math.ceil((to - from) / most / 86400) * 86400;
	const list = [];
	for (let t = Math.ceil(from / step) * step; t <= to; t += step) list.push([t, clock(t, step)]);
	return list;
}

const path = (points, x, y) =>
	points.map(([t, v], i) => `${i ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join("");

// points: [[time, value]...], of the sum; drawn with its axes.
function areaChart(points, width, height, label) {
	const left = 52,
		bottom = 18,
		top = 8,
		right = 8;
	const from = points[0][0],
		to = points[points.length - 1][0],
		most = roundUp(Math.max(...points.map((p) => p[1]), 1));
	const x = (t) => left + (width - left - right) * (to > from ? (t - from) / (to - from) : 0);
	const y = (v) => top + (height - top - bottom) * (1 - v / most);
	return drawing(
		width,
		height,
		label,
		[0, 0.5, 1].map((part) => [
			g("path", {
				class: "grid",
				d: `M${left} ${Math.round(y(part * most)) + 0.5}H${width - right}`,
			}),
			g(
				"text",
				{x: left - 7, y: y(part * most) + 4, "text-anchor": "end"},
				rate(part * most),
			),
		]),
		times(from, to, width > 700 ? 8 : 3).map(([t, text]) =>
			g("text", {x: x(t), y: height - 3, "text-anchor": "middle"}, text),
		),
		g("path", {class: "area", d: `${path(points, x, y)}L${x(to)} ${y(0)}L${x(from)} ${y(0)}Z`}),
		g("path", {class: "line s1", d: path(points, x, y)}),
	);
}

// The same without axes, for a row of a table.
function lineSpark(values, most, stroke) {
	const width = 220,
		height = 24;
	const points = values.map((v, i) => [i, v]);
	const x = (i) => 1 + (width - 2) * (values.length > 1 ? i / (values.length - 1) : 0);
	const y = (v) => 1 + (height - 2) * (1 - v / Math.max(most, 1e-9));
	return g(
		"svg",
		{viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": true},
		g("path", {class: "grid", d: `M0 ${height - 0.5}H${width}`}),
		g("path", {class: `line ${stroke}`, d: path(points, x, y)}),
	);
}

// Addresses over time: a row each from first to last seen, grouped by network; the network stands
// beside its first row, or above it where there is little room.
// networks: [{title, rows: [{label, note, first, last, kind}]}], times in seconds.
function timesChart(networks, from, to, width, label) {
	const narrow = width < 620,
		row = 17,
		head = narrow ? 22 : 0,
		gap = 5,
		axis = 22,
		right = 14;
	const names = narrow ? 0 : 132,
		left = names + 148;
	const rows = networks.reduce((n, w) => n + w.rows.length, 0);
	const height = axis + networks.length * (head + gap) + rows * row;
	const x = (t) => left + ((width - left - right) * (t - from)) / Math.max(to - from, 1);
	const parts = [];
	let y = axis;
	networks.forEach((w, at) => {
		const tall = head + gap + w.rows.length * row;
		if (at % 2 === 0) parts.push(g("rect", {class: "band", y, width, height: tall}));
		parts.push(g("text", {class: "strong", x: 6, y: y + (narrow ? 16 : 14)}, w.title));
		y += head + 2;
		for (const one of w.rows) {
			const start = Math.min(x(one.first), width - right - 4);
			parts.push(
				g("text", {class: "mono", x: names + 6, y: y + 12}, one.label),
				g(
					"rect",
					{
						class: `stay ${one.kind}`,
						x: start.toFixed(1),
						y: y + 4,
						width: Math.max(4, x(one.last) - start).toFixed(1),
						height: 9,
						rx: 2,
					},
					g("title", null, one.note),
				),
			);
			y += row;
		}
		y += gap - 2;
	});
	const grid = times(from, to, narrow ? 3 : 7).map(([t, text]) => [
		g("path", {class: "grid", d: `M${Math.round(x(t)) + 0.5} ${axis}V${height}`}),
		g("text", {x: x(t), y: 13, "text-anchor": "middle"}, text),
	]);
	const bands = parts.filter((p) => p.classList.contains("band"));
	return drawing(
		width,
		height,
		label,
		bands,
		grid,
		parts.filter((p) => !bands.includes(p)),
	);
}
