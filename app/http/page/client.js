// SPDX-License-Identifier: BSD-3-Clause

// The sensor's answers. Only this origin is asked; a token, once given, goes with each request, and
// nothing that the browser would add by itself.

const API = "api/v1/";
const TOKEN = "fluxgate-token";
const PATIENCE_MS = 15000;

class Problem extends Error {
	constructor(status, detail) {
		super(detail);
		this.status = status;
	}
}

function headers(more) {
	const token = sessionStorage.getItem(TOKEN);
	return token ? {...more, Authorization: `Bearer ${token}`} : {...more};
}

async function problem(answer) {
	let detail = answer.statusText || `status ${answer.status}`;
	try {
		detail = (await answer.json()).detail || detail;
	} catch {
		// No problem object: something between us and the sensor answered.
	}
	return new Problem(answer.status, detail);
}

// The last answer of a path and its tag: a snapshot that we have is not sent again.
const answered = new Map();

async function ask(path) {
	const before = answered.get(path);
	const answer = await fetch(API + path, {
		headers: headers(before && {"If-None-Match": before.tag}),
		cache: "no-store",
		credentials: "omit",
		redirect: "error",
		signal: AbortSignal.timeout(PATIENCE_MS),
	});
	if (answer.status === 304 && before) return before.body;
	if (!answer.ok) throw await problem(answer);
	const body = await answer.json();
	const tag = answer.headers.get("ETag");
	answered.delete(path);
	if (tag) answered.set(path, {tag, body});
	if (answered.size > 16) answered.delete(answered.keys().next().value);
	return body;
}

// Server-sent events, read by fetch: an EventSource can't send a token. Calls heard(event, data) for
// each until the stream ends; throws a Problem when there is none.
async function listen(path, opened, heard, signal) {
	const answer = await fetch(API + path, {
		headers: headers({Accept: "text/event-stream"}),
		cache: "no-store",
		credentials: "omit",
		redirect: "error",
		signal,
	});
	if (!answer.ok) throw await problem(answer);
	opened();
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = "";
	for (;;) {
		const {value, done} = await reader.read();
		if (done) return;
		const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
		rest = blocks.pop();
		for (const block of blocks) hear(block, heard);
	}
}

function hear(block, heard) {
	const field = {event: "message", data: []};
	for (const line of block.split("\n")) {
		const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
		if (name === "data") field.data.push(value);
		else if (name === "event") field.event = value;
	}
	if (!field.data.length) return;
	try {
		heard(field.event, JSON.parse(field.data.join("\n")));
	} catch (error) {
		if (!(error instanceof SyntaxError)) throw error;
	}
}
