/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * How the client ends. Scripts and monitoring tell by these codes what is the
 * matter; they are part of the interface (fluxgatectl(1), EXIT STATUS).
 */
enum ctl_exit {
	CTL_OK = 0,
	CTL_LOCAL = 1,        /* this machine: out of memory, a file that could not be written */
	CTL_USAGE = 2,        /* command line, or a value that the sensor refuses */
	CTL_CONNECT = 3,      /* nobody answers, or nobody that can be trusted */
	CTL_NOT_FOUND = 4,    /* not flagged, not known, no such route, no longer held */
	CTL_UNAUTHORISED = 5, /* a token is missing or has not the right */
	CTL_DEGRADED = 6,     /* `status`: it works, restricted, or refused its reload */
	CTL_SERVER = 7,       /* the sensor failed, or what answers is none */
	CTL_NOT_READY = 8,    /* the first epoch is not in, or it is busy: ask again */
};
