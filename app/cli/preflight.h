/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What `run` looks at before the EAL starts, where the EAL would refuse in words that
 * name no remedy, or not name the cause at all. fluxgate doctor looks at more.
 */

#include "config/config.h"

/* An exit code, and one line in err if it is not EXIT_CODE_OK. Opens nothing. */
int preflight(const struct config *c, char err[ERROR_LINE_MAX]);
