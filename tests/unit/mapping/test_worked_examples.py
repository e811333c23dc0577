"""Every worked example of exports-imports.md 10.5, exactly: key order and digits included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fairlead.engine.ports import MappingError, Operation
from tests.unit.mapping.support import mapped

EXAMPLES = json.loads(Path(__file__).with_name("worked_examples.json").read_text())


def test_the_table_is_complete() -> None:
    """The table holds all 38 examples."""
    assert [example["number"] for example in EXAMPLES] == list(range(1, 39))


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{e['number']}-{e['title'][:30]}" for e in EXAMPLES])
def test_worked_example(example: dict[str, Any]) -> None:
    """The record comes out as the reference prints it, or fails with the code and source that it names."""
    record = json.dumps(example["in"])
    operation = Operation(example.get("operation", "create"))
    lookups = example.get("lookups", [])
    if "fails" in example:
        with pytest.raises(MappingError) as caught:
            mapped(record, example["mapping"], operation, lookups=lookups)
        assert [caught.value.code, caught.value.source] == example["fails"]
    else:
        assert mapped(record, example["mapping"], operation, lookups=lookups) == example["out"]
