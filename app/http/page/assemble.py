#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Put the page together: assemble.py OUT.html INDEX.html STYLE.css SCRIPT.js...

Style and scripts, in this order, take the places that the index has for them.
"""

import pathlib
import sys

STYLE, SCRIPT = "/* style.css */", "/* script.js */"


def main():
    out, index, style, *scripts = map(pathlib.Path, sys.argv[1:])
    page = index.read_text(encoding="utf-8")
    script = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    assert page.count(STYLE) == page.count(SCRIPT) == 1, f"{index}: no place for style or script"
    assert "</script" not in script and "</style" not in style.read_text(encoding="utf-8")
    page = page.replace(STYLE, f"\n{style.read_text(encoding='utf-8')}")
    out.write_text(page.replace(SCRIPT, f"\n{script}"), encoding="utf-8")


if __name__ == "__main__":
    main()
