/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fluxbench/stages.h"

/* Both to standard output; the JSON is a row of bench/results.schema.json. */
void report_json(const struct bench_config *config, const struct bench_result *r);
void report_table(const struct bench_config *config, const struct bench_result *r);
