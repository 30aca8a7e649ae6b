/* SPDX-License-Identifier: BSD-3-Clause */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "text.h"

static json_t *clean(const json_t *value);

static json_t *clean_text(const char *text, size_t len)
{
	char *plain = text_clean(text, len);
	json_t *string = plain ? json_string(plain) : NULL;

	free(plain);
	return string;
}

static json_t *clean_object(json_t *value)
{
	json_t *out = json_object(), *member;
	const char *key;
	int bad = 0;

	json_object_foreach(value, key, member)
	{
		char *name = text_clean(key, strlen(key));

		bad |= !name || json_object_set_new(out, name, clean(member));
		free(name);
	}
	if (!bad)
		return out;
	json_decref(out);
	return NULL;
}

static json_t *clean_array(const json_t *value)
{
	json_t *out = json_array(), *member;
	size_t i;
	int bad = 0;

	json_array_foreach(value, i, member)
	{
		bad |= json_array_append_new(out, clean(member));
	}
	if (!bad)
		return out;
	json_decref(out);
	return NULL;
}

/* A copy; NULL, which the setters of jansson refuse, when there was no memory. */
static json_t *clean(const json_t *value)
{
	if (json_is_string(value))
		return clean_text(json_string_value(value), json_string_length(value));
	if (json_is_object(value))
		return clean_object((json_t *)(uintptr_t)value);
	if (json_is_array(value))
		return clean_array(value);
	return json_deep_copy(value);
}

json_t *answer_clean(const char *body, size_t len)
{
	json_t *tree = json_loadb(body ? body : "", len, 0, NULL);
	json_t *out = tree ? clean(tree) : NULL;

	json_decref(tree);
	return out;
}

bool answer_is_ours(const json_t *tree)
{
	return json_is_integer(member(tree, "schema_version"));
}

static enum ctl_exit code_of(long status)
{
	switch (status) {
	case 401:
	case 403:
	case 405: /* it has no admins */
		return CTL_UNAUTHORISED;
	case 404:
	case 410:
		return CTL_NOT_FOUND;
	case 429:
	case 503:
		return CTL_NOT_READY;
	default:
		return status >= 400 && status < 500 ? CTL_USAGE : CTL_SERVER;
	}
}

/* What a person can do about it, where the sensor's own words don't say so. */
static const char *remedy_of(long status)
{
	switch (status) {
	case 401:
		return " The token's file is --token-file.";
	case 405: /* of a change: nobody may make any */
		return " Set http.admin_token_file and http.audit_log, and restart the sensor.";
	default:
		return "";
	}
}

int answer_refused(struct ctl *ctl, const struct path *p, const struct response *r)
{
	json_t *problem = r->problem ? answer_clean(r->body, r->len) : NULL;
	const char *detail = json_string_value(member(problem, "detail"));
	int rc;

	/* A web server, or a proxy, refuses by the same statuses, and means something else. */
	if (answer_is_ours(problem) && detail)
		rc = ctl_fail(ctl, code_of(r->status), "%.200s: %ld: %s%s", p->text, r->status,
			detail, remedy_of(r->status));
	else
		rc = ctl_fail(ctl, CTL_SERVER,
			"%.200s: %ld: that is no answer of a sensor: see --url", p->text,
			r->status);
	json_decref(problem);
	return rc;
}

int answer_of(struct ctl *ctl, const struct path *p, const struct response *r, json_t **tree)
{
	if (r->status < 200 || r->status > 299)
		return answer_refused(ctl, p, r);
	*tree = answer_clean(r->body, r->len);
	if (answer_is_ours(*tree))
		return CTL_OK;
	json_decref(*tree);
	*tree = NULL;
	return ctl_fail(ctl, CTL_SERVER,
		"%s: %.200s: the answer is no JSON object with schema_version: is that a sensor?",
		client_where(ctl->client), p->text);
}

int answer_send(
	struct ctl *ctl, const char *method, const struct path *p, const char *json, json_t **tree)
{
	struct response r;
	json_t *answered = NULL;

	int rc = client_ask(ctl, method, p, json, &r);
	/* What was deleted leaves nothing to tell. */
	if (rc == CTL_OK && !(r.status == 204 && strcmp(method, "DELETE") == 0))
		rc = answer_of(ctl, p, &r, &answered);
	free(r.body);
	if (tree)
		*tree = answered;
	else
		json_decref(answered);
	return rc;
}

int answer_get(struct ctl *ctl, const struct path *p, json_t **tree)
{
	return answer_send(ctl, "GET", p, NULL, tree);
}

int answer_print(struct ctl *ctl, const struct response *r)
{
	FILE *to = ctl->out.to;

	if (text_is_plain(r->body, r->len)) {
		fwrite(r->body, 1, r->len, to);
		if (r->len && r->body[r->len - 1] != '\n')
			fputc('\n', to);
		return CTL_OK;
	}
	json_t *tree = json_loadb(r->body, r->len, 0, NULL);
	int bad = json_dumpf(tree, to, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', to);
	json_decref(tree);
	return bad ? ctl_no_memory(ctl) : CTL_OK;
}

int answer_raw_tree(struct ctl *ctl, const struct path *p, json_t **tree)
{
	struct response r;

	*tree = NULL;
	int rc = client_ask(ctl, "GET", p, NULL, &r);
	if (rc == CTL_OK)
		rc = answer_of(ctl, p, &r, tree);
	if (rc == CTL_OK)
		rc = answer_print(ctl, &r);
	free(r.body);
	return rc;
}

int answer_raw(struct ctl *ctl, const struct path *p)
{
	json_t *tree;
	int rc = answer_raw_tree(ctl, p, &tree);

	json_decref(tree);
	return rc;
}

const json_t *member(const json_t *tree, const char *name)
{
	char key[64];
	size_t n = strcspn(name, ".");

	if (n >= sizeof(key))
		return NULL;
	memcpy(key, name, n);
	key[n] = '\0';
	const json_t *value = json_object_get(tree, key);
	return name[n] ? member(value, name + n + 1) : value;
}

const char *member_text(const json_t *tree, const char *name)
{
	const char *text = json_string_value(member(tree, name));

	return text && *text ? text : "-";
}

double member_number(const json_t *tree, const char *name)
{
	const json_t *value = member(tree, name);

	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

const char *member_print(const json_t *tree, const char *name, int decimals, char text[NUMBER_MAX])
{
	double value = member_number(tree, name);

	snprintf(text, NUMBER_MAX, isfinite(value) && fabs(value) < 1e18 ? "%.*f" : "-", decimals,
		value);
	return text;
}
