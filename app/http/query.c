/* SPDX-License-Identifier: BSD-3-Clause */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "export/rfc3339.h"
#include "http/query.h"

#define VALUE_MAX DNS_TEXT_MAX

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int percent_decode(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text; text++) {
		char c = *text;

		if (c == '%') {
			int high = hex_digit(text[1]);
			int low = high < 0 ? -1 : hex_digit(text[2]);
			if (low < 0 || high + low == 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			text += 2;
		}
		if (n + 1 >= size)
			return -EINVAL;
		out[n++] = c;
	}
	out[n] = '\0';
	return 0;
}

/* Decimal digits only, at most `digits` of them, or -1. */
static long number_parse(const char *text, size_t len, size_t digits)
{
	long n = 0;

	if (len == 0 || len > digits)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

static int class_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;
	for (int c = FLUX_NONE + 1; c < FLUX_CLASS_COUNT; c++) {
		if (strcmp(value, flux_class_name((enum flux_class)c)) == 0) {
			out->class = c;
			return 0;
		}
	}
	return -EINVAL;
}

static int window_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;
	for (int w = 0; w < FLUX_WINDOW_COUNT; w++) {
		if (strcmp(value, flux_window_name((enum flux_window)w)) == 0) {
			out->window = w;
			return 0;
		}
	}
	return -EINVAL;
}

static int bool_of(const char *value, int *out)
{
	*out = strcmp(value, "true") == 0;
	return *out || strcmp(value, "false") == 0 ? 0 : -EINVAL;
}

static int suspected_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;

	return bool_of(value, &out->suspected);
}

static int own_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;

	return bool_of(value, &out->own);
}

/* "70" or "70.125": thousandths, without the locale's idea of a point. */
static int score_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;
	size_t whole = strcspn(value, ".");
	long thousandths = number_parse(value, whole, 3);

	if (thousandths < 0)
		return -EINVAL;
	thousandths *= 1000;
	if (value[whole]) {
		const char *rest = value + whole + 1;
		size_t len = strlen(rest);
		long part = number_parse(rest, len, 3);
		if (part < 0)
			return -EINVAL;
		for (size_t i = len; i < 3; i++)
			part *= 10;
		thousandths += part;
	}
	if (thousandths > 100000)
		return -EINVAL;
	out->min_score = (uint32_t)thousandths;
	return 0;
}

static int limit_of(const char *value, uint32_t *out)
{
	long limit = number_parse(value, strlen(value), 9);

	if (limit < 1)
		return -EINVAL;
	*out = limit < (long)EXPORT_LIMIT_MAX ? (uint32_t)limit : EXPORT_LIMIT_MAX;
	return 0;
}

static int limit_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;

	return limit_of(value, &out->limit);
}

static int cursor_take(const char *value, struct query_text *text, void *query)
{
	struct domains_query *out = query;

	if (strlen(value) >= sizeof(text->cursor))
		return -EINVAL;
	strcpy(text->cursor, value);
	out->cursor = text->cursor;
	return 0;
}

/* In presentation form, as the answers have names: what is looked for can be copied from one. */
static int name_take(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;
	size_t len = strlen(value);

	if (len == 0 || len >= sizeof(out->name) || strcmp(value, "*") == 0)
		return -EINVAL;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && !isgraph((unsigned char)value[i]))
			return -EINVAL;
		out->name[i] = (char)tolower((unsigned char)value[i]);
	}
	return 0;
}

static int campaign_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;

	if (strlen(value) != 16 || strspn(value, "0123456789abcdef") != 16)
		return -EINVAL;
	out->campaign = strtoull(value, NULL, 16);
	return out->campaign ? 0 : -EINVAL;
}

static int sort_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct domains_query *out = query;

	for (int i = 0; i < DOMAINS_SORT_COUNT; i++) {
		if (strcmp(value, domains_sort_name((enum domains_sort)i)) == 0) {
			out->sort = (enum domains_sort)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int events_limit_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct events_query *out = query;

	return limit_of(value, &out->limit);
}

/* Sequences stay below 2^53, as numbers of JSON must. */
static int since_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct events_query *out = query;
	long since = number_parse(value, strlen(value), 16);

	out->since_given = true;
	out->since = (uint64_t)since;
	return since < 0 ? -EINVAL : 0;
}

static int history_limit_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct history_query *out = query;

	return limit_of(value, &out->limit);
}

static int allow_limit_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct allow_query *out = query;

	return limit_of(value, &out->limit);
}

static int allow_cursor_take(const char *value, struct query_text *text, void *query)
{
	struct allow_query *out = query;

	snprintf(text->cursor, sizeof(text->cursor), "%s", value);
	out->cursor = text->cursor;
	return 0;
}

static int from_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct history_query *out = query;

	return rfc3339_parse(value, &out->from);
}

static int to_parse(const char *value, struct query_text *text, void *query)
{
	(void)text;
	struct history_query *out = query;

	return rfc3339_parse(value, &out->to);
}

static int history_cursor_take(const char *value, struct query_text *text, void *query)
{
	struct history_query *out = query;

	snprintf(text->cursor, sizeof(text->cursor), "%s", value);
	out->cursor = text->cursor;
	return 0;
}

