/* SPDX-License-Identifier: BSD-3-Clause */

#include <rte_errno.h>

#include "datapath/meta.h"

int frame_meta_offset = -1;

int frame_meta_register(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "fluxgate_frame_meta",
		.size = sizeof(struct frame_meta),
		.align = __alignof__(struct frame_meta),
	};

	frame_meta_offset = rte_mbuf_dynfield_register(&field);
	return frame_meta_offset < 0 ? -rte_errno : 0;
}
