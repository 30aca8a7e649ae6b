/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/*
 * Events as they come: the body of /api/v1/events/stream (Server-Sent Events).
 *
 * A stream is a connection that the library asks for octets. It renders what fits, from the
 * snapshot that hangs there then, and holds one record of text and no snapshot between two
 * askings; with nothing to say it is suspended, and one thread for all streams lets them go
 * on when a snapshot is published or a heartbeat is due. Who reads too slowly is cut off by
 * the server's time limit, or when the events that it waits for are not held any more. With
 * other tokens in force it sends nothing more, and ends at the latest with the next heartbeat.
 */

#include <stdint.h>

#include <microhttpd.h>

#include "control/snapshot.h"
#include "http/access.h"

#define STREAM_CONTENT_TYPE "text/event-stream"
#define STREAM_HEARTBEAT_SECONDS 15u
#define STREAM_RETRY_SECONDS 15u /* after which a stream that was refused may be tried again */

struct streams;

/*
 * At most `max` at a time; `board` and `access` (NULL is allowed) outlive them. NULL when out of
 * memory or threads.
 */
struct streams *streams_start(
	struct snapshot_board *board, const struct access *access, unsigned max);

/* Ends all streams, for at most a second. Before MHD_stop_daemon. */
void streams_stop(struct streams *streams);

/* After MHD_stop_daemon. NULL is allowed. */
void streams_free(struct streams *streams);

/*
 * A response that goes on from the event `next`; its connection counts as a stream until the
 * library lets go of it, and it ends when other tokens come in force than those of the
 * generation `tokens` (http/access.h). NULL when there are too many, or out of memory.
 */
struct MHD_Response *stream_open(
	struct streams *streams, struct MHD_Connection *connection, uint64_t next, uint32_t tokens);
