/* SPDX-License-Identifier: BSD-3-Clause */

/* What an admin's token may change. */

#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "render.h"
#include "table.h"

int render_allow(const struct out *o, const json_t *entries)
{
	static const struct column columns[] = {
		{"NAME", false}, {"SINCE", false}, {"BY", false}, {"REASON", false}};
	struct table *t = table_new(columns, sizeof(columns) / sizeof(*columns));
	const json_t *e;
	size_t i;

	json_array_foreach(entries, i, e)
	{
		table_cell(t, STYLE_PLAIN, "%s", member_text(e, "name"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(e, "when"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(e, "who"));
		table_cell(t, STYLE_PLAIN, "%s", member_text(e, "reason"));
	}
	return table_end(t, o);
}

/* Sends what `body` holds, which is let go, and says what came of it, or prints the answer. */
static int change(
	struct ctl *ctl, const char *method, const struct path *p, json_t *body, const char *done)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	const char *name = ctl->options.argument[ctl->options.arguments - 1];
	json_t *tree = NULL;
	int rc;

	if (body && !text)
		rc = ctl_no_memory(ctl);
	else
		rc = answer_send(ctl, method, p, text, &tree);
	if (rc == CTL_OK && !ctl->options.value[OPTION_JSON]) {
		fprintf(ctl->out.to, "%s: %s\n", name, done);
	} else if (rc == CTL_OK && json_object_size(tree)) {
		json_dumpf(tree, ctl->out.to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		fputc('\n', ctl->out.to);
	}
	json_decref(tree);
	json_decref(body);
	free(text);
	return rc;
}

static int needed(struct ctl *ctl, const char *what, const char *option)
{
	return ctl_fail(ctl, CTL_USAGE, "%s: %s is missing: see fluxgatectl %s --help", what,
		option, ctl->options.command->name);
}

static int allow_add(struct ctl *ctl, const char *name)
{
	const char *reason = ctl->options.value[OPTION_REASON];
	struct path p;

	if (!reason)
		return needed(ctl, "allow add", "--reason TEXT");
	path_start(&p, "/api/v1/allow");
	json_t *body = json_pack("{s:s, s:s}", "name", name, "reason", reason);
	if (!body)
		return ctl_fail(ctl, CTL_USAGE, "allow add: name or reason is no UTF-8");
	return change(ctl, "POST", &p, body, "allowed");
}

int command_allow(struct ctl *ctl)
{
	static const struct listing listing = {
		.path = "/api/v1/allow",
		.member = "entries",
		.all = true,
		.render = render_allow,
	};
	const char *verb = ctl->options.argument[0], *name = ctl->options.argument[1];
	struct path p;

	if (ctl->options.value[OPTION_REASON] && strcmp(verb, "add") != 0)
		return ctl_fail(ctl, CTL_USAGE,
			"allow: --reason: of allow add only: see fluxgatectl allow --help");
	if (strcmp(verb, "list") == 0 && !name)
		return listing_run(ctl, &listing);
	if (strcmp(verb, "add") == 0 && name)
		return allow_add(ctl, name);
	if (strcmp(verb, "remove") != 0 || !name)
		return ctl_fail(ctl, CTL_USAGE,
			"allow: list, add NAME or remove NAME: see fluxgatectl allow --help");
	path_start(&p, "/api/v1/allow");
	path_segment(&p, name);
	return change(ctl, "DELETE", &p, NULL, "no longer allowed");
}

int command_ack(struct ctl *ctl)
{
	const char *note = ctl->options.value[OPTION_NOTE];
	struct path p;

	if (!note)
		return needed(ctl, "ack", "--note TEXT");
	path_start(&p, "/api/v1/domains");
	path_segment(&p, ctl->options.argument[0]);
	path_segment(&p, "acknowledge");
	json_t *body = json_pack("{s:s}", "note", note);
	if (!body)
		return ctl_fail(ctl, CTL_USAGE, "ack: the note is no UTF-8");
	return change(ctl, "POST", &p, body, "acknowledged");
}
