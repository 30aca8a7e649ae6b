/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Bearer tokens (RFC 6750), of which the program knows digests only.
 *
 * A file has a line a token, NAME:SHA256, the digest of its octets in hexadecimal; empty
 * lines and those that begin with '#' are passed over. The name says who it was, in the
 * audit log. Nobody but owner and group may read the file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/exit.h"

#define TOKENS_MAX 256u
#define TOKEN_NAME_MAX 65u /* letters, digits, '.', '_' and '-', with NUL */
#define TOKEN_DIGEST 32u

struct tokens;

/*
 * Reads a file; `key` is what messages call it, "http.token_file". 0; or -errno, one line in
 * err and *out NULL: -EACCES when others may read it, -EINVAL for what is no list of tokens,
 * or an empty one.
 */
int tokens_read(struct tokens **out, const char *key, const char *path, char err[ERROR_LINE_MAX]);
void tokens_free(struct tokens *t); /* NULL is allowed */

/* The digest that a file would hold for `text`. 0 or -EIO. */
int token_digest(const char *text, uint8_t out[TOKEN_DIGEST]);

/*
 * Name of the token with this digest, valid until tokens_free, or NULL. Takes the same time
 * whichever it is, and whether there is one. t may be NULL: none.
 */
const char *tokens_find(const struct tokens *t, const uint8_t digest[TOKEN_DIGEST]);

/* Do both say the same of everybody? NULL: none. */
bool tokens_equal(const struct tokens *a, const struct tokens *b);

/*
 * The octets of a file with secrets in it, which only owner and group may read; as file_read,
 * with a reason in place of errno.
 */
char *secret_read(const char *path, size_t max, size_t *len, const char **why);
