"""Mapping 1.0 against a hand-written function with the same results on the same decoded records, interleaved in one run.

python -m bench.mapping [--records 100000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.engine.ports import Operation, Scope
from fairlead.mapping.compiler import MappingCompiler
from fairlead.templates.compiler import TemplateCompiler

console = Console()

MODEL: dict[str, Any] = {
    "mapping": {
        "fields": [
            {"extract": "id", "generate": "key"},
            {"extract": "customer.name", "generate": "name"},
            {"extract": "customer.address.city", "generate": "address.city"},
            {"extract": "note", "generate": "note", "default": "none"},
            {"extract": "missing", "generate": "left.out"},
            {"generate": "source", "hardCodedValue": "bench"},
        ]
    }
}


def records(count: int) -> list[dict[str, Any]]:
    """Records with nested members, one of which is missing in every third."""
    made = []
    for number in range(count):
        record = {"id": number, "customer": {"name": f"n{number}", "address": {"city": "Oslo"}}, "note": ""}
        if number % 3 == 0:
            del record["note"]
        made.append(record)
    return made


def by_hand(record: dict[str, Any]) -> dict[str, Any]:
    """The same mapping as somebody would write it."""
    result: dict[str, Any] = {}
    if "id" in record:
        result["key"] = record["id"]
    customer = record.get("customer")
    if isinstance(customer, dict):
        if "name" in customer:
            result["name"] = customer["name"]
        address = customer.get("address")
        if isinstance(address, dict) and "city" in address:
            result.setdefault("address", {})["city"] = address["city"]
    note = record.get("note")
    result["note"] = "none" if note in (None, "", [], {}) else note
    if "missing" in record:
        result.setdefault("left", {})["out"] = record["missing"]
    result["source"] = "bench"
    return result


def seconds(apply: Callable[[dict[str, Any]], Any], data: list[dict[str, Any]]) -> float:
    """Time of one pass."""
    started = time.perf_counter()
    for record in data:
        apply(record)
    return time.perf_counter() - started


def main(count: int, rounds: int) -> None:
    """Print the table."""
    mapper = MappingCompiler(TemplateCompiler()).compile(MODEL)
    scope = Scope({}, datetime.now(UTC))
    data = records(count)

    def ours(record: dict[str, Any]) -> Any:
        return mapper.map(record, Operation.CREATE, scope)

    assert all(ours(record) == by_hand(record) for record in data[:100])
    figures: dict[str, list[float]] = {"by hand": [], "mapping 1.0": []}
    for _ in track(range(rounds), "measuring", console=console):
        figures["by hand"].append(seconds(by_hand, data))
        figures["mapping 1.0"].append(seconds(ours, data))
    table = Table("6 fields", "microseconds a record, median", "least", "most")
    for name, found in figures.items():
        table.add_row(name, *(f"{f / count * 1e6:.2f}" for f in (statistics.median(found), min(found), max(found))))
    console.print(table)
    ratio = statistics.median(figures["by hand"]) / statistics.median(figures["mapping 1.0"])
    console.print(f"ratio of the medians: {ratio:.2f} of the hand-written function's throughput")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    main(options.records, options.rounds)
