/* SPDX-License-Identifier: BSD-3-Clause */
#include "psl/list.h"

#include <string.h>

#include "psl/punycode.h"

#define LABEL_MAX 63u
#define ACE_PREFIX "xn--"

/*
 * Code point at *at, which is moved behind it; UINT32_MAX when the octets are
 * not UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF).
 */
static uint32_t utf8_next(const char **at, const char *end)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint8_t lead = (uint8_t) * (*at)++;

	if (lead < 0x80)
		return lead;
	unsigned more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;

	if (lead < 0xc0 || lead > 0xf4 || (size_t)(end - *at) < more)
		return UINT32_MAX;
	uint32_t code = lead & (0x3fu >> more);

	for (unsigned i = 0; i < more; i++) {
		uint8_t next = (uint8_t) * (*at)++;

		if ((next & 0xc0) != 0x80)
			return UINT32_MAX;
		code = code << 6 | (next & 0x3f);
	}
	if (code < least[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return UINT32_MAX;
	return code;
}

/* NULL, or what is wrong with the octets of a line, its comment included. */
static const char *line_fault(const char *at, const char *end)
{
	while (at < end) {
		uint32_t code = utf8_next(&at, end);

		if (code == 0)
			return "NUL octet";
		if (code == UINT32_MAX)
			return "not UTF-8";
	}
	return NULL;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Characters of a label beside the non-ASCII ones, which all are taken as they are. */
static bool is_label_ascii(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Appends one label of valid UTF-8 to the name, as an A-label. NULL or the fault. */
static const char *label_append(struct dns_name *name, const char *at, const char *end)
{
	uint32_t code[PUNYCODE_MAX];
	size_t count = 0, len = 0;
	bool ascii = true;

	if (at == end)
		return "empty label";
	while (at < end) {
		uint32_t c = utf8_next(&at, end);

		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c == '*')
			return "'*' is not the whole leftmost label";
		if (c < 0x80 && !is_label_ascii(c))
			return "character that is not allowed in a label";
		if (count == PUNYCODE_MAX)
			return "label longer than 63 octets";
		ascii = ascii && c < 0x80;
		code[count++] = c;
	}
	uint8_t label[LABEL_MAX];

	if (ascii) {
		for (; len < count; len++)
			label[len] = (uint8_t)code[len];
	} else {
		size_t prefix = strlen(ACE_PREFIX);

		memcpy(label, ACE_PREFIX, prefix);
		len = punycode_encode(code, count, label + prefix, sizeof(label) - prefix);
		if (len == 0)
			return "label longer than 63 octets";
		len += prefix;
	}
	/* The two are this label's length octet and the root label. */
	if (name->len + len + 2 > DNS_NAME_MAX)
		return "name longer than 255 octets";
	name->label[name->labels++] = name->len;
	name->wire[name->len] = (uint8_t)len;
	memcpy(name->wire + name->len + 1, label, len);
	name->len = (uint8_t)(name->len + len + 1);
	return NULL;
}

/* The labels of at..end, valid UTF-8; NULL: the root. NULL or the fault. */
static const char *name_parse(const char *at, const char *end, struct dns_name *name)
{
	name->len = name->labels = 0;
	while (at) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		const char *fault = label_append(name, at, dot ? dot : end);

		if (fault)
			return fault;
		at = dot ? dot + 1 : NULL;
	}
	name->label[name->labels] = name->len;
	name->wire[name->len++] = 0;
	return NULL;
}

const char *psl_list_name(const char *text, size_t len, struct dns_name *name)
{
	const char *fault = line_fault(text, text + len);

	if (len && text[len - 1] == '.')
		len--;
	return fault ? fault : name_parse(text, text + len, name);
}

/* at..end is the rule: no white space in it. NULL or the fault. */
static const char *rule_parse(const char *at, const char *end, struct psl_rule *rule)
{
	rule->kind = PSL_PLAIN;
	if (*at == '!') {
		rule->kind = PSL_EXCEPTION;
		at++;
	} else if (*at == '*' && (end - at == 1 || at[1] == '.')) {
		rule->kind = PSL_WILDCARD;
		at = end - at == 1 ? NULL : at + 2;
	}
	const char *fault = name_parse(at, end, &rule->name);
	if (!fault && rule->kind == PSL_EXCEPTION && rule->name.labels < 2)
		fault = "exception without a parent";
	return fault;
}

int psl_list_next(struct psl_list *list, struct psl_rule *rule, struct psl_error *err)
{
	while (list->at < list->end) {
		const char *at = list->at;
		const char *newline = memchr(at, '\n', (size_t)(list->end - at));
		const char *end = newline ? newline : list->end;
		const char *stop = at;

		list->at = newline ? newline + 1 : end;
		list->line++;
		const char *fault = line_fault(at, end);

		while (stop < end && !is_space(*stop))
			stop++;
		bool comment = stop - at >= 2 && at[0] == '/' && at[1] == '/';

		if (!fault && stop > at && !comment) {
			rule->line = list->line;
			fault = rule_parse(at, stop, rule);
			if (!fault)
				return 1;
		} else if (!fault && stop == at) {
			/* Read up to the first white space this line would be empty. */
			while (stop < end && is_space(*stop))
				stop++;
			if (stop < end)
				fault = "white space in front of a rule";
		}
		if (fault) {
			*err = (struct psl_error){.line = list->line, .what = fault};
			return -1;
		}
	}
	return 0;
}
