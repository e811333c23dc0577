"""`make demo`: fairlead with everything embedded does its main job against a small application, and shows it.

Starts the application and `fairlead serve` on free ports with a database in a temporary folder, stores a connection, pings it, pulls
822 records page by page, pushes four through a mapping, prints each step with the curl line that does the same, and stops everything.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table

from examples.shop import RECORDS, Shop, start

console = Console(width=min(Console().width, 118), highlight=False)
SHOP_TOKEN = "s3cr3t-shop-token"
PAGE_SIZE = 100


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Steps:
    """Calls fairlead over REST and prints the same call as a curl line."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer; ends the demo when it is an error."""
        async with self._session.request(method, self._base + path, json=body) as answer:
            content = await answer.json(content_type=None)
            if answer.status >= 400:
                console.print(f"[red]{method} {path}: {answer.status} {json.dumps(content)}")
                raise SystemExit(1)
            return content

    def show(self, method: str, path: str, body: Any = None) -> None:
        """The curl line of a call."""
        line = f'curl -X {method} {self._base}{path} -H "Authorization: Bearer $FAIRLEAD_TOKEN"'
        if body is not None:
            line += f" -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
        console.print(Syntax(line, "bash", word_wrap=True, background_color="default"))


def title(number: int, text: str) -> None:
    """The heading of a step."""
    console.print()
    console.rule(f"[bold]{number}. {text}", align="left")


