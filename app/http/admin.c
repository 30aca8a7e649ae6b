/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Who may read, and what admins change: the allow-list, and acknowledgements.
 *
 * A change is let in by an admin's token, checked, written to the audit log and made, in this
 * order. What cannot be written there is not made.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <microhttpd.h>

#include "export/value.h"
#include "http/answer.h"
#include "http/query.h"
#include "psl/list.h"

#define CHALLENGE "Bearer realm=\"fluxgate\""

static void audit(
	const struct routes *r, const struct change *c, const char *result, unsigned status)
{
	const struct audit_fact fact = {
		.who = c->who.name[0] ? c->who.name : NULL,
		.from = c->request->from,
		.method = c->request->method,
		.path = c->request->path,
		.name = c->name[0] ? c->name : NULL,
		.text = c->text,
		.result = result,
		.why = c->why,
		.status = status,
	};

	if (r->access)
		access_audit(r->access, &fact);
}

static void refuse(struct change *c, struct answer *a, unsigned status, const char *why)
{
	c->why = why;
	answer_problem(a, status, why);
}

/* No token, or one that nobody has: RFC 6750 section 3 tells them apart. */
static void refuse_unknown(struct change *c, struct answer *a)
{
	refuse(c, a, MHD_HTTP_UNAUTHORIZED,
		c->who.presented ? "Authorization has no token that is known here."
				 : "A token is needed: Authorization: Bearer TOKEN.");
	a->authenticate = c->who.presented ? CHALLENGE ", error=\"invalid_token\"" : CHALLENGE;
}

/* What tells nothing of the network: probes, and the page, which asks for a token itself. */
static bool is_open(const char *path)
{
	return strcmp(path, "/livez") == 0 || strcmp(path, "/readyz") == 0 ||
	       strcmp(path, "/") == 0;
}

bool visitor_refused(const struct routes *r, const struct request *q, struct answer *a)
{
	struct change c = {.request = q};

	if (!r->access || is_open(q->path))
		return false;
	access_look(r->access, q->authorization, &c.who);
	if (c.who.reader)
		return false;
	refuse_unknown(&c, a);
	if (c.who.presented)
		audit(r, &c, "refused", a->status);
	return true;
}

bool change_is_admins(const struct routes *r, const struct request *q)
{
	struct visitor who;

	access_look(r->access, q->authorization, &who);
	return who.admin;
}

bool change_admitted(const struct routes *r, struct change *c, struct answer *a)
{
	if (!r->allow || !access_has_admins(r->access)) {
		refuse(c, a, MHD_HTTP_METHOD_NOT_ALLOWED, "Read only: GET or HEAD.");
		a->allow = "GET, HEAD";
		return false;
	}
	access_look(r->access, c->request->authorization, &c->who);
	if (c->who.admin)
		return true;
	if (c->who.name[0]) {
		refuse(c, a, MHD_HTTP_FORBIDDEN, "This token is for reading only.");
		a->authenticate = CHALLENGE ", error=\"insufficient_scope\"";
	} else {
		refuse_unknown(c, a);
	}
	return false;
}

void change_settle(const struct routes *r, const struct change *c, const struct answer *a)
{
	if (a->status >= MHD_HTTP_BAD_REQUEST)
		audit(r, c, c->accepted ? "failed" : "refused", a->status);
}

/* Writes down what is about to be done; false with the answer made. */
static bool change_accept(const struct routes *r, struct change *c, struct answer *a)
{
	const struct audit_fact fact = {
		.who = c->who.name,
		.from = c->request->from,
		.method = c->request->method,
		.path = c->request->path,
		.name = c->name,
		.text = c->text,
		.result = "accepted",
	};

	if (access_audit(r->access, &fact) == 0) {
		c->accepted = true;
		return true;
	}
	refuse(c, a, MHD_HTTP_SERVICE_UNAVAILABLE,
		"The audit log cannot be written, so nothing is changed: see to its disk.");
	return false;
}

static void name_take(struct change *c, const struct dns_name *name)
{
	dns_name_text(name->wire, name->len, c->name, sizeof(c->name));
}

