/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "render.h"
#include "screen.h"
#include "top.h"

#define LOOK_MS 1000
#define ONCE_MS 15000
#define DOMAINS_MOST 1000u
#define DOMAINS_PLAIN 20u

struct top {
	struct ctl *ctl;
	struct looks looks;
	int delay_ms; /* 0: with each epoch */
	bool screen;
	bool lost; /* the last look failed: ctl->error says why */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 0.1 to 3600 seconds into milliseconds, or -1. */
static int delay_parse(const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.1 && seconds <= 3600))
		return -1;
	return (int)(seconds * 1000);
}

static int picture(struct top *t, unsigned rows, char **text)
{
	size_t len;
	struct out o = t->ctl->out;

	o.to = open_memstream(text, &len);
	if (!o.to)
		return ctl_no_memory(t->ctl);
	if (t->lost) {
		out_print(&o, STYLE_BAD, "%s", t->ctl->error);
		fputc('\n', o.to);
		rows -= rows > 1;
	}
	int rc = render_top(&o, &t->looks, rows);
	fclose(o.to);
	return rc ? ctl_no_memory(t->ctl) : CTL_OK;
}

static int draw(struct top *t)
{
	unsigned columns, rows;
	char *text = NULL;

	screen_size(&columns, &rows);
	int rc = picture(t, rows, &text);
	if (rc == CTL_OK) {
		screen_draw(text);
		rc = ctl_flush(t->ctl);
	}
	free(text);
	return rc;
}

static int print(struct top *t)
{
	char *text = NULL;
	int rc = picture(t, 0, &text);

	if (rc == CTL_OK) {
		fputs(text, t->ctl->out.to);
		rc = ctl_flush(t->ctl);
	}
	free(text);
	return rc;
}

/* What failed now may go well later, once it went well; but what the command line got wrong. */
static int look(struct top *t, unsigned domains)
{
	int rc = looks_take(t->ctl, &t->looks, domains);

	if (client_interrupted(t->ctl->client))
		return CTL_OK;
	t->lost = rc == CTL_CONNECT || rc == CTL_SERVER || rc == CTL_NOT_READY;
	return t->lost && t->looks.now.stats ? CTL_OK : rc;
}

static int watch(struct top *t)
{
	int64_t due = now_ms();
	unsigned columns, rows;
	bool lost = false;
	int rc = CTL_OK;

	client_interrupt(t->ctl->client, screen_fd());
	while (rc == CTL_OK) {
		int64_t left = due - now_ms();
		enum screen_event event = screen_wait(left > 0 ? (int)left : 0);

		if (event == SCREEN_QUIT || event == SCREEN_SIGNAL)
			break;
		if (event == SCREEN_REDRAW && t->looks.now.stats)
			rc = draw(t);
		if (event != SCREEN_REFRESH && now_ms() < due)
			continue;
		screen_size(&columns, &rows);
		rc = look(t, rows < DOMAINS_MOST ? rows : DOMAINS_MOST);
		if (client_interrupted(t->ctl->client))
			continue;
		due = now_ms() + (t->delay_ms ? t->delay_ms : LOOK_MS);
		if (rc == CTL_OK && (t->looks.fresh || t->delay_ms || t->lost || lost))
			rc = draw(t);
		lost = t->lost;
	}
	return rc;
}

/* The first look comes before the screen changes: its error is told on the other one. */
static int live(struct top *t)
{
	int rc = look(t, DOMAINS_PLAIN);

	if (rc)
		return rc;
	int error = screen_open();
	if (error)
		return ctl_fail(t->ctl, CTL_LOCAL, "top: terminal: %s", strerror(-error));
	rc = draw(t);
	if (rc == CTL_OK)
		rc = watch(t);
	screen_close();
	return rc;
}

static void wait_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Blocks of text: one, or one with each epoch until somebody ends it. */
static int plain(struct top *t)
{
	bool once = t->ctl->options.value[OPTION_ONCE];
	int rc = look(t, DOMAINS_PLAIN);
	int64_t deadline = now_ms() + (t->delay_ms ? t->delay_ms : ONCE_MS);

	/* Rates need a second look, which in a replay brings nothing new. */
	while (rc == CTL_OK && once && !t->looks.before.stats && now_ms() < deadline &&
		strcmp(member_text(t->looks.now.status, "mode"), "replay") != 0) {
		wait_ms(LOOK_MS / 4);
		rc = look(t, DOMAINS_PLAIN);
	}
	if (rc == CTL_OK)
		rc = print(t);
	while (rc == CTL_OK && !once) {
		wait_ms(t->delay_ms ? t->delay_ms : LOOK_MS);
		rc = look(t, DOMAINS_PLAIN);
		if (t->lost)
			fprintf(stderr, "fluxgatectl: %s\n", t->ctl->error);
		else if (rc == CTL_OK && (t->looks.fresh || t->delay_ms)) {
			fputc('\n', t->ctl->out.to);
			rc = print(t);
		}
	}
	return rc;
}

int command_top(struct ctl *ctl)
{
	const char *delay = ctl->options.value[OPTION_DELAY];
	struct top t = {.ctl = ctl};
	int rc;

	if (delay)
		t.delay_ms = delay_parse(delay);
	if (t.delay_ms < 0)
		return ctl_fail(ctl, CTL_USAGE, "--delay: %.40s: seconds, 0.1 to 3600", delay);
	rc = !ctl->options.value[OPTION_ONCE] && isatty(fileno(ctl->out.to)) ? live(&t) : plain(&t);
	looks_free(&t.looks);
	return rc;
}
