/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "AS64496" or "64496", of len octets without a NUL; 0 for anything else. */
uint32_t asn_parse(const char *text, size_t len);
