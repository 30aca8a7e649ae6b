/* SPDX-License-Identifier: BSD-3-Clause */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "client.h"

#define URL_DEFAULT "http://127.0.0.1:8953"
#define CONNECT_SECONDS 5L
#define ANSWER_SECONDS 30L
#define SILENCE_SECONDS 60L
#define TOKEN_MAX 512u

struct client {
	CURLM *multi;
	CURL *easy;
	char *base; /* URL without a slash at its end */
	const char *socket;
	const char *where;
	char *authorization; /* header line, or NULL */
	char detail[CURL_ERROR_SIZE];
	int interrupt;
	bool interrupted;
};

/* What a response's body goes to. */
struct sink {
	CURL *easy;
	struct response *response;
	bool (*take)(void *ctx, const char *data, size_t len);
	void *ctx;
	size_t room;
	bool too_large, no_memory, ended;
};

/* Of this machine's own, where nobody listens in between. */
static bool is_loopback(const char *host)
{
	struct in_addr address;

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127);
}

static int token_read(struct ctl *ctl, const char *file)
{
	char token[TOKEN_MAX];
	FILE *in = fopen(file, "re");

	if (!in)
		return ctl_fail(ctl, CTL_LOCAL, "--token-file: %s: %s", file, strerror(errno));
	size_t n = fread(token, 1, sizeof(token) - 1, in);
	fclose(in);
	token[n] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	if (!*token || strlen(token) == sizeof(token) - 1)
		return ctl_fail(ctl, CTL_LOCAL,
			"--token-file: %s: no token: its first line must hold 1 to %u octets", file,
			TOKEN_MAX - 2);
	for (const char *c = token; *c; c++)
		if (*c <= ' ' || *c > '~')
			return ctl_fail(ctl, CTL_LOCAL,
				"--token-file: %s: octets that no token has: printable ASCII only",
				file);
	if (asprintf(&ctl->client->authorization, "Authorization: Bearer %s", token) < 0)
		return ctl_no_memory(ctl);
	return CTL_OK;
}

/* By curl's own parser, so that what is judged is what is connected to. */
static int url_judge(struct ctl *ctl, CURLU *parser, const char *url)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	int rc = CTL_OK;

	if (curl_url_set(parser, CURLUPART_URL, url, 0) ||
		curl_url_get(parser, CURLUPART_SCHEME, &scheme, 0) ||
		curl_url_get(parser, CURLUPART_HOST, &host, 0) ||
		curl_url_get(parser, CURLUPART_USER, &user, 0) == CURLUE_OK ||
		strncmp(scheme, "http", 4) != 0 || strchr(url, '?') || strchr(url, '#'))
		rc = ctl_fail(ctl, CTL_USAGE,
			"--url: %s: no address of a sensor: http://HOST:PORT or https://HOST:PORT",
			url);
	else if (strcmp(scheme, "http") == 0 && !ctl->client->socket &&
		 ctl->options.value[OPTION_TOKEN_FILE] && !is_loopback(host))
		rc = ctl_fail(ctl, CTL_USAGE,
			"--url: %s: the token would go over the network in the clear: use https",
			url);
	curl_free(scheme);
	curl_free(host);
	curl_free(user);
	return rc;
}

static int url_take(struct ctl *ctl, const char *url)
{
	CURLU *parser = curl_url();
	size_t n = strlen(url);

	if (!parser)
		return ctl_no_memory(ctl);
	int rc = url_judge(ctl, parser, url);
	curl_url_cleanup(parser);
	while (n && url[n - 1] == '/')
		n--;
	ctl->client->base = strndup(url, n);
	return rc || ctl->client->base ? rc : ctl_no_memory(ctl);
}

