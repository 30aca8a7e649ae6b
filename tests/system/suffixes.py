# SPDX-License-Identifier: BSD-3-Clause
"""Registered domains by the public suffix list, plainly: what the program is compared with."""

import pathlib

LIST = pathlib.Path("/usr/share/publicsuffix/public_suffix_list.dat")


def load(path=LIST):
    """A function from a host name (lower case, no trailing dot) to its registered domain; a name
    that is itself a public suffix stays as it is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rules = {ascii_of(line.split()[0]) for line in lines if line and not line.startswith("//")}

    def registered(name):
        labels = name.split(".")
        for at in range(len(labels)):
            here, above = ".".join(labels[at:]), ".".join(["*", *labels[at + 1:]])
            if "!" + here in rules:
                return here
            if here in rules or above in rules or at == len(labels) - 1:
                return ".".join(labels[max(0, at - 1):])
        return name

    return registered


def ascii_of(rule):
    mark = "!" if rule.startswith("!") else ""
    return mark + ".".join(label if label == "*" else label.encode("idna").decode()
                           for label in rule.removeprefix("!").split("."))
