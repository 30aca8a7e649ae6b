/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "config/file.h"
#include "http/token.h"

#define FILE_OCTETS_MAX (64u << 10)
#define NAME_OCTETS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

struct token {
	char name[TOKEN_NAME_MAX];
	uint8_t digest[TOKEN_DIGEST];
};

struct tokens {
	unsigned n;
	struct token token[TOKENS_MAX];
};

char *secret_read(const char *path, size_t max, size_t *len, const char **why)
{
	struct stat st;
	char *text;

	errno = 0;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		errno = EINVAL;
		*why = "is no file";
	} else if (errno == 0 && st.st_mode & S_IRWXO) {
		errno = EACCES;
		*why = "everybody may read or write it: chmod o= FILE";
	}
	text = errno ? NULL : file_read(path, max, len);
	if (!text && !*why)
		*why = strerror(errno);
	return text;
}

int token_digest(const char *text, uint8_t out[TOKEN_DIGEST])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), out) < 0 ? -EIO : 0;
}

static bool digest_parse(const char *hex, uint8_t out[TOKEN_DIGEST])
{
	if (strlen(hex) != 2 * TOKEN_DIGEST ||
		strspn(hex, "0123456789abcdefABCDEF") != 2 * TOKEN_DIGEST)
		return false;
	for (unsigned i = 0; i < TOKEN_DIGEST; i++) {
		const char octet[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		out[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return true;
}

/* NULL, or what is wrong with the line. */
static const char *token_add(struct tokens *t, char *line)
{
	struct token *token = &t->token[t->n];
	char *colon = strchr(line, ':');
	size_t n = colon ? (size_t)(colon - line) : 0;

	if (t->n == TOKENS_MAX)
		return "more than 256 tokens";
	if (n == 0 || n >= TOKEN_NAME_MAX || strspn(line, NAME_OCTETS) != n)
		return "expected NAME:SHA256; a name has 1 to 64 of A-Z, a-z, 0-9, '.', '_', '-'";
	if (!digest_parse(colon + 1, token->digest))
		return "expected 64 hexadecimal digits behind the colon, the token's SHA-256";
	memcpy(token->name, line, n);
	token->name[n] = '\0';
	for (unsigned i = 0; i < t->n; i++)
		if (strcmp(t->token[i].name, token->name) == 0 ||
			memcmp(t->token[i].digest, token->digest, TOKEN_DIGEST) == 0)
			return "name or token is there already";
	t->n++;
	return NULL;
}

static int refuse(char err[ERROR_LINE_MAX], const char *key, const char *path, unsigned line,
	const char *why, int rc)
{
	char at[24] = "";

	if (line)
		snprintf(at, sizeof(at), "line %u: ", line);
	snprintf(err, ERROR_LINE_MAX, "configuration: %s: %.200s: %s%s", key, path, at, why);
	return rc;
}

/* The text of a file; line ends become NUL. */
static int tokens_parse(struct tokens *t, char *text, const char *key, const char *path, char *err)
{
	char *next = text;

	for (unsigned line = 1; next; line++) {
		char *at = next;
		const char *wrong;

		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		at[strcspn(at, "\r")] = '\0';
		if (at[0] == '\0' || at[0] == '#')
			continue;
		wrong = token_add(t, at);
		if (wrong)
			return refuse(err, key, path, line, wrong, -EINVAL);
	}
	return t->n ? 0 : refuse(err, key, path, 0, "holds no token: NAME:SHA256", -EINVAL);
}

int tokens_read(struct tokens **out, const char *key, const char *path, char err[ERROR_LINE_MAX])
{
	const char *why = NULL;
	size_t len;
	char *text = secret_read(path, FILE_OCTETS_MAX, &len, &why);
	int rc;

	*out = NULL;
	if (!text)
		return refuse(err, key, path, 0, why, -errno);
	struct tokens *t = calloc(1, sizeof(*t));
	text[len] = '\0'; /* there is room: it is smaller than was asked for */
	if (!t)
		rc = refuse(err, key, path, 0, "out of memory", -ENOMEM);
	else if (strlen(text) != len)
		rc = refuse(err, key, path, 0, "holds an octet 0", -EINVAL);
	else
		rc = tokens_parse(t, text, key, path, err);
	free(text);
	if (rc == 0)
		*out = t;
	else
		tokens_free(t);
	return rc;
}

void tokens_free(struct tokens *t)
{
	free(t);
}

const char *tokens_find(const struct tokens *t, const uint8_t digest[TOKEN_DIGEST])
{
	const char *name = NULL;

	/* All of them, so that the time tells nothing of the place. */
	for (unsigned i = 0; t && i < t->n; i++)
		if (gnutls_memcmp(t->token[i].digest, digest, TOKEN_DIGEST) == 0)
			name = t->token[i].name;
	return name;
}

bool tokens_equal(const struct tokens *a, const struct tokens *b)
{
	if (!a || !b)
		return a == b;
	bool equal = a->n == b->n;
	for (unsigned i = 0; equal && i < a->n; i++)
		equal = strcmp(a->token[i].name, b->token[i].name) == 0 &&
			gnutls_memcmp(a->token[i].digest, b->token[i].digest, TOKEN_DIGEST) == 0;
	return equal;
}
