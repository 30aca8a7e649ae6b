/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The terminal while `top` has it: the other screen, no cursor, no echo, and
 * signals as events, so that it is given back as it was however that ends.
 */

#include <stdbool.h>

enum screen_event {
	SCREEN_TIME,    /* nothing came in time */
	SCREEN_QUIT,    /* q, or SIGINT */
	SCREEN_REFRESH, /* the space bar */
	SCREEN_REDRAW,  /* another size, or back from a stop */
	SCREEN_SIGNAL,  /* another signal that ends it: see screen_close */
};

/* 0 or -errno; nothing is to be undone then. */
int screen_open(void);

/* Gives the terminal back; ends the program by the signal that asked for it, if one did. */
void screen_close(void);

/* Waits at most so many milliseconds for an event. */
enum screen_event screen_wait(int milliseconds);

/* Becomes readable when there is an event. */
int screen_fd(void);

void screen_size(unsigned *columns, unsigned *rows);

/* Draws text of whole lines, cut to the screen. */
void screen_draw(const char *text);
