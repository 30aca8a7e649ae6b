/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The server's certificate and its key, which may change while it runs. The HTTP library
 * asks for them at each handshake, without saying for whom: the process has one pair.
 */

#include <gnutls/abstract.h>

#include "cli/exit.h"

/* For MHD_OPTION_HTTPS_PRIORITIES: TLS 1.2 and later. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

struct tls_pair;

/*
 * Reads both files (PEM), and sees that they go together. 0; or -errno, one line in err and
 * *out NULL; -EACCES when others may read the key.
 */
int tls_pair_read(
	struct tls_pair **out, const char *certificate, const char *key, char err[ERROR_LINE_MAX]);
void tls_pair_free(struct tls_pair *p); /* NULL is allowed */

/* From now on handshakes show this pair, which it takes over; NULL: none. */
void tls_use(struct tls_pair *p);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2. */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **chain, unsigned *chain_len, gnutls_ocsp_data_st **ocsp,
	unsigned *ocsp_len, gnutls_privkey_t *key, unsigned *flags);
