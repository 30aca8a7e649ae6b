/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "fluxloss/loss.h"

/* Both to standard output; the JSON is bench/loss.schema.json. */
void report_json(const struct loss_config *config, const struct loss_result *r);
void report_table(const struct loss_config *config, const struct loss_result *r);

/* Why the run has failed; NULL when it has not. */
const char *report_wrong(const struct loss_config *config, const struct loss_result *r);
