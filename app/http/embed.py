#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make C of files that the program serves: embed.py OUT.c FILE...

FILE.EXT becomes `const struct embedded_file embedded_FILE_EXT` of embedded.h.
"""

import hashlib
import pathlib
import re
import sys

SEPARATOR = ",\n\t"
CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


def definition(path):
    octets = path.read_bytes()
    name = re.sub(r"\W", "_", path.name)
    lines = (", ".join(map(str, octets[i : i + 24])) for i in range(0, len(octets), 24))
    return f"""
static const unsigned char octets_{name}[] = {{
	{SEPARATOR.join(lines)},
}};
const struct embedded_file embedded_{name} = {{
	.content_type = "{CONTENT_TYPES[path.suffix]}",
	.octets = octets_{name},
	.len = sizeof(octets_{name}),
	.etag = "\\"{hashlib.sha256(octets).hexdigest()[:16]}\\"",
}};
"""


def main():
    out, *files = map(pathlib.Path, sys.argv[1:])
    head = '/* SPDX-License-Identifier: BSD-3-Clause */\n#include "http/embedded.h"\n'
    out.write_text(head + "".join(map(definition, files)))


if __name__ == "__main__":
    main()
