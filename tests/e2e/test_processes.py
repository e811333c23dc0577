"""The command line and the service as processes: what is promised survives kill -9, SIGTERM and a gateway of its own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Served
from tests.e2e.processes import Place

READY = "fairlead is ready"


def document(application: Served, path: str = "/ok") -> dict[str, Any]:
    """A connection to the fake application."""
    block = {"baseURI": application.url, "mediaType": "json", "ping": {"relativeURI": path}}
    return {"type": "http", "name": "fake", "http": block}


async def test_a_connection_is_there_after_kill_9_right_after_its_201(tmp_path: Path, application: Served) -> None:
    """D9: durable when the answer has gone out."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY) as process:
        status, stored = await place.post("/v1/connections", document(application))
        process.kill()
        await process.wait()
    assert status == 201
    assert isinstance(stored, dict)
    async with place.serve("serve", ready=READY):
        assert await place.get(f"/v1/connections/{stored['_id']}") == (200, stored)


async def test_sigterm_lets_running_calls_finish(tmp_path: Path, application: Served) -> None:
    """A call that waits for the application when SIGTERM arrives gets its answer; the process exits 0."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY) as process:
        call = asyncio.create_task(place.post("/v1/connections/ping", document(application, "/hang")))
        await application.application.asked.wait()
        process.send_signal(signal.SIGTERM)
        application.application.hold.set()
        assert await call == (200, {"code": 200})
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_gateway_of_its_own_serves_the_same(tmp_path: Path, application: Served) -> None:
    """`serve --service-only` and `gateway --target`: the REST edge over a channel."""
    place = Place(tmp_path)
    async with (
        place.serve("serve", "--service-only", ready=READY),
        place.serve("gateway", "--target", place.grpc, ready="REST"),
    ):
        status, stored = await place.post("/v1/connections", document(application))
        assert status == 201
        assert isinstance(stored, dict)
        assert await place.get(f"/v1/connections/{stored['_id']}/ping") == (200, {"code": 200})
        assert (await place.get("/v1/nothing"))[0] == 404


async def test_the_client_commands_do_the_main_job(tmp_path: Path, application: Served) -> None:
    """create, list, get, ping, export run and import run, with exit codes that scripts can use."""
    place = Place(tmp_path)
    files = {
        "connection.json": document(application),
        "refused.json": document(application, "/status/500"),
        "export.json": {"pageSize": 3, "http": {"relativeURI": "/skip?offset={{export.http.paging.skip}}", "paging": {"method": "skip", "maxCountPath": "total"}, "response": {"resourcePath": "orders"}}},
        "import.json": {"http": {"relativeURI": ["/sometimes"], "method": ["POST"]}},
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    async with place.serve("serve", ready=READY):
        code, out, _ = await place.run("connection", "create", str(tmp_path / "connection.json"))
        assert code == 0
        id = json.loads(out)["_id"]
        assert id.encode() in (await place.run("connection", "list"))[1]
        assert json.loads((await place.run("connection", "get", id))[1])["_id"] == id
        assert (await place.run("connection", "ping", id))[0] == 0
        refused = json.loads((await place.run("connection", "create", str(tmp_path / "refused.json")))[1])["_id"]
        assert (await place.run("connection", "ping", refused))[0] == 1
        code, out, _ = await place.run("export", "run", "--connection", id, "--export", str(tmp_path / "export.json"))
        assert (code, [json.loads(line)["id"] for line in out.splitlines()]) == (0, [1, 2, 3, 4, 5, 6, 7])
        lines = b'{"sku":"a"}\n\n{"sku":"bad"}\n'
        arguments = ("import", "run", "--connection", id, "--import", str(tmp_path / "import.json"))
        code, out, _ = await place.run(*arguments, stdin=lines)
        assert (code, [json.loads(line)["statusCode"] for line in out.splitlines()]) == (1, [200, 422])
        code, _, err = await place.run(*arguments, stdin=b"not json\n")
        assert (code, b"line 1" in err) == (2, True)
        code, _, err = await place.run("connection", "get", "0" * 24)
        assert (code, b"not_found" in err) == (3, True)
    code, _, err = await place.run("connection", "list")
    assert (code, b"does not answer" in err) == (4, True)


async def test_the_operators_commands_work_beside_a_running_server(tmp_path: Path, application: Served) -> None:
    """Accounts and tokens are made in the database; a token works at once and is revoked at once; accounts do not see each other."""
    place = Place(tmp_path)
    async with place.serve("serve", ready=READY):
        await place.post("/v1/connections", document(application))
        account = (await place.run("account", "create", "Acme", "--email", "ada@acme.test"))[1].decode().strip()
        assert re.fullmatch(r"[0-9a-f]{24}", account)
        assert b"ada@acme.test" in (await place.run("account", "list"))[1]
        token = (await place.run("token", "create", "--account", account))[1].decode().strip()
        assert re.fullmatch(r"[0-9a-f]{64}", token)
        place.headers = {"Authorization": f"Bearer {token}"}
        assert await place.get("/v1/connections") == (200, [])
        listed = (await place.run("token", "list", "--account", account))[1].decode()
        assert token not in listed
        id = re.findall(r"[0-9a-f]{24}", listed)[0]
        assert (await place.run("token", "revoke", id, "--account", account))[0] == 0
        assert await place.get("/v1/connections") == (401, {"message": "Bearer Authentication Failed"})


async def test_key_generate_prints_one_word(tmp_path: Path) -> None:
    """Exactly one such word and nothing else on stdout."""
    code, out, err = await Place(tmp_path).run("key", "generate")
    assert (code, err) == (0, b"")
    assert re.fullmatch(rb"[A-Za-z0-9_-]+:[A-Za-z0-9+/]{43}=\n", out)


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("FAIRLEAD_HTTP_ADDRESS", "nowhere", "HOST:PORT"),
        ("FAIRLEAD_DATABASE_URL", "mysql://x", "sqlite:///"),
        ("FAIRLEAD_DATABASE_URL", "mongodb://127.0.0.1:1/x", "FAIRLEAD_ENCRYPTION_KEYS"),
        ("FAIRLEAD_EGRESS_ALLOW", "10.0.0.0/99", "10.0.0.0/99"),
        ("FAIRLEAD_ENCRYPTION_KEYS", "no-colon", "colon"),
        ("FAIRLEAD_RATE_LIMIT_SIZE", "many", "whole number"),
        ("FAIRLEAD_UNKNOWN_FIELDS", "maybe", "refuse"),
        ("FAIRLEAD_TYPO", "x", "no such setting"),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_a_sentence(
    tmp_path: Path, variable: str, value: str, why: str
) -> None:
    """Which one and why, exit code 2."""
    code, _, err = await Place(tmp_path, **{variable: value}).run("serve")
    assert code == 2
    assert variable in err.decode()
    assert why in err.decode()
