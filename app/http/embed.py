#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make C of files that the program serves: embed.py OUT.c FILE...

FILE.EXT becomes `const struct embedded_file embedded_FILE_EXT` of embedded.h; those of a folder
`schema` stand in its embedded_schemas by their names.
"""

import base64
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


def sources(octets, element):
    """The hashes of what stands in such elements, as Content-Security-Policy names them."""
    found = re.findall(rb"<%s\b[^>]*>(.*?)</%s>" % (element, element), octets, re.S)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
                    for text in found)


def policy(path, octets):
    """A page runs what stands in it and nothing else, asks its own origin, and is framed by none."""
    if path.suffix != ".html":
        return "NULL"
    rules = [
        "default-src 'none'", f"script-src {sources(octets, b'script')}",
        f"style-src {sources(octets, b'style')}", "connect-src 'self'", "img-src 'self' data:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
    return f'"{"; ".join(rules)}"'


def identifier(path):
    return re.sub(r"\W", "_", path.name)


def is_schema(path):
    return path.parent.name == "schema"


def definition(path):
    octets = path.read_bytes()
    name = identifier(path)
    lines = (", ".join(map(str, octets[i : i + 24])) for i in range(0, len(octets), 24))
    return f"""
static const unsigned char octets_{name}[] = {{
	{SEPARATOR.join(lines)},
}};
{"static " if is_schema(path) else ""}const struct embedded_file embedded_{name} = {{
	.content_type = "{CONTENT_TYPES[path.suffix]}",
	.octets = octets_{name},
	.len = sizeof(octets_{name}),
	.etag = "\\"{hashlib.sha256(octets).hexdigest()[:16]}\\"",
	.policy = {policy(path, octets)},
}};
"""


def main():
    out, *files = map(pathlib.Path, sys.argv[1:])
    head = '/* SPDX-License-Identifier: BSD-3-Clause */\n#include "http/embedded.h"\n'
    rows = "".join(f'\t{{"{path.name}", &embedded_{identifier(path)}}},\n'
                   for path in filter(is_schema, files))
    table = f"\nconst struct embedded_name embedded_schemas[] = {{\n{rows}\t{{NULL, NULL}},\n}};\n"
    out.write_text(head + "".join(map(definition, files)) + table)


if __name__ == "__main__":
    main()