/* The object of the body; NULL with the answer made. */
static json_t *body_object(struct change *c, struct answer *a)
{
	const struct request *q = c->request;
	static const char json[] = JSON_TYPE;
	size_t n = strlen(json);
	json_t *root;

	if (!q->content_type || strncasecmp(q->content_type, json, n) != 0 ||
		(q->content_type[n] && !strchr("; \t", q->content_type[n]))) {
		refuse(c, a, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type: application/json.");
		return NULL;
	}
	if (q->body_len > REQUEST_BODY_MAX) {
		refuse(c, a, MHD_HTTP_CONTENT_TOO_LARGE, "At most 4096 octets of JSON.");
		return NULL;
	}
	root = q->body ? json_loadb(q->body, q->body_len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	if (!json_is_object(root)) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST, "The body is no JSON object.");
		json_decref(root);
		return NULL;
	}
	return root;
}

/* One to `room` - 1 octets on one line. */
static bool text_right(const char *text, size_t room)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return n > 0 && n < room;
}

static void list_failed(struct change *c, int rc, struct answer *a)
{
	if (rc == -EEXIST)
		refuse(c, a, MHD_HTTP_CONFLICT, "The name is on the list already.");
	else if (rc == -ENOENT)
		refuse(c, a, MHD_HTTP_NOT_FOUND, "The name itself is not on the list.");
	else if (rc == -ENOSPC)
		refuse(c, a, MHD_HTTP_INSUFFICIENT_STORAGE,
			"No room: the list, or its disk, is full.");
	else if (rc == -EBUSY)
		refuse(c, a, MHD_HTTP_SERVICE_UNAVAILABLE,
			"Another change is being written: ask again in a moment.");
	else
		refuse(c, a, MHD_HTTP_INTERNAL_SERVER_ERROR,
			"The list cannot be written, so it stays as it was: see to its disk.");
}

/* The text of a note, with who says it; false with the answer made. */
static bool note_take(struct change *c, const char *text, struct note *note, struct answer *a)
{
	if (!text_right(text, sizeof(note->text))) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST,
			"reason, note: 1 to 256 octets without control characters.");
		return false;
	}
	*note = (struct note){.when = (uint32_t)time(NULL)};
	snprintf(note->who, sizeof(note->who), "%s", c->who.name);
	snprintf(note->text, sizeof(note->text), "%s", text);
	c->text = text;
	return true;
}

/* The answer to a change that was made. */
static void answer_note(const struct change *c, unsigned status, const char *member,
	const struct note *note, struct answer *a)
{
	answer_json(a, status, JSON_TYPE,
		json_pack("{s:i, s:s, s:s, s:s, s:o}",           //
			"schema_version", EXPORT_SCHEMA_VERSION, //
			"name", c->name, member, note->text,     //
			"who", note->who, "when", value_seconds(note->when)));
}

/*
 * An entry that no name can equal protects nobody: people write "*." for what the entry does by
 * itself, or an address. What a name has beside letters, digits, '-' and '_' is escaped.
 */
static bool entry_right(const char *text, struct dns_name *name)
{
	if (strchr(text, '\\') ? dns_name_parse(text, name) < 0
			       : psl_list_name(text, strlen(text), name) != NULL)
		return false;
	const uint8_t *last = name->wire + name->label[name->labels ? name->labels - 1 : 0];

	for (unsigned i = 1; i <= last[0]; i++)
		if (last[i] < '0' || last[i] > '9')
			return true;
	return last[0] == 0;
}

static void allow_put(const struct routes *r, struct change *c, json_t *body, struct answer *a)
{
	const char *text, *reason;
	struct dns_name name;
	struct note note;
	int rc;

	if (json_unpack(body, "{s:s, s:s !}", "name", &text, "reason", &reason) < 0) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST,
			"Expected {\"name\": \"...\", \"reason\": \"...\"} and no other member.");
		return;
	}
	if (!entry_right(text, &name)) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST,
			"name: not a domain name: letters, digits, '-' and '_', others as \\DDD; "
			"no "
			"\"*.\", for an entry covers all below it, no address, no URL.");
		return;
	}
	name_take(c, &name);
	if (!note_take(c, reason, &note, a))
		return;
	if (name.labels == 0 || (r->psl && psl_registered(r->psl, &name) < 0)) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST,
			"name: a public suffix, below which all would be allowed: name a "
			"registered domain or a host.");
		return;
	}
	if (!change_accept(r, c, a))
		return;
	rc = allow_add(r->allow, &name, &note);
	if (rc < 0)
		list_failed(c, rc, a);
	else
		answer_note(c, MHD_HTTP_CREATED, "reason", &note, a);
}

void change_allow(const struct routes *r, struct change *c, const char *rest, struct answer *a)
{
	(void)rest;
	json_t *body = body_object(c, a);

	if (body)
		allow_put(r, c, body, a);
	change_settle(r, c, a);
	json_decref(body);
}