int client_open(struct ctl *ctl)
{
	const struct options *o = &ctl->options;
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return ctl_no_memory(ctl);
	ctl->client = c;
	c->interrupt = -1;
	c->socket = o->value[OPTION_SOCKET];
	c->where = c->socket              ? c->socket
		   : o->value[OPTION_URL] ? o->value[OPTION_URL]
					  : URL_DEFAULT;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ctl_no_memory(ctl);
	c->easy = curl_easy_init();
	c->multi = curl_multi_init();
	if (!c->easy || !c->multi)
		return ctl_no_memory(ctl);
	/* Over a unix socket the host is only what stands in the request. */
	rc = url_take(ctl, c->socket ? "http://localhost" : c->where);
	if (rc == CTL_OK && o->value[OPTION_TOKEN_FILE])
		rc = token_read(ctl, o->value[OPTION_TOKEN_FILE]);
	return rc;
}

void client_close(struct ctl *ctl)
{
	struct client *c = ctl->client;

	if (!c)
		return;
	curl_easy_cleanup(c->easy);
	curl_multi_cleanup(c->multi);
	curl_global_cleanup();
	free(c->authorization);
	free(c->base);
	free(c);
	ctl->client = NULL;
}

const char *client_where(const struct client *c)
{
	return c->where;
}

void client_interrupt(struct client *c, int fd)
{
	c->interrupt = fd;
}

bool client_interrupted(const struct client *c)
{
	return c->interrupted;
}

static bool is_type(CURL *easy, const char *kind)
{
	const char *type = NULL;

	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	return type && strncasecmp(type, kind, strlen(kind)) == 0;
}

static bool is_stream(CURL *easy)
{
	return is_type(easy, "text/event-stream");
}

static size_t take_body(char *data, size_t one, size_t n, void *ctx)
{
	struct sink *s = ctx;
	struct response *r = s->response;
	long status = 0;

	n *= one;
	curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (s->take && status == 200) {
		if (!is_stream(s->easy))
			return 0;
		s->ended = !s->take(s->ctx, data, n);
		return s->ended ? 0 : n;
	}
	s->too_large = n > ANSWER_MAX - r->len;
	if (s->too_large)
		return 0;
	if (r->len + n + 1 > s->room) {
		size_t room = 2 * (r->len + n + 1);
		char *body = realloc(r->body, room);

		s->no_memory = !body;
		if (!body)
			return 0;
		r->body = body;
		s->room = room;
	}
	memcpy(r->body + r->len, data, n);
	r->len += n;
	r->body[r->len] = '\0';
	return n;
}

/* Runs what is set up on the handle, until its end or until the interrupt. */
static CURLcode perform(struct client *c)
{
	CURLcode result = CURLE_OK;
	CURLMcode multi = curl_multi_add_handle(c->multi, c->easy);
	int running = 1;

	c->interrupted = false;
	while (multi == CURLM_OK && running && !c->interrupted) {
		struct curl_waitfd wake = {.fd = c->interrupt, .events = CURL_WAIT_POLLIN};

		multi = curl_multi_perform(c->multi, &running);
		if (multi == CURLM_OK && running)
			multi = curl_multi_poll(c->multi, &wake, c->interrupt >= 0, 1000, NULL);
		c->interrupted = running && wake.revents;
	}
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(c->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			result = message->data.result;
	curl_multi_remove_handle(c->multi, c->easy);
	return multi == CURLM_OK ? result : CURLE_FAILED_INIT;
}

/* One line for what became of a request that has no response. */
static int refuse(struct ctl *ctl, CURLcode result, const struct sink *s)
{
	struct client *c = ctl->client;
	const char *detail = c->detail[0] ? c->detail : curl_easy_strerror(result);
	long number = 0;

	if (s->no_memory)
		return ctl_no_memory(ctl);
	if (s->too_large)
		return ctl_fail(ctl, CTL_SERVER, "%s: an answer of more than %u MiB: refused",
			c->where, ANSWER_MAX >> 20);
	switch (result) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
		return ctl_fail(ctl, CTL_CONNECT,
			"%s: %s: is the sensor running? its address is --url or --socket", c->where,
			number ? strerror((int)number) : detail);
	case CURLE_COULDNT_RESOLVE_HOST:
		return ctl_fail(ctl, CTL_CONNECT, "%s: no such host: see --url", c->where);
	case CURLE_OPERATION_TIMEDOUT:
		return ctl_fail(ctl, CTL_CONNECT,
			"%s: no answer in time: ask again, or see its log", c->where);
	case CURLE_PEER_FAILED_VERIFICATION:
		return ctl_fail(ctl, CTL_CONNECT,
			"%s: its certificate is not trusted: %s: name its authority with --cacert",
			c->where, detail);
	case CURLE_SSL_CACERT_BADFILE:
		return ctl_fail(ctl, CTL_LOCAL, "--cacert: %s: can't be read",
			ctl->options.value[OPTION_CACERT]);
	case CURLE_URL_MALFORMAT:
		return ctl_fail(ctl, CTL_USAGE,
			"--url: %s: no address of a sensor: http://HOST:PORT or https://HOST:PORT",
			c->where);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return ctl_fail(ctl, CTL_SERVER, "%s: %s: is that a sensor?", c->where, detail);
	default:
		return ctl_fail(ctl, CTL_CONNECT, "%s: %s", c->where, detail);
	}
}