/* Of a name in presentation form: what else there may be is escaped. */
#define NAME_OCTETS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_*.\\"

/* As events have it, however it was written. */
static int history_name_take(const char *value, struct query_text *text, void *query)
{
	struct history_query *out = query;
	struct dns_name name;

	if (value[strspn(value, NAME_OCTETS)] || dns_name_parse(value, &name))
		return -EINVAL;
	dns_name_text(name.wire, name.len, text->name, sizeof(text->name));
	out->name = text->name;
	return 0;
}

struct parameter {
	const char *name;
	const char *expects;
	int (*parse)(const char *value, struct query_text *text, void *query);
};

#define LIMIT_EXPECTS "1 or more; more than 1000 counts as 1000"

static const struct parameter domains_parameters[] = {
	{"class", "single_flux, double_flux, low_slow, vps_flux or ns_flux", class_parse},
	{"min_score", "0 to 100, at most three decimals", score_parse},
	{"window", "10m, 1h, 24h or 7d", window_parse},
	{"suspected", "true or false", suspected_parse},
	{"own", "true or false", own_parse},
	{"name", "part of a name, or * and its end, in at most 255 characters", name_take},
	{"campaign", "the id of a campaign, 16 hexadecimal digits", campaign_parse},
	{"sort", "score, first_seen, last_seen or addresses", sort_parse},
	{"limit", LIMIT_EXPECTS, limit_parse},
	{"cursor", "the next_cursor of the page before", cursor_take},
};

static const struct parameter events_parameters[] = {
	{"since", "the next_since of the answer before", since_parse},
	{"limit", LIMIT_EXPECTS, events_limit_parse},
};

static const struct parameter stream_parameters[] = {
	{"since", "the id of the last event", since_parse},
};

static const struct parameter allow_parameters[] = {
	{"limit", LIMIT_EXPECTS, allow_limit_parse},
	{"cursor", "the next_cursor of the page before", allow_cursor_take},
};

#define TIME_EXPECTS "a time such as 2026-01-12T06:00:00Z"

static const struct parameter history_parameters[] = {
	{"from", TIME_EXPECTS, from_parse},
	{"to", TIME_EXPECTS, to_parse},
	{"name", "a registered domain", history_name_take},
	{"limit", LIMIT_EXPECTS, history_limit_parse},
	{"cursor", "the next_cursor of the page before", history_cursor_take},
};

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static int problem(struct query_text *text, const char *name, const char *what)
{
	snprintf(text->problem, sizeof(text->problem), "%.40s: %s.", name, what);
	return -EINVAL;
}

static int params_parse(const struct request *q, struct query_text *text,
	const struct parameter *parameters, size_t count, void *query)
{
	unsigned seen = 0;

	if (q->params > REQUEST_PARAMS_MAX)
		return problem(text, "query", "too many parameters");
	for (unsigned i = 0; i < q->params; i++) {
		const struct param *p = &q->param[i];
		char value[VALUE_MAX];
		size_t k = 0;

		while (k < count && strcmp(p->name, parameters[k].name) != 0)
			k++;
		if (k == count)
			return problem(text, p->name, "unknown parameter");
		if (seen >> k & 1)
			return problem(text, p->name, "given twice");
		seen |= 1u << k;
		if (!p->value || percent_decode(p->value, value, sizeof(value)) ||
			parameters[k].parse(value, text, query))
			return problem(text, p->name, parameters[k].expects);
	}
	return 0;
}

int query_parse(const struct request *q, struct query_text *text, struct domains_query *out)
{
	domains_query_init(out);
	return params_parse(q, text, domains_parameters, COUNT(domains_parameters), out);
}

int events_query_parse(const struct request *q, struct query_text *text, struct events_query *out)
{
	*out = (struct events_query){.limit = EXPORT_LIMIT_DEFAULT};
	return params_parse(q, text, events_parameters, COUNT(events_parameters), out);
}

int stream_query_parse(const struct request *q, struct query_text *text, struct events_query *out)
{
	*out = (struct events_query){.limit = EXPORT_LIMIT_MAX};
	int rc = params_parse(q, text, stream_parameters, COUNT(stream_parameters), out);

	if (rc == 0 && q->last_event_id && since_parse(q->last_event_id, text, out))
		return problem(text, "Last-Event-ID", "the id of the last event");
	return rc;
}

int allow_query_parse(const struct request *q, struct query_text *text, struct allow_query *out)
{
	*out = (struct allow_query){.limit = EXPORT_LIMIT_DEFAULT};
	return params_parse(q, text, allow_parameters, COUNT(allow_parameters), out);
}

int history_query_parse(const struct request *q, struct query_text *text, struct history_query *out)
{
	*out = (struct history_query){.to = UINT32_MAX, .limit = EXPORT_LIMIT_DEFAULT};
	int rc = params_parse(q, text, history_parameters, COUNT(history_parameters), out);

	if (rc == 0 && out->from > out->to)
		return problem(text, "from", "is after to");
	return rc;
}

int no_query(const struct request *q, struct query_text *text)
{
	return params_parse(q, text, NULL, 0, NULL);
}
