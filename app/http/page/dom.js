// SPDX-License-Identifier: BSD-3-Clause

// Elements. What comes from the network becomes text nodes and attribute values, never markup.

const SVG = "http://www.w3.org/2000/svg";

const $ = (id) => document.getElementById(id);

function fill(node, attributes, children) {
	for (const [name, value] of Object.entries(attributes || {})) {
		if (typeof value === "function") node.addEventListener(name, value);
		else if (value !== null && value !== undefined && value !== false)
			node.setAttribute(name, value === true ? "" : value);
	}
	for (const child of children.flat(Infinity))
		if (child !== null && child !== undefined && child !== false) node.append(child);
	return node;
}

// h("td", {class: "number"}, "12"); an attribute that is a function is an event's listener.
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const g = (tag, attributes, ...children) =>
	fill(document.createElementNS(SVG, tag), attributes, children);

// Other content for a node; what is open or closed stays so, what has the focus keeps it, and what is the
// same stays as it is, so that nobody is read the same again.
function put(node, ...children) {
	const fresh = fill(node.cloneNode(false), null, children);
	for (const old of node.querySelectorAll("details[data-keep]")) {
		const same = fresh.querySelector(`[data-keep="${old.dataset.keep}"]`);
		if (same) same.open = old.open;
	}
	if (fresh.isEqualNode(node)) return;
	const held = node.contains(document.activeElement)
		? document.activeElement.dataset.focus
		: null;
	node.replaceChildren(...fresh.childNodes);
	if (held) {
		const again = [...node.querySelectorAll("[data-focus]")];
		again.find((e) => e.dataset.focus === held)?.focus({preventScroll: true});
	}
}

function table(caption, head, rows) {
	return h(
		"div",
		{class: "scroll"},
		h(
			"table",
			null,
			caption && h("caption", null, caption),
			h(
				"thead",
				null,
				h(
					"tr",
					null,
					head.map(([text, kind]) => h("th", {scope: "col", class: kind}, text)),
				),
			),
			h("tbody", null, rows),
		),
	);
}