void change_disallow(const struct routes *r, struct change *c, const char *rest, struct answer *a)
{
	char text[DNS_TEXT_MAX];
	struct dns_name name;
	int rc;

	if (percent_decode(rest, text, sizeof(text)) < 0 || !name_written(text, &name)) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST, "Not a domain name.");
	} else {
		name_take(c, &name);
		if (change_accept(r, c, a)) {
			rc = allow_remove(r->allow, &name);
			a->status = MHD_HTTP_NO_CONTENT;
			a->content_type = JSON_TYPE;
			if (rc < 0)
				list_failed(c, rc, a);
		}
	}
	change_settle(r, c, a);
}

/* The verdict is there: it is in a snapshot that is held. */
static void verdict_acknowledge(const struct routes *r, struct change *c, const struct verdict *v,
	const struct dns_name *name, json_t *body, struct answer *a)
{
	const char *text;
	struct note note;
	int rc;

	if (json_unpack(body, "{s:s !}", "note", &text) < 0) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST,
			"Expected {\"note\": \"...\"} and no other member.");
		return;
	}
	if (!note_take(c, text, &note, a))
		return;
	/* Clocks may be a step apart; it is of this verdict. */
	if (note.when < v->first_flagged)
		note.when = v->first_flagged;
	if (!change_accept(r, c, a))
		return;
	rc = acks_put(r->acks, name, &note);
	if (rc < 0)
		list_failed(c, rc, a);
	else
		answer_note(c, MHD_HTTP_OK, "note", &note, a);
}

/* The domain in front of ACKNOWLEDGE; false with the answer made. */
static bool path_name(struct change *c, const char *rest, struct dns_name *name, struct answer *a)
{
	char path[3 * DNS_TEXT_MAX], text[DNS_TEXT_MAX];
	size_t n = strlen(rest) - strlen(ACKNOWLEDGE);

	snprintf(path, sizeof(path), "%.*s", (int)(n < sizeof(path) ? n : sizeof(path)), rest);
	if (percent_decode(path, text, sizeof(text)) < 0 || !name_written(text, name)) {
		refuse(c, a, MHD_HTTP_BAD_REQUEST, "Not a domain name.");
		return false;
	}
	name_take(c, name);
	return true;
}

void change_acknowledge(
	const struct routes *r, struct change *c, const char *rest, struct answer *a)
{
	const struct snapshot *s = snapshot_get(r->board);
	const struct verdict *v = NULL;
	json_t *body = body_object(c, a);
	struct dns_name name;

	if (body && path_name(c, rest, &name, a)) {
		v = s && r->acks ? verdict_find(s, &name) : NULL;
		if (v)
			verdict_acknowledge(r, c, v, &name, body, a);
		else
			refuse(c, a, MHD_HTTP_NOT_FOUND, "Not flagged: there is no verdict.");
	}
	change_settle(r, c, a);
	json_decref(body);
	snapshot_put(s);
}

void route_allow(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)rest;
	struct query_text text;
	struct allow_query query;
	json_t *page = NULL;
	int rc;

	if (allow_query_parse(q, &text, &query)) {
		answer_problem(a, MHD_HTTP_BAD_REQUEST, text.problem);
		return;
	}
	if (!r->allow) {
		answer_problem(a, MHD_HTTP_NOT_FOUND, "There is no allow-list.");
		return;
	}
	rc = allow_page(r->allow, query.cursor, query.limit, &page);
	if (rc == -EINVAL)
		answer_problem(a, MHD_HTTP_BAD_REQUEST, "cursor: not the next_cursor of a page.");
	else if (rc == -ESTALE)
		answer_problem(a, MHD_HTTP_GONE,
			"cursor: the list has changed; begin again without a cursor.");
	else
		answer_json(a, MHD_HTTP_OK, JSON_TYPE, page);
}

void route_allowed(
	const struct routes *r, const struct request *q, const char *rest, struct answer *a)
{
	(void)q;
	char text[DNS_TEXT_MAX];
	struct dns_name name;

	if (!name_needed(rest, &name, a))
		return;
	dns_name_text(name.wire, name.len, text, sizeof(text));
	answer_json(a, MHD_HTTP_OK, JSON_TYPE,
		json_pack("{s:i, s:s, s:b}", "schema_version", EXPORT_SCHEMA_VERSION, "name", text,
			"allowed", (int)allow_has(r->allow, &name)));
}
