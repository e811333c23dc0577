"""Limits of real processes, counted by the application: ``python bench/limits_counted.py [--only WORD,...] [--processes N,...]``.

Progress goes to stderr, one table to stdout. Stores are SQLite files and, under ``tests/servers/with-mongo``, MongoDB's protocol; ``--store``
chooses one of the two. All of it takes about twenty minutes; the exit code is 1 when a figure is not as wanted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from tests.counted import callers, changes, failures, flows, levels, waits
from tests.counted.figures import Figure, missed, table
from tests.counted.installation import Store, wire_uri
from tests.counted.seen import Application

Scenario = Callable[[Application, Store], Awaitable[list[Figure]]]


def scenarios(processes: list[int], *, wire: bool) -> Iterator[tuple[str, Scenario]]:
    """Everything that is looked at on one kind of store."""
    for count in processes:
        yield f"levels {count}", partial(levels.levels, processes=count)
    yield "burst 1", partial(levels.burst, processes=1)
    for count in processes:
        yield f"borrowed {count}", partial(levels.borrowed, processes=count)
        yield f"moved {count}", partial(changes.borrowing, processes=count)
        yield f"repaced {count}", partial(changes.pausing, processes=count)
        yield f"lowered {count}", partial(changes.lowered, processes=count)
        yield f"hung-up {count}", partial(callers.hang_up, processes=count)
        yield f"paused {count}", partial(waits.paused, processes=count)
        yield f"refused {count}", partial(waits.refused, processes=count)
        yield f"refused-at-5 {count}", partial(waits.refused, processes=count, level=5)
    yield "ordered 1", flows.ordered
    yield "fair 1", flows.fair
    for count in processes:
        if count > 1:
            yield f"killed {count}", partial(failures.killed, processes=count)
            yield f"stopped {count}", partial(failures.stopped, processes=count)
    if wire:
        yield "cut-off 2", failures.cut_off
        yield "store-gone 2", failures.store_gone
        yield "slow 2", failures.slow


async def main(only: list[str], processes: list[int], stores: list[str]) -> int:
    """Run, and print the table; how many figures are not as wanted."""
    rows: list[tuple[str, ...]] = [("store", "figure", "wanted", "seen", "")]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in stores:
            store = Store(Path(folder), wire_uri() if kind == "wire" else "")
            for name, scenario in scenarios(processes, wire=kind == "wire"):
                if only and name.partition(" ")[0] not in only:
                    continue
                started = time.monotonic()
                print(f"{kind}: {name} ...", end=" ", file=sys.stderr, flush=True)
                async with Application.start() as application:
                    figures = await scenario(application, store)
                rows += [(kind, *figure.cells) for figure in figures]
                failed += len(missed(figures))
                print(f"{time.monotonic() - started:.0f} s", *missed(figures), sep="\n  ", file=sys.stderr, flush=True)
    print(table(rows))
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="scenarios, by commas: levels, paused, refused, killed, ...")
    parser.add_argument("--processes", default="1,2,3", help="how many processes, by commas")
    parser.add_argument("--store", choices=["sqlite", "wire"], help="default: sqlite, and wire when there is a server")
    given = parser.parse_args()
    kinds = [given.store] if given.store else ["sqlite", *(["wire"] if wire_uri() else [])]
    counts = [int(each) for each in given.processes.split(",")]
    sys.exit(min(1, asyncio.run(main([each for each in given.only.split(",") if each], counts, kinds))))
