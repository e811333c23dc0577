"""Reading XML and CSV against the bare libraries, interleaved in one run, and the memory that a large answer takes.

python -m bench.codecs [--rounds 7]
"""

from __future__ import annotations

import argparse
import csv
import io
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from lxml import etree
from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.codecs.collected import collected
from fairlead.codecs.registry import codecs
from fairlead.engine.ports import ReadOptions, RecordReader

console = Console()

LARGE: Final = 50 * 1024 * 1024
_ORDER: Final = (
    "<order id='{0}'><number>SO-{0}</number><status>open</status><customer><name>Ann &amp; Co {0}</name><city>Oslo</city></customer>"
    "<total currency='EUR'>12.50</total><line><sku>a</sku><qty>2</qty></line><line><sku>b</sku><qty>1</qty></line><note/></order>\n"
)
_ROW: Final = '{0},SO-{0},open,"Ann ""A"", Co",Oslo,12.50,EUR,2026-01-31\n'
_HEADER: Final = "id,number,status,customer,city,total,currency,date\n"


def xml(records: int) -> bytes:
    """An answer of so many orders."""
    return f"<answer><orders>{''.join(map(_ORDER.format, range(records)))}</orders></answer>".encode()


def table(rows: int) -> bytes:
    """A CSV of so many rows."""
    return (_HEADER + "".join(map(_ROW.format, range(rows)))).encode()


def walk(element: etree._Element) -> int:
    """Looks at everything that an element holds, and makes nothing of it."""
    count = len(element.tag) + len(element.items()) + len(element.text or "") + len(element.tail or "")
    for child in element:
        count += walk(child)
    return count


def seconds(work: Callable[[], object]) -> float:
    """Time of one pass."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def records(media_type: str, body: bytes, path: str | None = None) -> Sequence[bytes]:
    """All records of an answer, as an export reads them."""
    codec = codecs[media_type]
    assert isinstance(codec, RecordReader)
    return collected(codec.records(body, None, ReadOptions(path)) or [])


def compare(title: str, bare: Callable[[], object], ours: Callable[[], object], rounds: int) -> None:
    """Print one comparison."""
    figures: dict[str, list[float]] = {"bare": [], "fairlead": []}
    for _ in track(range(rounds), title, console=console):
        figures["bare"].append(seconds(bare))
        figures["fairlead"].append(seconds(ours))
    shown = Table(title, "milliseconds, median", "least", "most")
    for name, found in figures.items():
        shown.add_row(name, *(f"{f * 1e3:.1f}" for f in (statistics.median(found), min(found), max(found))))
    console.print(shown)
    ratio = statistics.median(figures["bare"]) / statistics.median(figures["fairlead"])
    console.print(f"ratio of the medians: {ratio:.2f} of the bare library's throughput")


def peak(media_type: str) -> None:
    """In a process of its own: read an answer of 50 MiB, keep all of its records, print the peak in MiB and their number."""
    head, line, tail = (
        ("<answer><orders>", _ORDER, "</orders></answer>") if media_type == "xml" else (_HEADER, _ROW, "")
    )
    written = io.BytesIO()
    written.write(head.encode())
    number = 0
    while written.tell() < LARGE:
        number += 1
        written.write(line.format(number).encode())
    written.write(tail.encode())
    body = written.getvalue()
    found = records(media_type, body, "/answer/orders/order")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, len(found))  # read by the parent process


def main(rounds: int) -> None:
    """Print the tables."""
    page, rows = xml(1000), table(100_000)
    assert len(records("xml", page, "answer.orders.order")) == 0
    assert len(records("xml", page, "orders.order")) == 1000
    compare(
        "XML page of 1,000 records; bare: lxml, walking the tree",
        lambda: walk(etree.fromstring(page)),
        lambda: records("xml", page, "/answer/orders/order"),
        rounds * 5,
    )
    compare(
        "CSV of 100,000 rows; bare: csv.DictReader",
        lambda: list(csv.DictReader(io.StringIO(rows.decode(), newline=""))),
        lambda: records("csv", rows),
        rounds,
    )
    for media_type in ("xml", "csv"):
        command = [sys.executable, "-m", "bench.codecs", "--peak", media_type]
        most, count = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        console.print(f"{media_type} of 50 MiB: {count} records, peak of the whole process {most} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peak", choices=("xml", "csv"), help="measure one answer in this process")
    options = parser.parse_args()
    if options.peak:
        peak(options.peak)
    else:
        main(options.rounds)
