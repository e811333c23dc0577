"""Answers of 50 MiB through a real service, and what they cost it: memory, and requests to the application."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.e2e.processes import Place
from tests.real.large_documents import ROWS
from tests.servers.documents import application, asked
from tests.slow import slow

PEAK_MEBIBYTES = 300
"""Of the whole process."""
PATHS = {"json": "items", "xml": "/report/items/item"}

Pull = Callable[[str, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An application in another process."""
    with application("tests.real.large_documents", tmp_path_factory.mktemp("application")) as url:
        yield url


def peak(process: int) -> int:
    """The most memory that a process ever had resident, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) // 1024


@asynccontextmanager
async def service(folder: Path, url: str, **settings: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Pull]]:
    """A service of its own with a connection to the application; the second value asks ``export`` or ``export/pages``."""
    place = Place(folder, FAIRLEAD_RATE_LIMIT_SIZE="1000000", **settings)
    async with (
        place.serve("serve", ready="REST") as process,
        aiohttp.ClientSession(headers={**place.headers, "Content-Type": "application/json"}) as session,
    ):
        _, connection = await place.post(
            "/v1/connections", {"type": "http", "name": "large", "http": {"baseURI": url, "mediaType": "json"}}
        )
        assert isinstance(connection, dict)

        async def pull(call: str, body: dict[str, Any]) -> Any:
            address = f"{place.base}/v1/connections/{connection['_id']}/{call}"
            async with session.post(address, data=msgspec.json.encode(body)) as answer:
                return msgspec.json.decode(await answer.read(), type=dict[str, msgspec.Raw])

        yield process, pull


def export(name: str, size: int) -> dict[str, Any]:
    """All records of a document."""
    path = PATHS.get(name.partition(".")[0])
    response = {"response": {"resourcePath": path}} if path else {}
    return {"pageSize": size, "http": {"relativeURI": f"/{name}", **response}}


async def records(pull: Pull, model: dict[str, Any], calls: int = 1_000_000) -> AsyncIterator[list[msgspec.Raw]]:
    """Page by page, as a client does it."""
    state: Any = None
    for _ in range(calls):
        page = await pull("export/pages", {"export": model, **({"pagedExportState": state} if state else {})})
        assert "data" in page, msgspec.json.encode(page)
        yield msgspec.json.decode(page["data"], type=list[msgspec.Raw])
        state = page.get("pagedExportState")
        if state is None or msgspec.json.decode(state)["done"]:
            return


@slow
@pytest.mark.parametrize("name", ["csv", "xml", "json", "csv.gz", "xml.gz", "json.gz"])
async def test_memory(name: str, url: str, tmp_path: Path) -> None:
    """Issue 5: below 300 MiB for the whole process, by pages and in one answer, which is refused as too large."""
    async with service(tmp_path, url) as (process, pull):
        pages = [len(page) async for page in records(pull, export(name, 1000), calls=5)]
        refused = await pull("export", {"export": export(name, 1000)})
        most = peak(process.pid)
    assert pages == [1000] * 5
    assert b"export_too_large" in msgspec.json.encode(refused)
    assert most < PEAK_MEBIBYTES, f"{name}: {most} MiB"


@slow
async def test_a_form_that_is_no_record(url: str, tmp_path: Path) -> None:
    """contract.md 1.15: a form is one record, and one of 50 MiB is refused before it is read."""
    async with service(tmp_path, url) as (process, pull):
        refused = await pull("export/pages", {"export": export("urlencoded", 1000)})
        most = peak(process.pid)
    assert b"response_too_large" in msgspec.json.encode(refused)
    assert most < PEAK_MEBIBYTES, f"{most} MiB"


async def digest(pull: Pull, model: dict[str, Any], calls: int = 1_000_000) -> tuple[int, str]:
    """The number of records and what they are."""
    count, found = 0, sha256()
    async for page in records(pull, model, calls):
        count += len(page)
        for record in page:
            found.update(bytes(record) + b"\n")
    return count, found.hexdigest()


@slow
async def test_a_report_of_many_rows(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """exports-imports.md 5.2: the application is asked once for all pages, of 1,000 and of 20 records; without the cache once a page, for
    the same records."""
    on, off = tmp_path_factory.mktemp("on"), tmp_path_factory.mktemp("off")
    before = asked(url)["rows"]
    async with service(on, url) as (_, pull):
        whole = await digest(pull, export("rows", 1000))
        assert asked(url)["rows"] - before == 1
        assert await digest(pull, export("rows", 20)) == whole
        assert asked(url)["rows"] - before == 2
        begun = await digest(pull, export("rows", 20), calls=30)
    before = asked(url)["rows"]
    async with service(off, url, FAIRLEAD_PAGE_CACHE_BYTES="0") as (_, pull):
        assert await digest(pull, export("rows", 1000)) == whole
        assert asked(url)["rows"] - before == ROWS // 1000
        assert await digest(pull, export("rows", 20), calls=30) == begun
    assert whole[0] == ROWS
