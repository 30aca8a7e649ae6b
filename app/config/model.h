/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * The model's file, JSON: "about" (a text), "intercept", "threshold" and "terms", a list of
 * objects with "feature", "transform" (linear, log1p), "low", "high", "sign" (raises, lowers)
 * and "weight", whose sign must be that. docs/detection.md, "A model beside the rules".
 */

#include "cli/exit.h"
#include "detect/model.h"

/* 0; or -errno and one line in err, with *m as it was. */
int model_read(struct model *m, const char *path, char err[ERROR_LINE_MAX]);
