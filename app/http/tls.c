/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file.h"
#include "http/tls.h"
#include "http/token.h"

#define FILE_OCTETS_MAX (256u << 10)
#define CHAIN_MAX 16u

struct tls_pair {
	gnutls_datum_t certificate; /* PEM texts, of malloc */
	gnutls_datum_t key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of `current` */
static struct tls_pair *current;

static int refuse(
	char err[ERROR_LINE_MAX], const char *key, const char *path, const char *why, int rc)
{
	snprintf(err, ERROR_LINE_MAX, "configuration: %s: %.200s: %.200s", key, path, why);
	return rc;
}

static int files_read(struct tls_pair *p, const char *certificate, const char *key, char *err)
{
	const char *why = NULL;
	size_t len;

	p->certificate.data = (unsigned char *)file_read(certificate, FILE_OCTETS_MAX, &len);
	if (!p->certificate.data)
		return refuse(err, "http.tls_certificate", certificate, strerror(errno), -errno);
	p->certificate.size = (unsigned)len;
	p->key.data = (unsigned char *)secret_read(key, FILE_OCTETS_MAX, &len, &why);
	if (!p->key.data)
		return refuse(err, "http.tls_key", key, why, -errno);
	p->key.size = (unsigned)len;
	return 0;
}

/* Does GnuTLS take them, one for the other? */
static int pair_check(const struct tls_pair *p, const char *certificate, char *err)
{
	gnutls_certificate_credentials_t scratch;
	int rc = gnutls_certificate_allocate_credentials(&scratch);

	if (rc == 0) {
		rc = gnutls_certificate_set_x509_key_mem(
			scratch, &p->certificate, &p->key, GNUTLS_X509_FMT_PEM);
		gnutls_certificate_free_credentials(scratch);
	}
	if (rc >= 0)
		return 0;
	return refuse(err, "http.tls_certificate", certificate, gnutls_strerror(rc), -EINVAL);
}

int tls_pair_read(
	struct tls_pair **out, const char *certificate, const char *key, char err[ERROR_LINE_MAX])
{
	struct tls_pair *p = calloc(1, sizeof(*p));
	int rc;

	*out = NULL;
	if (!p)
		return refuse(err, "http.tls_certificate", certificate, "out of memory", -ENOMEM);
	rc = files_read(p, certificate, key, err);
	if (rc == 0)
		rc = pair_check(p, certificate, err);
	if (rc == 0)
		*out = p;
	else
		tls_pair_free(p);
	return rc;
}

void tls_pair_free(struct tls_pair *p)
{
	if (!p)
		return;
	free(p->certificate.data);
	if (p->key.data)
		gnutls_memset(p->key.data, 0, p->key.size);
	free(p->key.data);
	free(p);
}

void tls_use(struct tls_pair *p)
{
	pthread_mutex_lock(&lock);
	struct tls_pair *before = current;
	current = p;
	pthread_mutex_unlock(&lock);
	tls_pair_free(before);
}

/* Copies of the handshake's own, which GnuTLS lets go: a reload may come in between. */
static int pair_import(const struct tls_pair *p, gnutls_pcert_st **chain, unsigned *chain_len,
	gnutls_privkey_t *key)
{
	gnutls_pcert_st *list = gnutls_calloc(CHAIN_MAX, sizeof(*list));
	unsigned n = CHAIN_MAX;
	int rc = list ? gnutls_privkey_init(key) : GNUTLS_E_MEMORY_ERROR;

	if (rc < 0) {
		gnutls_free(list);
		return rc;
	}
	rc = gnutls_privkey_import_x509_raw(*key, &p->key, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == 0)
		rc = gnutls_pcert_list_import_x509_raw(
			list, &n, &p->certificate, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0) {
		gnutls_privkey_deinit(*key);
		gnutls_free(list);
		return rc;
	}
	*chain = list;
	*chain_len = n;
	return 0;
}

int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	gnutls_pcert_st **chain, unsigned *chain_len, gnutls_ocsp_data_st **ocsp,
	unsigned *ocsp_len, gnutls_privkey_t *key, unsigned *flags)
{
	int rc = -1;

	(void)session, (void)info;
	*ocsp = NULL;
	*ocsp_len = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	pthread_mutex_lock(&lock);
	if (current)
		rc = pair_import(current, chain, chain_len, key);
	pthread_mutex_unlock(&lock);
	return rc < 0 ? -1 : 0;
}
