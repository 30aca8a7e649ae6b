/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

#include "control/snapshot.h"

/*
 * What a replay prints for a person: counts, then each flagged domain with its
 * reasons in words. Names are in canonical presentation, so no octet of a
 * capture reaches the terminal as a control.
 */
void table_print(FILE *to, const struct snapshot *s);
