/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Where DNS messages begin in a stream whose start was not seen: each stands behind two
 * octets of its length (RFC 1035, 4.2.2).
 */

#include <stdbool.h>
#include <stdint.h>

/* A header that cannot be of DNS: no such operation, or a length that holds none. n >= 2. */
bool framing_is_nonsense(const uint8_t *p, uint32_t n);

/*
 * Do these octets start a message? As far as they show: one question, and no more records than
 * the length has room for. By chance one in a million does.
 */
bool framing_starts_message(const uint8_t *p, uint32_t n);

/*
 * Octets of the messages that lie whole in n octets; *nonsense when what follows is none.
 * *unsure: the start was guessed, and more octets may show that it is none; cleared by a message.
 */
uint32_t framing_whole(bool *unsure, const uint8_t *p, uint32_t n, bool *nonsense);
