"""Filters against hand-written functions with the same results on the same decoded records, interleaved in one run.

python -m bench.filters [--records 100000] [--rounds 7]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.domain.jsonvalue import dumps, loads
from fairlead.engine.ports import Scope
from fairlead.mapping.filters import compile_filter
from fairlead.templates.compiler import TemplateCompiler

console = Console()

SCOPE = Scope({"settings": {"flow": {"min": 10}}}, datetime.now(UTC))
Passes = Callable[[Any], bool]


def records(count: int) -> list[Any]:
    """Records with nested members, numbers as digits and as text, each of them missing now and then."""
    made = []
    for number in range(count):
        record: dict[str, Any] = {
            "status": "Open" if number % 4 else "Closed",
            "qty": number % 40,
            "text": str(number % 40),
            "price": number % 40 + 0.5,
            "customer": {"mail": f"c{number}@x.test"} if number % 7 else {},
        }
        if number % 5 == 0:
            del record["qty"]
        made.append(record)
    decoded: list[Any] = loads(dumps(made))
    return decoded


def _mail(record: Any) -> bool:
    customer = record.get("customer")
    mail = customer.get("mail") if isinstance(customer, dict) else None
    return mail not in (None, "", [], {})


def plain(record: Any) -> bool:
    """A text, a number and a member that is there, as somebody would write it who knows the data."""
    qty = record.get("qty")
    return record.get("status") == "Open" and isinstance(qty, int) and qty > 9 and _mail(record)


def digits(record: Any) -> bool:
    """The same on a decimal, which is decoded to its digits."""
    price = record.get("price")
    if isinstance(price, Raw):
        price = float(bytes(price))
    return record.get("status") == "Open" and isinstance(price, int | float) and price > 9.5 and _mail(record)


def settings(record: Any) -> bool:
    """The same on numeric text, against a setting."""
    if record.get("status") != "Open" or not _mail(record):
        return False
    text = record.get("text")
    try:
        qty = float(text) if text is not None else None
    except ValueError:
        return False
    least = SCOPE.context["settings"]["flow"]["min"]
    return qty is not None and qty > least


_OPEN = ["equals", ["extract", "status"], "Open"]
_MAIL = ["notempty", ["extract", "customer.mail"]]
CASES: dict[str, tuple[Passes, list[Any]]] = {
    "text, number, member": (plain, ["and", _OPEN, ["greaterthan", ["number", ["extract", "qty"]], 9], _MAIL]),
    "text, decimal, member": (digits, ["and", _OPEN, ["greaterthan", ["extract", "price"], Raw(b"9.5")], _MAIL]),
    "text, member, numeric text and setting": (
        settings,
        ["and", _OPEN, _MAIL, ["greaterthan", ["number", ["extract", "text"]], ["settings", "flow.min"]]],
    ),
}


def seconds(passes: Passes, data: list[Any]) -> float:
    """Time of one pass."""
    started = time.perf_counter()
    for record in data:
        passes(record)
    return time.perf_counter() - started


def compiled(rules: list[Any]) -> Passes:
    """The filter, as a function of the record alone."""
    made = compile_filter({"expression": {"rules": dumps(rules)}}, "filter", TemplateCompiler())
    passes, scope = made.passes, SCOPE

    def ours(record: Any) -> bool:
        return passes(record, scope)

    return ours


def main(count: int, rounds: int) -> None:
    """Print the table."""
    data = records(count)
    table = Table(
        "3 conditions", "by hand, microseconds a record", "filter", "ratio of the medians", "least ratio of a round"
    )
    for name, (by_hand, rules) in CASES.items():
        ours = compiled(rules)
        assert all(ours(record) == by_hand(record) for record in data)
        times: list[tuple[float, float]] = []
        for _ in track(range(rounds), name, console=console):
            times.append((seconds(by_hand, data), seconds(ours, data)))  # noqa: PERF401  # the rounds stay interleaved
        hand, filtered = (statistics.median(column) for column in zip(*times, strict=True))
        least = min(one / other for one, other in times)
        figures = (
            f"{hand / count * 1e6:.3f}",
            f"{filtered / count * 1e6:.3f}",
            f"{hand / filtered:.2f}",
            f"{least:.2f}",
        )
        table.add_row(name, *figures)
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    main(options.records, options.rounds)
