/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * What the process takes of the machine, under the names that Prometheus' own
 * libraries use (process_cpu_seconds_total and so on), from /proc/self. What
 * cannot be read is left out.
 */

#include <stdio.h>

void process_text(FILE *f);
