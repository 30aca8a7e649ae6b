/* SPDX-License-Identifier: BSD-3-Clause */

/* What the keys of HTTP say together. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/listen.h"

static int refuse(char err[ERROR_LINE_MAX], const char *key, const char *why)
{
	snprintf(err, ERROR_LINE_MAX, "configuration: %s: %s", key, why);
	return -EINVAL;
}

/* Open to other machines: all that is missing, in one line. */
static int remote_check(const struct config_http *c, char err[ERROR_LINE_MAX])
{
	const struct {
		const char *key, *value;
	} needed[] = {
		{"http.tls_certificate", c->tls_certificate},
		{"http.tls_key", c->tls_key},
		{"http.token_file", c->token_file},
	};
	char missing[128] = "";

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		size_t n = strlen(missing);

		if (!needed[i].value[0])
			snprintf(missing + n, sizeof(missing) - n, "%s%s", n ? ", " : "",
				needed[i].key);
	}
	if (!missing[0])
		return 0;
	snprintf(err, ERROR_LINE_MAX,
		"configuration: http.listen: \"%s\" is reached from other machines and needs TLS "
		"and tokens: missing: %s; or listen on 127.0.0.1:PORT, [::1]:PORT or unix:/PATH",
		c->listen, missing);
	return -EINVAL;
}

int config_http_check(const struct config_http *c, char err[ERROR_LINE_MAX])
{
	struct sockaddr_storage address;
	socklen_t len;

	if (c->listen[0] == '\0')
		return 0;
	if (listen_parse(c->listen, &address, &len) < 0)
		return refuse(err, "http.listen", "not an address to listen on");
	if (!listen_is_local(&address) && remote_check(c, err) < 0)
		return -EINVAL;
	if (!c->tls_certificate[0] != !c->tls_key[0])
		return refuse(err, c->tls_key[0] ? "http.tls_certificate" : "http.tls_key",
			"is missing: a certificate and its key go together");
	if (c->tls_certificate[0] && address.ss_family == AF_UNIX)
		return refuse(err, "http.tls_certificate",
			"a unix socket has no TLS: leave it out, with http.tls_key");
	if (c->admin_token_file[0] && !c->audit_log[0])
		return refuse(err, "http.audit_log",
			"is missing: what http.admin_token_file lets change is written there");
	return 0;
}

void config_http_url(const struct config_http *c, char out[CONFIG_URL_MAX])
{
	const char *scheme = strncmp(c->listen, "unix:", 5) == 0 ? ""
			     : c->tls_certificate[0]             ? "https://"
								 : "http://";

	snprintf(out, CONFIG_URL_MAX, "%s%s", scheme, c->listen);
}
