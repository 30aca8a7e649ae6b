/* SPDX-License-Identifier: BSD-3-Clause */

#include <rte_errno.h>

#include "datapath/meta.h"

size_t frame_meta_offset;

int frame_meta_register(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "fluxgate_frame_meta",
		.size = sizeof(struct frame_meta),
		.align = __alignof__(struct frame_meta),
	};

	int offset = rte_mbuf_dynfield_register(&field);
	if (offset < 0)
		return -rte_errno;
	frame_meta_offset = (size_t)offset;
	return 0;
}
