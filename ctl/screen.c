/* SPDX-License-Identifier: BSD-3-Clause */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "screen.h"
#include "text.h"

#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct {
	struct termios before;
	bool keys; /* standard input is a terminal, set up by us */
	int signals, events;
	int ended_by;
} screen;

static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP};

static sigset_t caught_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaddset(&set, caught[i]);
	return set;
}

static void enter(void)
{
	struct termios raw = screen.before;

	if (screen.keys) {
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	fputs(ENTER, stdout);
	fflush(stdout);
}

static void leave(void)
{
	fputs(LEAVE, stdout);
	fflush(stdout);
	if (screen.keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.before);
}

static int watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(screen.events, EPOLL_CTL_ADD, fd, &event);
}

int screen_open(void)
{
	sigset_t set = caught_set();

	screen.keys = tcgetattr(STDIN_FILENO, &screen.before) == 0;
	screen.ended_by = 0;
	screen.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	screen.events = epoll_create1(EPOLL_CLOEXEC);
	if (screen.signals < 0 || screen.events < 0 || watch(screen.signals) < 0 ||
		(screen.keys && watch(STDIN_FILENO) < 0))
		return -errno;
	sigprocmask(SIG_BLOCK, &set, NULL);
	enter();
	return 0;
}

void screen_close(void)
{
	sigset_t set = caught_set();

	leave();
	close(screen.events);
	close(screen.signals);
	if (screen.ended_by) {
		signal(screen.ended_by, SIG_DFL);
		raise(screen.ended_by);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static enum screen_event signal_take(void)
{
	struct signalfd_siginfo info;

	if (read(screen.signals, &info, sizeof(info)) != sizeof(info))
		return SCREEN_TIME;
	switch (info.ssi_signo) {
	case SIGINT:
		return SCREEN_QUIT;
	case SIGWINCH:
		return SCREEN_REDRAW;
	case SIGTSTP:
		leave();
		raise(SIGSTOP);
		enter();
		return SCREEN_REDRAW;
	default:
		screen.ended_by = (int)info.ssi_signo;
		return SCREEN_SIGNAL;
	}
}

static enum screen_event key_take(void)
{
	char key[64];
	ssize_t n = read(STDIN_FILENO, key, sizeof(key));

	if (n <= 0)
		return SCREEN_QUIT; /* the terminal went */
	if (memchr(key, 'q', (size_t)n) || memchr(key, 'Q', (size_t)n))
		return SCREEN_QUIT;
	return memchr(key, ' ', (size_t)n) ? SCREEN_REFRESH : SCREEN_TIME;
}

enum screen_event screen_wait(int milliseconds)
{
	struct pollfd fds[2] = {{.fd = screen.signals, .events = POLLIN},
		{.fd = screen.keys ? STDIN_FILENO : -1, .events = POLLIN}};

	if (poll(fds, 2, milliseconds) <= 0)
		return SCREEN_TIME;
	return fds[0].revents ? signal_take() : key_take();
}

int screen_fd(void)
{
	return screen.events;
}

void screen_size(unsigned *columns, unsigned *rows)
{
	struct winsize size;

	*columns = 80;
	*rows = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}

void screen_draw(const char *text)
{
	unsigned columns, rows;

	screen_size(&columns, &rows);
	fputs("\033[H", stdout);
	for (unsigned row = 0; row < rows && *text; row++) {
		size_t n = strcspn(text, "\n");

		printf("%s%.*s\033[0m\033[K", row ? "\n" : "", (int)text_cut(text, n, columns),
			text);
		text += n + (text[n] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}
