// SPDX-License-Identifier: BSD-3-Clause

// What is shown when: the route in the address, the state of the connection, and the clock of it all.

const POLL_MS = 2000,
	STREAMED_MS = 10000,
	HIDDEN_MS = 10000,
	DOMAINS_MS = 10000,
	STREAM_RETRY_MS = 5000,
	EVENTS = 12;

const state = {
	status: null,
	stats: null,
	events: [],
	reached: null,
	failed: null,
	locked: false,
	live: false,
	generation: null,
	domainsAt: 0,
	dirty: true,
	timer: null,
	busy: false,
};

const route = () => {
	const match = /^#\/domain\/(.+)$/.exec(location.hash);
	try {
		return match ? decodeURIComponent(match[1]) : null;
	} catch {
		return null;
	}
};

// Theme: the system's, until somebody chooses.
const THEME = "fluxgate-theme";
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function showTheme() {
	const theme = localStorage.getItem(THEME) || (systemDark.matches ? "dark" : "light");
	document.documentElement.dataset.theme = theme;
	$("theme").textContent = theme === "dark" ? "Light" : "Dark";
	$("theme").setAttribute(
		"aria-label",
		`Switch to the ${theme === "dark" ? "light" : "dark"} theme`,
	);
}

function connection() {
	const [text, tone] = state.locked
		? ["Token needed", "is-warn"]
		: state.failed
			? ["Disconnected", "is-bad"]
			: !state.status
				? ["Connecting", ""]
				: !state.status.ready
					? ["Not ready yet", "is-warn"]
					: state.status.degraded.length
						? ["Degraded", "is-warn"]
						: state.status.workers.length &&
							  state.status.workers.every((w) => w.state === "ended")
							? ["Replay, ended", ""]
							: [state.live ? "Live" : "Polling", "is-good"];
	$("connection").className = `pill ${tone}`;
	if ($("connection").textContent !== text) $("connection").textContent = text;
	document.title = `${state.failed ? "Disconnected – " : ""}${route() || "Fluxgate"}`;
}

function notices() {
	const list = [];
	if (state.failed)
		list.push(
			h(
				"div",
				{class: "notice bad-ground"},
				h("strong", null, "The sensor does not answer. "),
				state.reached ? `What is below is as of ${time(state.reached)} UTC. ` : "",
				"It is asked again every few seconds.",
			),
		);
	if (!state.failed && state.status && !state.status.ready)
		list.push(
			h(
				"div",
				{class: "notice calm"},
				h("strong", null, "Not ready yet. "),
				"The first epoch is not in; this takes some seconds after a start.",
			),
		);
	const conditions = state.status?.conditions || [];
	if (conditions.length)
		list.push(
			h(
				"div",
				{class: "notice"},
				h("strong", null, "Degraded: "),
				"it works, with a restriction.",
				h(
					"ul",
					null,
					conditions.map((c) =>
						h(
							"li",
							null,
							h("strong", null, plain(c.name)),
							` since ${time(c.since)} UTC. `,
							c.remedy,
						),
					),
				),
			),
		);
	if (state.status?.config?.last_error)
		list.push(
			h(
				"div",
				{class: "notice"},
				h("strong", null, "The last reload was refused: "),
				state.status.config.last_error,
			),
		);
	put($("notices"), list);
}

const EVENTS_TONE = {
	raised: "bad",
	upgraded: "bad",
	changed: "warn",
	cleared: "good",
	expired: "soft",
};

function showEvents() {
	const list = [...state.events].reverse();
	put(
		$("events"),
		list.length
			? h(
					"ul",
					{class: "events"},
					list.map((e) =>
						h(
							"li",
							null,
							h("span", {class: "soft"}, time(e.time)),
							h("strong", {class: EVENTS_TONE[e.event]}, e.event),
							h("a", {class: "name", href: pageOf(e.domain)}, e.domain),
							h(
								"span",
								{class: "soft"},
								`${e.suspected ? "suspected " : ""}${CLASSES[e.class] || plain(e.class)}, score ${number(e.score)}`,
							),
						),
					),
				)
			: h(
					"p",
					{class: "soft"},
					"No verdict was raised, changed or cleared since the sensor started.",
				),
	);
}

function foot() {
	const s = state.status;
	put(
		$("foot"),
		s &&
			`Fluxgate ${s.version} on ${s.dpdk}, ${s.mode}, configuration ${s.config_generation}, up ${duration(s.uptime_seconds)}. Counts are since start${s.time ? `, as of ${time(s.time)}` : ""}. All times are UTC.`,
	);
	$("vantage").textContent = s ? s.vantage : "";
}

function show() {
	const name = route(),
		ready = state.status?.ready && state.stats;
	connection();
	notices();
	foot();
	$("token").hidden = !state.locked;
	$("overview").hidden = state.locked || name !== null || !ready;
	$("detail").hidden = state.locked || name === null || !ready;
	if (!ready || state.locked) return;
	if (name === null) {
		showAccounting(state.status, state.stats, rateNow());
		showWorkers(state.status, state.stats);
		showDomains();
		showEvents();
	} else if (detail.name === name && detail.answer) {
		showDetail();
	}
}

