/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone.h"

/* DNS messages (RFC 1035) with EDNS(0) (RFC 6891), names compressed as servers do. */

#define MESSAGE_OCTETS 1400 /* room the caller gives; no message made here is longer */

struct message_head {
	uint16_t id;
	bool authoritative; /* an authority answers (AA), not a resolver (RD, RA) */
	bool nsid;          /* name server identifier asked for and given (RFC 5001) */
	bool bare;          /* a response is a header and no more */
	uint64_t case_bits; /* 0: lower case; else where the case of the question is mixed ("0x20")
			     */
};

/* Both write to out and return the length in octets. */
size_t message_query(
	uint8_t *out, const struct message_head *head, const struct question *question);

/*
 * count answers, the first to the question and each further one to the alias target of the one
 * before; servers may be NULL.
 */
size_t message_response(uint8_t *out, const struct message_head *head,
	const struct question *question, const struct answer *answers, uint32_t count,
	const struct server_set *servers);
