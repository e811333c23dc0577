"""Hostile documents against a real service with a memory limit around it: each is told by name, and the next call is answered at once."""

from __future__ import annotations

import gzip
import json
import re
import resource
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.processes import COMMAND, Place
from tests.real.hostile_documents import BATCHES, BROKEN, HOSTILE, INVALID, TOO_LARGE, Hostile
from tests.servers.documents import application
from tests.slow import slow

pytestmark = slow

ADDRESS_SPACE: Final = 2048 << 20
"""Bytes of the whole process, of which it has 950 MiB before it is asked for anything: stacks and arenas of its threads."""
AT_ONCE: Final = 1.0
"""Seconds in which the next call is answered."""
NAMED: Final = (INVALID, TOO_LARGE, BROKEN)


@dataclass
class Service:
    """A service and two connections: to the hostile application, and to one that is none."""

    place: Place
    process: subprocess.Popen[bytes]
    hostile: str = ""
    good: str = ""

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, bytes]:
        """Status and answer; ``body`` is JSON when it is no bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.place.base + path, data, {**self.place.headers, "Content-Type": "application/json", **headers}
        )
        try:
            with urllib.request.urlopen(request, timeout=200) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def connect(self, url: str) -> str:
        """The id of a new connection."""
        document = {"type": "http", "name": "application", "http": {"baseURI": url, "mediaType": "json"}}
        status, answer = self.post("/v1/connections", document)
        assert status == 201, answer
        return str(json.loads(answer)["_id"])

    def pull(self, export: dict[str, Any]) -> str | int:
        """The code of a page, or how many records it has."""
        status, answer = self.post(f"/v1/connections/{self.hostile}/export/pages", {"export": export})
        if status != 200:
            return code_of(answer)
        return len(json.loads(answer, parse_int=str)["data"])

    def push(self, model: dict[str, Any], data: list[Any]) -> list[dict[str, Any]]:
        """The results of an import."""
        status, answer = self.post(f"/v1/connections/{self.hostile}/import", {"import": model, "data": data})
        assert status == 200, answer[:500]
        results: list[dict[str, Any]] = json.loads(answer, parse_int=str)
        return results

    def map(self, data: bytes, **headers: str) -> tuple[int, bytes]:
        """What mapping makes of records, as they are sent."""
        body = b'{"import":{},"data":' + data + b"}"
        return self.post(f"/v1/connections/{self.good}/import/map", gzip.compress(body) if headers else body, **headers)

    def answers_at_once(self) -> None:
        """The next good request, the best of three: others use this machine, too."""
        seconds = []
        for _ in range(3):
            start = time.monotonic()
            status, answer = self.post(
                f"/v1/connections/{self.good}/export", {"export": {"http": {"relativeURI": "/good"}}}
            )
            seconds.append(time.monotonic() - start)
            assert (status, answer) == (200, b'{"data":[{"id":1}],"dataURIs":[null]}')
        assert min(seconds) < AT_ONCE
        assert self.process.poll() is None


def code_of(answer: bytes) -> str:
    """The first code of an envelope."""
    return str(json.loads(answer)["errors"][0]["code"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all documents: what one of them leaves behind would hurt the next."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "good").mkdir()
    place = Place(folder, FAIRLEAD_RATE_LIMIT_SIZE="100000")
    module = "tests.real.hostile_documents"
    with (
        application(module, folder) as hostile,
        application(module, folder / "good") as good,
        (folder / "service.log").open("wb") as log,
        subprocess.Popen([*COMMAND, "serve"], env=place.environment, stdout=log, stderr=log) as process,
    ):
        try:
            wait(place)
            resource.prlimit(process.pid, resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
            made = Service(place, process)
            made.hostile, made.good = made.connect(hostile), made.connect(good)
            yield made
        finally:
            process.kill()


def wait(place: Place) -> None:
    """Until it answers."""
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{place.base}/healthz", timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.05)


def export_of(name: str, hostile: Hostile) -> dict[str, Any]:
    """The export that reads a document."""
    http: dict[str, Any] = {
        "relativeURI": f"/{name}",
        **({"response": {"resourcePath": hostile.path}} if hostile.path else {}),
    }
    more = hostile.model.get("http") or {}
    query = {"relativeURI": f"/{name}?t={more['relativeURI']}"} if "relativeURI" in more else {}
    return {"http": {**http, **more, **query}, **({"file": hostile.file} if hostile.file else {})}


@pytest.mark.parametrize(("name", "hostile"), HOSTILE.items(), ids=HOSTILE.keys())
def test_as_an_export(name: str, hostile: Hostile, service: Service) -> None:
    """contract.md 1.15, 1.16, exports-imports.md 2.2, 2.3: a named error, or the records as they are."""
    assert service.pull(export_of(name, hostile)) == hostile.told
    service.answers_at_once()


@pytest.mark.parametrize(("name", "hostile"), HOSTILE.items(), ids=HOSTILE.keys())
def test_as_the_answer_of_a_batch(name: str, hostile: Hostile, service: Service) -> None:
    """exports-imports.md 9.7: the records of that batch fail by name or are in; there are as many results as records."""
    response = {"resourcePath": [hostile.path or "items"]}
    results = service.push(
        {"http": {"relativeURI": [f"/{name}"], "batchSize": 2, "response": response}}, [{"a": 1}, {"a": 2}]
    )
    assert len(results) == 2
    codes = {result["errors"][0]["code"] for result in results if result.get("errors")}
    assert codes <= ({BROKEN} if hostile.told == BROKEN else set(NAMED))
    assert isinstance(hostile.told, int) or codes
    service.answers_at_once()


@pytest.mark.parametrize(("name", "hostile"), HOSTILE.items(), ids=HOSTILE.keys())
def test_as_the_answer_of_a_record(name: str, hostile: Hostile, service: Service) -> None:
    """exports-imports.md 9.6: an import answer may be anything; what is no answer, or too large for its result, is told."""
    (result,) = service.push({"http": {"relativeURI": [f"/{name}"]}}, [{"a": 1}])
    errors = result.get("errors") or []
    assert [error["code"] for error in errors] in ([], [TOO_LARGE], [BROKEN])
    came = not errors or "left out" in errors[0]["message"]
    assert result["statusCode"] == ("200" if came else "422")
    service.answers_at_once()


@pytest.mark.parametrize(("name", "codes"), [(name, codes) for name, (_, codes) in BATCHES.items()], ids=BATCHES.keys())
def test_batches(name: str, codes: list[str], service: Service) -> None:
    """exports-imports.md 9.7: element k belongs to record k, whatever the length of the array."""
    model = {"http": {"relativeURI": [f"/{name}"], "batchSize": 2, "response": {"resourcePath": ["items"]}}}
    results = service.push(model, [{"a": 1}, {"a": 2}])
    assert [result["errors"][0]["code"] if result.get("errors") else "" for result in results] == codes


DATA: dict[str, tuple[bytes, int, str]] = {
    "deep": (b"[" * 100_000 + b"]" * 100_000, 400, "invalid_json"),
    "deep record": (b'[{"a":' * 200 + b"1" + b"}]" * 200, 400, "invalid_json"),
    "NaN": (b'[{"a":NaN}]', 400, "invalid_json"),
    "cut": (b'[{"a":1}', 400, "invalid_json"),
    "not UTF-8": (b'[{"a":"\xff"}]', 400, "invalid_json"),
    "UTF-16": ('[{"a":1}]'.encode("utf-16"), 400, "invalid_json"),
    "scalar": (b'[{"a":1},5]', 422, "invalid_field"),
    "no array": (b'{"a":1}', 422, "invalid_field"),
    "10,001 records": (b"[" + b",".join([b"{}"] * 10_001) + b"]", 422, "invalid_field"),
    "6 million records": (b"[" + b",".join([b"{}"] * 6_000_000) + b"]", 422, "invalid_field"),
    "6 million scalars": (b"[" + b",".join([b"1"] * 6_000_000) + b"]", 422, "invalid_field"),
    "21 MiB": (b'[{"a":"' + b"x" * (21 << 20) + b'"}]', 413, "payload_too_large"),
    "400 digits": (b'[{"a":%b}]' % (b"9" * 400), 200, ""),
    "odd keys": (b'[{"__proto__":{"a":1},"$where":"1","a.b":2,"":3}]', 200, ""),
    "half a surrogate pair": (b'[{"a":"\\ud800"}]', 200, ""),
    "equal keys": (b'[{"a":1,"a":2}]', 200, ""),
    "a record of values": (b'[{"a":[' + b",".join([b"[]"] * 5_000_000) + b"]}]", 200, ""),
}


@pytest.mark.parametrize(("data", "status", "code"), DATA.values(), ids=DATA.keys())
def test_as_records_of_an_import(data: bytes, status: int, code: str, service: Service) -> None:
    """contract.md 1.3, 1.15: refused by name as a request, or carried through as it is."""
    answered, answer = service.map(data)
    assert (answered, code_of(answer) if status != 200 else "") == (status, code)
    assert status != 200 or answer == data
    service.answers_at_once()


def test_a_compressed_request_that_grows(service: Service) -> None:
    """contract.md 1.3: the decompressed size counts."""
    status, answer = service.map(b'[{"a":"' + b"x" * (400 << 20) + b'"}]', **{"Content-Encoding": "gzip"})
    assert (status, code_of(answer)) == (413, "payload_too_large")
    service.answers_at_once()


LONG: Final = {"l": list(range(3000)), "t": "a" * 40 + "!"}
ENDLESS: Final = "{{#each l}}{{#each ../l}}{{#each ../../l}}{{this}}{{/each}}{{/each}}{{/each}}"
BACKTRACKS: Final = '{{regexReplace t "" "(a+)+$" "g"}}'


@pytest.mark.parametrize("template", [ENDLESS, BACKTRACKS, "{{#each l}}" * 200 + "{{/each}}" * 200])
def test_templates_that_never_end(template: str, service: Service) -> None:
    """Issue 5: the record fails, or the document is refused; the others are done."""
    model = {
        "http": {"relativeURI": ["/batch-shorter"]},
        "mapping": {"fields": [{"extract": template, "generate": "x"}]},
    }
    path = f"/v1/connections/{service.good}/import"
    status, answer = service.post(path, {"import": model, "data": [LONG, {"l": [], "t": "b"}]})
    if status == 422:
        assert code_of(answer) in ("invalid_template", "invalid_mapping")
    else:
        first, second = json.loads(answer)
        assert (first["statusCode"], second["statusCode"]) == (422, 200)
        assert first["errors"][0]["code"] in ("invalid_template", "mapping_error")
    service.answers_at_once()


def test_a_pattern_of_a_filter_that_backtracks(service: Service) -> None:
    """exports-imports.md 7.1: the same for the expressions of filters."""
    rules = {"expression": {"version": "1", "rules": ["matches", ["extract", "t"], "(a+)+$"]}}
    path = f"/v1/connections/{service.good}/import"
    model = {"http": {"relativeURI": ["/batch-shorter"]}, "filter": rules}
    status, answer = service.post(path, {"import": model, "data": [LONG, {"t": "a"}]})
    assert status == 200, answer
    assert [result["statusCode"] for result in json.loads(answer)] == [422, 200]
    service.answers_at_once()


def test_a_lookup_that_needs_itself(service: Service) -> None:
    """exports-imports.md 12: refused before anything is sent."""
    lookups = [
        {"name": "a", "relativeURI": "/good?b={{lookup.b}}"},
        {"name": "b", "relativeURI": "/good?a={{lookup.a}}"},
    ]
    model = {"http": {"relativeURI": ["/good?x={{lookup.a}}"]}, "lookups": lookups}
    status, answer = service.post(f"/v1/connections/{service.good}/import", {"import": model, "data": [{}]})
    assert (status, code_of(answer)) == (422, "invalid_ref")


def test_what_it_took(service: Service) -> None:
    """After all of them the service is as large as after one."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident
    assert int(resident[1]) >> 10 < 700