static int request(
	struct ctl *ctl, const char *method, const struct path *p, const char *json, struct sink *s)
{
	struct client *c = ctl->client;
	struct curl_slist *headers = NULL;
	char *url = NULL;
	bool bad = false;

	*s->response = (struct response){0};
	if (p->too_long)
		return ctl_fail(ctl, CTL_USAGE, "what is asked for is too long");
	if (asprintf(&url, "%s%s", c->base, p->text) < 0)
		return ctl_no_memory(ctl);
	s->easy = c->easy;
	curl_easy_reset(c->easy); /* connections are kept */
	c->detail[0] = '\0';
	const char *lines[] = {c->authorization, json ? "Content-Type: application/json" : NULL,
		json ? "Expect:" : NULL};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct curl_slist *more = lines[i] ? curl_slist_append(headers, lines[i]) : headers;

		bad |= lines[i] && !more;
		headers = more ? more : headers;
	}
	bad |= curl_easy_setopt(c->easy, CURLOPT_URL, url) != CURLE_OK;
	bad |= c->socket && curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "fluxgatectl/" FLUXGATE_VERSION);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->detail);
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	if (s->take) {
		curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(c->easy, CURLOPT_LOW_SPEED_TIME, SILENCE_SECONDS);
	} else {
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT, ANSWER_SECONDS);
	}
	if (ctl->options.value[OPTION_CACERT])
		curl_easy_setopt(c->easy, CURLOPT_CAINFO, ctl->options.value[OPTION_CACERT]);
	if (json)
		bad |= curl_easy_setopt(c->easy, CURLOPT_COPYPOSTFIELDS, json) != CURLE_OK;
	bad |= curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method) != CURLE_OK;
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, s);
	CURLcode result = bad ? CURLE_OUT_OF_MEMORY : perform(c);
	curl_slist_free_all(headers);
	free(url);
	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &s->response->status);
	s->response->problem = is_type(c->easy, "application/problem+json");
	if (c->interrupted)
		return CTL_LOCAL;
	if (s->take && s->response->status == 200 && !is_stream(c->easy))
		return ctl_fail(
			ctl, CTL_SERVER, "%s: no stream of events: is that a sensor?", c->where);
	return result == CURLE_OK || s->ended ? CTL_OK : refuse(ctl, result, s);
}

int client_ask(struct ctl *ctl, const char *method, const struct path *p, const char *json,
	struct response *r)
{
	struct sink s = {.response = r};

	return request(ctl, method, p, json, &s);
}

int client_stream(struct ctl *ctl, const struct path *p,
	bool (*take)(void *ctx, const char *data, size_t len), void *ctx, struct response *r)
{
	struct sink s = {.response = r, .take = take, .ctx = ctx};

	return request(ctl, "GET", p, NULL, &s);
}
