"""Every worked example of exports-imports.md 10.5 and 11, exactly: key order and digits included. A new one is a row of the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairlead.engine.ports import MappingError, Operation
from tests.unit.mapping.support import mapped

EXAMPLES = json.loads(Path(__file__).with_name("worked_examples.json").read_text())
COUNTS = {"10.5": 38, "11": 12}


@pytest.mark.parametrize("chapter", COUNTS)
def test_the_table_is_complete(chapter: str) -> None:
    """The table holds all examples of the chapter."""
    numbers = [example["number"] for example in EXAMPLES if example["chapter"] == chapter]
    assert numbers == list(range(1, COUNTS[chapter] + 1))


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{e['chapter']}-{e['number']}-{e['title'][:30]}" for e in EXAMPLES])
def test_worked_example(example: dict[str, Any]) -> None:
    """The record comes out as the reference prints it, or fails with the code and source that it names."""
    record = json.dumps(example["in"])
    operation = Operation(example.get("operation", "create"))
    model = {name: example[name] for name in ("lookups", "mappings") if name in example}
    if "fails" in example:
        with pytest.raises(MappingError) as caught:
            mapped(record, example["mapping"], operation, **model)
        assert [caught.value.code, caught.value.source] == example["fails"]
    else:
        assert mapped(record, example.get("mapping", {}), operation, **model) == example["out"]
