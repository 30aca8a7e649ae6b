/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "networks.h"
#include "options.h"

/*
 * Writes options->out and, where wanted, options->truth. Returns 0 or -errno, with the file that
 * failed in *where; a capture that could not be finished is removed.
 */
int generate(const struct options *options, const struct network_plan *plan, const char **where);