// The newest events; from then on the stream brings them, or the next look.
async function loadEvents() {
	const first = await ask("events?limit=1");
	if (first.newest === null) return;
	const since = Math.max(first.oldest - 1, first.newest - EVENTS);
	state.events = (await ask(`events?limit=${EVENTS}&since=${since}`)).events;
}

async function loadRoute(name) {
	if (name === null) {
		await loadDomains();
		if (!state.live) await loadEvents();
		return;
	}
	try {
		await loadDetail(name);
	} catch (problem) {
		if (!(problem instanceof Problem) || problem.status === 401 || route() !== name)
			throw problem;
		detail.answer = null;
		showNothing(
			name,
			problem.status === 404 ? "Nothing is known of it." : "It can't be explained now.",
			problem.message,
		);
	}
}

// One look at the sensor. Domains cost most: only when another snapshot is out, and not too often.
async function look(force) {
	state.status = await ask("status");
	state.reached = state.status.time || state.reached;
	if (!state.status.ready) return;
	state.stats = await ask("stats");
	remember(state.status, state.stats);
	const fresh = `${state.status.started} ${state.stats.generation}`;
	const due =
		fresh !== state.generation && (state.dirty || Date.now() - state.domainsAt >= DOMAINS_MS);
	if (force || due) {
		await loadRoute(route());
		Object.assign(state, {generation: fresh, domainsAt: Date.now(), dirty: false});
	}
}

async function refresh(force) {
	if (state.busy) {
		state.again = state.again || force;
		return;
	}
	state.busy = true;
	clearTimeout(state.timer);
	try {
		await look(force);
		state.failed = null;
		state.locked = false;
	} catch (problem) {
		if (problem.status === 401) state.locked = true;
		else if (!(problem instanceof Problem)) state.failed = problem;
	}
	state.busy = false;
	show();
	const again = state.again;
	state.again = false;
	if (again) refresh(true);
	else if (!state.locked)
		state.timer = setTimeout(
			refresh,
			document.hidden ? HIDDEN_MS : state.live ? STREAMED_MS : POLL_MS,
		);
}

// A record of the stream: what became of a verdict, or that another snapshot is out.
function heard(kind, data) {
	if (kind === "verdict" && !state.events.some((e) => e.sequence === data.sequence)) {
		state.events = [...state.events, data].slice(-EVENTS);
		state.dirty = true;
	}
	if (kind === "snapshot" && !document.hidden) refresh();
}

// What happens, as it happens. Without a stream the looks above find it a little later.
async function follow() {
	for (;;) {
		if (!state.locked && !state.failed && state.stats) {
			const last = state.events.at(-1);
			try {
				await listen(
					last ? `events/stream?since=${last.sequence}` : "events/stream",
					() => {
						state.live = true;
						connection();
					},
					heard,
				);
			} catch (problem) {
				// None, or it broke off, or the sensor was started again: from the oldest event on next.
				if (problem.status === 410) state.events = [];
			}
			state.live = false;
			refresh();
		}
		await new Promise((resolve) => setTimeout(resolve, STREAM_RETRY_MS));
	}
}

function start() {
	showTheme();
	systemDark.addEventListener("change", showTheme);
	$("theme").addEventListener("click", () => {
		localStorage.setItem(
			THEME,
			document.documentElement.dataset.theme === "dark" ? "light" : "dark",
		);
		showTheme();
	});
	$("lookup").addEventListener("submit", (event) => {
		event.preventDefault();
		const name = $("lookup-name").value.trim();
		if (name) location.hash = pageOf(name);
	});
	$("token-form").addEventListener("submit", async (event) => {
		event.preventDefault();
		sessionStorage.setItem(TOKEN, $("token-text").value.trim());
		$("token-text").value = "";
		await refresh(true);
		$("token-said").textContent = state.locked ? "This token is refused." : "";
	});
	$("filters").addEventListener("submit", (event) => event.preventDefault());
	for (const id of ["class", "suspected", "sort"])
		$(id).addEventListener("change", () => refresh(true));
	let typed = null;
	$("name").addEventListener("input", () => {
		clearTimeout(typed);
		typed = setTimeout(() => refresh(true), 300);
	});
	addEventListener("hashchange", async () => {
		const name = route();
		scrollTo(0, 0);
		if (name !== detail.name) detail.answer = null;
		if (name !== null) put($("detail"), h("p", {class: "empty"}, "Loading…"));
		show();
		await refresh(true);
		(name === null ? $("main") : $("detail-title") || $("main")).focus({preventScroll: true});
	});
	document.addEventListener("visibilitychange", () => document.hidden || refresh());
	addEventListener("resize", show);
	refresh(true);
	follow();
}

start();
