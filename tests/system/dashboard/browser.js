// SPDX-License-Identifier: BSD-3-Clause

// A browser that does what it is told: one JSON command a line on stdin, its answer a line on stdout.
// What the page must not do is noted all the while; "problems" tells, and forgets.

"use strict";

const readline = require("node:readline");
const {chromium} = require("playwright-core");

let browser,
	context,
	page,
	origin,
	problems = [];

const commands = {
	async open({url, width = 1360, height = 900, theme = "light"}) {
		await context?.close();
		problems = [];
		origin = new URL(url).origin;
		context = await browser.newContext({viewport: {width, height}, colorScheme: theme});
		page = await context.newPage();
		await page.exposeFunction("violated", (what) => problems.push(`policy: ${what}`));
		await page.addInitScript(() =>
			document.addEventListener("securitypolicyviolation", (e) =>
				window.violated(`${e.violatedDirective} ${e.blockedURI}`),
			),
		);
		page.on(
			"console",
			(m) => ["error", "warning"].includes(m.type()) && problems.push(`console: ${m.text()}`),
		);
		page.on("pageerror", (e) => problems.push(`exception: ${e.stack}`));
		page.on("dialog", (d) => {
			problems.push(`dialog: ${d.message()}`);
			d.dismiss();
		});
		page.on("request", (r) => {
			if (!r.url().startsWith(`${origin}/`) && !r.url().startsWith("data:"))
				problems.push(`request: ${r.url()}`);
		});
		await page.goto(url);
	},
	// Waits until an element that is visible has the text.
	wait: ({selector, text = "", seconds = 30}) =>
		page
			.locator(selector)
			.filter({hasText: text})
			.filter({visible: true})
			.first()
			.waitFor({state: "visible", timeout: seconds * 1000}),
	texts: ({selector}) => page.locator(selector).allTextContents(),
	count: ({selector}) => page.locator(selector).count(),
	attributes: ({selector, name}) =>
		page
			.locator(selector)
			.evaluateAll((all, attribute) => all.map((e) => e.getAttribute(attribute)), name),
	click: ({selector}) => page.locator(selector).first().click(),
	fill: ({selector, text}) => page.locator(selector).fill(text),
	choose: ({selector, value}) => page.locator(selector).selectOption(value),
	press: ({key}) => page.keyboard.press(key),
	focused: () =>
		page.evaluate(() => document.activeElement.id || document.activeElement.className),
	hash: ({to}) =>
		page.evaluate((h) => {
			location.hash = h;
		}, to),
	value: ({expression}) =>
		page.evaluate((e) => e.split(".").reduce((o, k) => o?.[k], window) ?? null, expression),
	overflow: () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
	// Pairs of text and ground whose contrast is below what WCAG 2 AA asks for.
	contrast: () =>
		page.evaluate(() => {
			const parse = (c) => (c.match(/[\d.]+/g) || []).map(Number);
			const light = ([r, g, b]) =>
				[r, g, b]
					.map((v) => v / 255)
					.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
					.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
			const ground = (e) => {
				for (; e; e = e.parentElement) {
					const c = parse(getComputedStyle(e).backgroundColor);
					if (c.length === 3 || c[3] > 0) return c;
				}
				return [255, 255, 255];
			};
			const poor = new Set();
			for (const e of document.querySelectorAll("body *")) {
				const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
				if (
					!own ||
					!e.getClientRects().length ||
					["SCRIPT", "STYLE", "OPTION"].includes(e.tagName)
				)
					continue;
				const style = getComputedStyle(e);
				const text = parse(e instanceof SVGElement ? style.fill : style.color);
				const [a, b] = [light(text), light(ground(e))].sort((x, y) => y - x);
				if ((a + 0.05) / (b + 0.05) < 4.5)
					poor.add(
						`${e.tagName.toLowerCase()}.${e.getAttribute("class") || ""} ${((a + 0.05) / (b + 0.05)).toFixed(2)}`,
					);
			}
			return [...poor];
		}),
	screenshot: ({path}) => page.screenshot({path, fullPage: true}),
	problems() {
		const all = problems;
		problems = [];
		return all;
	},
};

async function main() {
	browser = await chromium.launch({
		executablePath: process.argv[2],
		args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
	});
	for await (const line of readline.createInterface({input: process.stdin})) {
		const {do: name, ...options} = JSON.parse(line);
		let answer;
		try {
			answer = {value: (await commands[name](options)) ?? null};
		} catch (error) {
			answer = {error: error.message};
		}
		process.stdout.write(`${JSON.stringify(answer)}\n`);
	}
	await browser.close();
}

main();
