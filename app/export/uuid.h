/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

/* UUIDs by name (RFC 9562 section 5.5): the same name, the same UUID, on any machine. */

#define UUID_TEXT_MAX 37u

/* Of the name `kind` ":" `name` in a namespace of this program's own. */
void uuid_of(const char *kind, const char *name, char text[UUID_TEXT_MAX]);
