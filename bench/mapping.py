"""Mapping against hand-written functions with the same results on the same decoded records, interleaved in one run.

python -m bench.mapping [--records 100000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.engine.ports import Operation, Scope
from fairlead.mapping.compiler import MappingCompiler
from fairlead.templates.compiler import TemplateCompiler

console = Console()
Record = dict[str, Any]
Apply = Callable[[Record], Any]

EMPTY: tuple[Any, ...] = (None, "", [], {})
COUNTRIES = {"Norway": "NO", "Japan": "JP"}
PLAIN = [f"p{number}" for number in range(18)]
NESTED = [f"n{number}" for number in range(6)]
LINE = ("sku", "qty", "price", "note", "unit")
PARCEL = ("carrier", "code", "weight", "note")

SIX: Record = {
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
FORTY: Record = {
    "lookups": [{"name": "country", "map": COUNTRIES, "allowFailures": True}],
    "mapping": {
        "fields": [
            *({"extract": name, "generate": f"out_{name}"} for name in PLAIN),
            *({"extract": f"customer.{name}", "generate": f"customer.out_{name}"} for name in NESTED),
            {"extract": "note", "generate": "note", "default": "none"},
            {"extract": "country", "generate": "iso", "lookupName": "country"},
            {"extract": "memo", "generate": "memo", "discardIfEmpty": True},
            {"extract": "id", "generate": "text", "dataType": "string"},
            {"generate": "source", "hardCodedValue": "bench"},
        ],
        "lists": [
            {
                "generate": "items",
                "fields": [
                    *({"extract": f"lines[*].{name}", "generate": f"item_{name}"} for name in LINE),
                    {"extract": "id", "generate": "order"},
                    {"generate": "type", "hardCodedValue": "goods"},
                ],
            },
            {
                "generate": "shipping.parcels",
                "fields": [
                    *({"extract": f"parcels[*].{name}", "generate": f"parcel_{name}"} for name in PARCEL),
                    {"extract": "customer.n0", "generate": "receiver"},
                    {"extract": "country", "generate": "country"},
                ],
            },
        ],
    },
}


def active(*entries: Record) -> list[Record]:
    """Entries of mapping 2.0."""
    return [{"status": "Active", "dataType": "string", **entry} for entry in entries]


TWO: Record = {
    "mappings": active(
        {"generate": "key", "dataType": "number", "extract": "$.id"},
        {"generate": "name", "extract": "$.customer.name"},
        {
            "generate": "address",
            "dataType": "object",
            "mappings": active(
                {"generate": "city", "extract": "$.customer.address.city"},
                {"generate": "source", "extract": "bench"},
            ),
        },
        {"generate": "note", "extract": "$.note", "default": "none"},
        {"generate": "out", "extract": "$.missing"},
        {
            "generate": "items",
            "dataType": "objectarray",
            "buildArrayHelper": [
                {
                    "extract": "$.lines[*]",
                    "mappings": active(
                        {"generate": "item", "extract": "$.lines.sku"},
                        {"generate": "quantity", "dataType": "number", "extract": "$.lines.qty"},
                        {"generate": "order", "dataType": "number", "extract": "$.id"},
                        {"generate": "unit", "extract": "$.lines.unit"},
                    ),
                }
            ],
        },
    )
}


def records(count: int) -> list[Record]:
    """Records with nested members and lists; some members are missing in every second or third."""
    made = []
    for number in range(count):
        record: Record = {"id": number, "note": "", "country": "Norway", "memo": None}
        record |= {name: f"{name} {number}" for name in PLAIN if number % 2 or name != "p3"}
        record["customer"] = {"name": f"n{number}", "address": {"city": "Oslo"}} | dict.fromkeys(NESTED, number)
        if number % 3 == 0:
            del record["note"], record["customer"]["n2"]
        record["lines"] = [{"sku": f"S{line}", "qty": line, "price": "9", "unit": "pc"} for line in range(3)]
        record["parcels"] = [{"carrier": "air", "code": f"C{number}", "weight": 7}, {"carrier": "sea", "note": "late"}]
        made.append(record)
    return made


def six_by_hand(record: Record) -> Record:
    """``SIX`` as somebody would write it."""
    result: Record = {}
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
    result["note"] = "none" if note in EMPTY else note
    if "missing" in record:
        result.setdefault("left", {})["out"] = record["missing"]
    result["source"] = "bench"
    return result


def forty_by_hand(record: Record) -> Record:
    """``FORTY`` as somebody would write it."""
    result: Record = {}
    for name in PLAIN:
        if name in record:
            result[f"out_{name}"] = record[name]
    customer = record.get("customer")
    if isinstance(customer, dict):
        for name in NESTED:
            if name in customer:
                result.setdefault("customer", {})[f"out_{name}"] = customer[name]
    note = record.get("note")
    result["note"] = "none" if note in EMPTY else note
    if record.get("country") in COUNTRIES:
        result["iso"] = COUNTRIES[record["country"]]
    if record.get("memo") not in EMPTY:
        result["memo"] = record["memo"]
    if "id" in record:
        result["text"] = str(record["id"])
    result["source"] = "bench"
    items = []
    for line in record.get("lines") or []:
        row = {f"item_{name}": line[name] for name in LINE if name in line}
        if "id" in record:
            row["order"] = record["id"]
        row["type"] = "goods"
        items.append(row)
    if items:
        result["items"] = items
    parcels = []
    for parcel in record.get("parcels") or []:
        row = {f"parcel_{name}": parcel[name] for name in PARCEL if name in parcel}
        if isinstance(customer, dict) and "n0" in customer:
            row["receiver"] = customer["n0"]
        if "country" in record:
            row["country"] = record["country"]
        if row:
            parcels.append(row)
    if parcels:
        result.setdefault("shipping", {})["parcels"] = parcels
    return result


def two_by_hand(record: Record) -> Record:
    """``TWO`` as somebody would write it."""
    result: Record = {}
    if "id" in record:
        result["key"] = record["id"] if isinstance(record["id"], int) else int(record["id"])
    customer = record.get("customer")
    address = {}
    if isinstance(customer, dict):
        if "name" in customer:
            result["name"] = str(customer["name"])
        where = customer.get("address")
        if isinstance(where, dict) and "city" in where:
            address["city"] = str(where["city"])
    address["source"] = "bench"
    result["address"] = address
    note = record.get("note")
    result["note"] = "none" if note in EMPTY else str(note)
    if "missing" in record:
        result["out"] = str(record["missing"])
    items = []
    for line in record.get("lines") or []:
        row: Record = {}
        if "sku" in line:
            row["item"] = str(line["sku"])
        if "qty" in line:
            row["quantity"] = line["qty"] if isinstance(line["qty"], int) else int(line["qty"])
        if "id" in record:
            row["order"] = record["id"] if isinstance(record["id"], int) else int(record["id"])
        if "unit" in line:
            row["unit"] = str(line["unit"])
        if row:
            items.append(row)
    if items:
        result["items"] = items
    return result


@dataclass(frozen=True)
class Case:
    """One comparison."""

    name: str
    model: Record
    by_hand: Apply
    wanted: float


CASES = [
    Case("6 fields", SIX, six_by_hand, 0.4),
    Case("40 fields, two lists", FORTY, forty_by_hand, 0.3),
    Case("mapping 2.0, one list", TWO, two_by_hand, 0.3),
]


def seconds(apply: Apply, data: list[Record]) -> float:
    """Time of one pass."""
    started = time.perf_counter()
    for record in data:
        apply(record)
    return time.perf_counter() - started


def main(count: int, rounds: int) -> None:
    """Print the table: medians, and their ratio in each case."""
    scope = Scope({}, datetime.now(UTC))
    data = records(count)
    table = Table("", "by hand, microseconds a record", "mapping", "throughput, of by hand", "least", "most", "wanted")
    for case in track(CASES, "measuring", console=console):
        mapper = MappingCompiler(TemplateCompiler()).compile(case.model)

        def ours(record: Record, map_one: Callable[..., Any] = mapper.map) -> Any:
            return map_one(record, Operation.CREATE, scope)

        assert all(ours(record) == case.by_hand(record) for record in data[:200])
        rates = [(seconds(case.by_hand, data), seconds(ours, data)) for _ in range(rounds)]
        hand, mapped = (statistics.median(side) / count * 1e6 for side in zip(*rates, strict=True))
        ratios = [one / other for one, other in rates]
        figures = (statistics.median(ratios), min(ratios), max(ratios), case.wanted)
        table.add_row(case.name, f"{hand:.2f}", f"{mapped:.2f}", *(f"{figure:.2f}" for figure in figures))
    console.print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    main(options.records, options.rounds)
