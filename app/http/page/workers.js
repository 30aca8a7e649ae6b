// SPDX-License-Identifier: BSD-3-Clause

// Rate per worker: differences of the counters from epoch to epoch, kept here while the page is open.

const HISTORY = 720;

const history_ = {started: null, points: []};

// A point for each snapshot: its time, and the frames of each worker since start.
function remember(status, stats) {
	if (history_.started !== status.started) {
		history_.started = status.started;
		history_.points = [];
	}
	const at = seconds(stats.time),
		last = history_.points.at(-1);
	if (last && at <= last.at) return;
	history_.points.push({at, frames: stats.workers.map((w) => w.frames)});
	if (history_.points.length > HISTORY) history_.points.shift();
}

// [[time, frames a second]...] of one worker, or of all.
function rates(worker) {
	const of = (p) =>
		worker === undefined ? p.frames.reduce((n, f) => n + f, 0) : p.frames[worker] || 0;
	return history_.points.slice(1).map((p, i) => {
		const before = history_.points[i];
		return [p.at, Math.max(0, of(p) - of(before)) / (p.at - before.at)];
	});
}

const rateNow = () => rates().at(-1)?.[1] ?? null;

function showWorkers(status, stats) {
	const all = rates(),
		each = stats.workers.map((_, i) => rates(i).map((p) => p[1]));
	const most = Math.max(0, ...each.flat()),
		total = sum(stats.workers.map((w) => w.frames));
	const ended = status.workers.length > 0 && status.workers.every((w) => w.state === "ended");
	const width = Math.max(280, $("workers").clientWidth - 32);
	put(
		$("workers"),
		all.length > 1 && !ended
			? areaChart(
					all,
					width,
					150,
					`Frames a second, all workers: ${rate(all.at(-1)[1])} now, at most ${rate(Math.max(...all.map((p) => p[1])))} since ${clock(all[0][0], 1)} UTC`,
				)
			: h(
					"p",
					{class: "soft"},
					ended
						? "The replay has ended: no rate, only what each partition took."
						: "Rates are drawn from the second epoch on that this page sees.",
				),
		table(
			null,
			[
				["worker"],
				["core", "number"],
				["state"],
				["frames /s", "number"],
				["over time"],
				["frames", "number"],
				["share", "number"],
				["late", "number"],
				["overruns", "number"],
			],
			stats.workers.map((w, i) => {
				const s = status.workers[i] || {state: "unknown"},
					sick = s.state === "late" || s.state === "hung";
				return h(
					"tr",
					null,
					h("th", {scope: "row"}, String(i)),
					h("td", {class: "number"}, String(w.lcore)),
					h(
						"td",
						null,
						h(
							"span",
							{class: sick ? "bad" : s.state === "running" ? "good" : "soft"},
							s.state,
						),
						sick && s.since && ` since ${time(s.since)}`,
					),
					h(
						"td",
						{class: "number"},
						each[i].length && !ended ? rate(each[i].at(-1)) : "–",
					),
					h(
						"td",
						null,
						each[i].length > 1 && !ended
							? lineSpark(each[i], most, `s${(i % 8) + 1}`)
							: "–",
					),
					h("td", {class: "number", title: count(w.frames)}, short(w.frames)),
					h("td", {class: "number"}, share(w.frames, total)),
					h("td", {class: `number ${w.late ? "warn" : ""}`}, count(w.late)),
					h("td", {class: `number ${w.overruns ? "warn" : ""}`}, count(w.overruns)),
				);
			}),
		),
	);
}