async def until_ready(session: aiohttp.ClientSession, base: str, process: asyncio.subprocess.Process) -> None:
    """Wait for /readyz; ends the demo when the service stops or takes longer than 20 s."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends and process.returncode is None:
        try:
            async with session.get(base + "/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    console.print("[red]fairlead did not start; its output is above")
    raise SystemExit(1)


async def pull(steps: Steps, connection: str) -> int:
    """All pages with the state of the one before; the number of records."""
    export = {
        "pageSize": PAGE_SIZE,
        "http": {
            "method": "GET",
            "relativeURI": "/licenses?page={{export.http.paging.page}}",
            "paging": {"method": "page", "page": 1, "maxPagePath": "pages", "maxCountPath": "total"},
            "response": {"resourcePath": "licenses"},
        },
    }
    path = f"/v1/connections/{connection}/export/pages"
    steps.show("POST", path, {"export": export})
    table = Table("page", "records", "first", "last", "done", "sig of the state")
    count = 0
    state: dict[str, Any] | None = None
    columns = (TextColumn("pulling"), BarColumn(), MofNCompleteColumn(), TextColumn("records"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=RECORDS)
        while state is None or not state["done"]:
            body = {"export": export} if state is None else {"export": export, "pagedExportState": state}
            page = await steps.call("POST", path, body)
            data, state = page["data"], page["pagedExportState"]
            count += len(data)
            progress.update(task, completed=count, total=state.get("totalRecords", RECORDS))
            first, last = (str(data[0]["id"]), str(data[-1]["id"])) if data else ("", "")
            number = str(state["pageIndex"] - 1)
            table.add_row(number, str(len(data)), first, last, str(state["done"]), state["sig"][:16] + "...")
    console.print(table)
    return count


async def push(steps: Steps, connection: str, shop: Shop) -> int:
    """Four records through a mapping; the number that succeeded."""
    body: dict[str, Any] = {
        "import": {
            "mapping": {
                "fields": [
                    {"extract": "mail", "generate": "key"},
                    {"extract": "{{first}} {{last}}", "generate": "name"},
                    {"extract": "land", "generate": "address.country", "lookupName": "country"},
                    {"generate": "source", "hardCodedValue": "fairlead demo"},
                ]
            },
            "lookups": [{"name": "country", "map": {"Norway": "NO", "Japan": "JP"}, "allowFailures": False}],
            "http": {"method": ["PUT"], "relativeURI": ["/customers"]},
        },
        "data": [
            {"first": "Ada", "last": "Lund", "mail": "ada@shop.test", "land": "Norway"},
            {"first": "Kenji", "last": "Mori", "mail": "kenji@shop.test", "land": "Japan"},
            {"first": "Marvin", "last": "Martian", "mail": "marvin@shop.test", "land": "Mars"},
            {"first": "Yui", "last": "Abe", "mail": "yui@shop.test", "land": "Japan"},
        ],
    }
    path = f"/v1/connections/{connection}/import"
    steps.show("POST", path, body)
    results = await steps.call("POST", path, body)
    table = Table("record", "status", "id", "what happened")
    for record, result in zip(body["data"], results, strict=True):
        what = json.dumps(result["_json"]) if "_json" in result else "; ".join(e["message"] for e in result["errors"])
        table.add_row(record["mail"], str(result["statusCode"]), result.get("id", ""), what)
    console.print(table)
    console.print(
        f"One record names a country that the lookup does not know: it failed, the others did not. "
        f"The application now holds {len(shop.customers)} customers."
    )
    return sum(result["statusCode"] == 200 for result in results)


async def main() -> None:
    """The whole demo; raises SystemExit(1) when something is not as it should be."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fairlead-demo-") as folder:
        shop = Shop(SHOP_TOKEN)
        runner, shop_port = await start(shop)
        http_port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FAIRLEAD_")},
            "FAIRLEAD_DATABASE_URL": f"sqlite:///{Path(folder) / 'demo.db'}",
            "FAIRLEAD_HTTP_ADDRESS": f"127.0.0.1:{http_port}",
            "FAIRLEAD_GRPC_ADDRESS": "127.0.0.1:0",
            "FAIRLEAD_EGRESS_ALLOW": "127.0.0.0/8",
            "FAIRLEAD_LOG_LEVEL": "warning",
        }
        fairlead = str(Path(sys.executable).parent / "fairlead")
        title(1, "Start: an example application, and fairlead with everything embedded")
        process = await asyncio.create_subprocess_exec(fairlead, "serve", env=environment)
        try:
            made = await asyncio.create_subprocess_exec(
                fairlead, "token", "create", env=environment, stdout=asyncio.subprocess.PIPE
            )
            token = (await made.communicate())[0].decode().strip()
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(headers=headers) as session:
                base = f"http://127.0.0.1:{http_port}"
                await until_ready(session, base, process)
                steps = Steps(session, base)
                console.print(f"application  http://127.0.0.1:{shop_port}/api   {RECORDS} licences, bearer sign-in")
                console.print(f"fairlead     {base}/v1   the API to read: {base}/docs")
                console.print("token        export FAIRLEAD_TOKEN=$(fairlead token create)")

                title(2, "Store a connection; its token comes back masked")
                document = {
                    "type": "http",
                    "name": "Shop",
                    "http": {
                        "baseURI": f"http://127.0.0.1:{shop_port}/api",
                        "mediaType": "json",
                        "auth": {"type": "token", "token": {"token": SHOP_TOKEN}},
                        "ping": {"relativeURI": "/ping", "successPath": "status", "successValues": ["ok"]},
                    },
                }
                steps.show("POST", "/v1/connections", document)
                stored = await steps.call("POST", "/v1/connections", document)
                table = Table("_id", "type", "name", "http.auth.token.token")
                table.add_row(stored["_id"], stored["type"], stored["name"], stored["http"]["auth"]["token"]["token"])
                console.print(table)
                connection = stored["_id"]

                title(3, "Test it")
                steps.show("GET", f"/v1/connections/{connection}/ping")
                ping = await steps.call("GET", f"/v1/connections/{connection}/ping")
                console.print(f"the application answers: {json.dumps(ping)}")

                title(4, f"Pull all records, {PAGE_SIZE} a page, with the signed pagedExportState of the page before")
                pulled = await pull(steps, connection)

                title(5, "Push four records through a mapping")
                pushed = await push(steps, connection, shop)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            await process.wait()
            await runner.cleanup()

        title(6, "What happened")
        table = Table("step", "result")
        table.add_row("ping", json.dumps(ping))
        table.add_row("records pulled", f"{pulled} of {RECORDS}")
        table.add_row("records pushed", f"{pushed} of 4, 1 refused by the mapping as it should be")
        table.add_row("requests the application saw", str(shop.requests))
        table.add_row("time", f"{time.monotonic() - began:.1f} s")
        console.print(table)
        if (ping, pulled, pushed) != ({"code": 200}, RECORDS, 3):
            raise SystemExit(1)
        console.print("Next: `make serve` runs fairlead in the foreground; README.md shows the first own connection.")


if __name__ == "__main__":
    asyncio.run(main())
