"""Every published request and answer, as data; and the comparison by inclusion that they ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "examples"
BLANKED: Final = "123ab456c789de1011fg12h13i"
"""What the publisher put in the place of ids."""

GENERATED: Final = frozenset({"_id", "lastModified", "createdAt", "issuedAt", "sig", "_userId"})


def load(name: str) -> dict[str, Any]:
    """One example."""
    example: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return example


def names(prefix: str) -> list[str]:
    """Names of the examples that start so, in order of their number."""
    found = (path.stem for path in FOLDER.glob(f"{prefix}-*.json"))
    return sorted(found, key=lambda name: int(name.split("-")[1]))


def tree_of(settings: dict[str, Any]) -> dict[str, Any]:
    """Dotted settings as a nested document."""
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        node = tree
        *parents, last = path.split(".")
        for step in parents:
            node = node.setdefault(step, {})
        node[last] = value
    return tree


def missing(sample: Any, answer: Any, path: str = "") -> list[str]:
    """Where ``answer`` lacks or contradicts a member of ``sample``; ids, dates and signatures must be there, whatever they are."""
    if isinstance(sample, dict):
        if not isinstance(answer, dict):
            return [path]
        found = []
        for name, value in sample.items():
            where = f"{path}.{name}"
            if name not in answer:
                found.append(where)
            elif name not in GENERATED:
                found += missing(value, answer[name], where)
        return found
    if isinstance(sample, list):
        if not isinstance(answer, list) or len(answer) != len(sample):
            return [path]
        return [
            hit
            for n, (one, two) in enumerate(zip(sample, answer, strict=True))
            for hit in missing(one, two, f"{path}.{n}")
        ]
    if sample == BLANKED:
        return [] if answer else [path]
    return [] if sample == answer and type(sample) is type(answer) else [f"{path}: {answer!r} is not {sample!r}"]
