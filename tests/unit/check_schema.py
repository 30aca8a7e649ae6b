#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold answers against docs/schema.

    check_schema.py SCHEMAS ANSWERS...

ANSWERS is a directory with answers as <schema>.json or <schema>-<anything>.json,
or programs that leave one for each schema in the directory $FLUXGATE_ANSWERS. Members that a
schema does not name are errors here, though clients must pass over them: what
the program says and what the schema says are to be the same.
"""

import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)


def load(directory, name):
    """A schema with what it refers to put in its place, closed to members it does not name."""

    def resolve(node, part_of_all=False):
        if isinstance(node, list):
            return [resolve(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            file, _, pointer = node["$ref"].partition("#")
            target = json.loads((directory / file).read_text())
            for step in filter(None, pointer.split("/")):
                target = target[step]
            return resolve(target, part_of_all)
        whole = {
            key: [resolve(item, True) for item in value] if key == "allOf" else resolve(value)
            for key, value in node.items()
        }
        if "properties" in node and isinstance(node.get("required"), list) and not part_of_all:
            whole["unevaluatedProperties"] = False
        return whole

    return resolve(json.loads((directory / f"{name}.json").read_text()))


def check(directory, answers, all_schemas):
    schemas = {p.stem: load(directory, p.stem) for p in directory.glob("*.json")}
    unused = set(schemas)
    errors = []
    for path in sorted(answers.glob("*.json")):
        name = path.stem.split("-")[0]
        if name not in schemas:
            errors.append(f"{path.name}: no schema of that name")
            continue
        Draft202012Validator.check_schema(schemas[name])
        validator = Draft202012Validator(schemas[name])
        answer = json.loads(path.read_text())
        for error in validator.iter_errors(answer):
            errors.append(f"{path.name}: {error.json_path}: {error.message}")
        # A schema that admits anything would be no check.
        for wrong in [dict(answer, unknown=1)] + [without(answer, key) for key in answer]:
            if validator.is_valid(wrong):
                errors.append(f"{path.name}: the schema admits {sorted(wrong)}")
        unused.discard(name)
    if all_schemas:
        errors += [f"{name}: no answer to check" for name in sorted(unused)]
    return errors


def without(answer, key):
    rest = copy.copy(answer)
    del rest[key]
    return rest


def main():
    directory, *sources = map(pathlib.Path, sys.argv[1:])
    if sources[0].is_dir():
        errors = check(directory, sources[0], all_schemas=False)
    else:
        with tempfile.TemporaryDirectory() as made:
            for program in sources:
                subprocess.run(
                    [program.resolve()],
                    env=dict(os.environ, FLUXGATE_ANSWERS=made),
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
            errors = check(directory, pathlib.Path(made), all_schemas=True)
    print("\n".join(errors) if errors else "every answer agrees with its schema")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
