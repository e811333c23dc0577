"""What the edge tells about itself (contract.md 1.2)."""

from __future__ import annotations

import json

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.unit.gateway.edge import running

PAGES = ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"]


@pytest.mark.parametrize("page", PAGES)
async def test_pages_need_no_token(page: str) -> None:
    """They answer anyone who reads, ask the service nothing, and cannot be written."""
    async with running() as edge:
        for path in (page, f"{page}/"):
            assert (await edge.ask("GET", path, token=None)).status == 200
        assert (await edge.ask("HEAD", page, token=None)).status == 200
        refused = await edge.ask("POST", page, token=None)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert (await edge.ask("OPTIONS", page, token=None)).status == 204
        assert edge.service.calls == []


async def test_readiness_follows_the_service_and_the_stop() -> None:
    """Not ready is 503; alive is alive."""
    answers = [True, False]

    async def ready() -> bool:
        return answers.pop(0)

    async with running(ready=ready) as edge:
        assert (await edge.ask("GET", "/readyz", token=None)).status == 200
        assert (await edge.ask("GET", "/readyz", token=None)).status == 503
        assert (await edge.ask("GET", "/livez", token=None)).status == 200


async def test_requests_are_counted_by_route() -> None:
    """Labels are route templates, never paths that a client makes up; unknown methods share one word."""
    async with running(registry=CollectorRegistry()) as edge:
        await edge.ask("GET", "/v1/connections/secret", token=None)
        await edge.ask("GET", "/v1/made/up", token=None)
        await edge.ask("PROPFIND", "/v1/connections", token=None)
        text = (await edge.ask("GET", "/metrics", token=None)).body.decode()
    assert 'fairlead_rest_requests_total{method="GET",route="/v1/connections/{id}",status="401"} 1.0' in text
    assert 'fairlead_rest_requests_total{method="GET",route="none",status="401"} 1.0' in text
    assert 'fairlead_rest_requests_total{method="other",route="none",status="401"} 1.0' in text
    assert "secret" not in text
    assert 'fairlead_rest_request_seconds_count{method="GET",route="/v1/connections/{id}"} 1.0' in text


@pytest.mark.parametrize(("own_process", "lines"), [(True, ["/v1/connections/{id}", "none"]), (False, ["none"])])
async def test_the_log_of_requests(own_process: bool, lines: list[str]) -> None:
    """A gateway of its own logs each request; in process the service does, and the gateway adds what it refused itself."""

    with capture_logs() as logs:
        async with running(logs_requests=own_process) as edge:
            await edge.ask("GET", "/v1/connections/secret", token=None, headers={"X-Request-Id": "r-1"})
            await edge.ask("GET", "/v1/none", headers={"X-Request-Id": "r-2"})
    requests = [line for line in logs if line["event"] == "request"]
    assert [line["route"] for line in requests] == lines
    assert requests[-1]["request_id"] == "r-2"
    assert requests[-1]["status"] == 404
    assert "secret" not in json.dumps(logs)
    assert "good" not in json.dumps(logs)


async def test_a_bug_is_logged_with_its_place() -> None:
    """Type and place, not the text of the exception."""
    with capture_logs() as logs:
        async with running() as edge:
            assert (await edge.ask("GET", "/v1/connections/ab")).status == 500
    (bug,) = [line for line in logs if line["event"] == "bug"]
    assert bug["type"] == "KeyError"
    assert any("handler.py" in place for place in bug["where"])


async def test_the_reading_page_loads_nothing_from_elsewhere() -> None:
    """Self-contained, and its policy says so to the browser."""
    async with running() as edge:
        page = await edge.ask("GET", "/docs", token=None)
        assert b"//cdn" not in page.body
        assert b"src=" not in page.body
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]


async def test_the_public_url_is_the_documents_server() -> None:
    """Clients of the document call where the operator says."""
    async with running(public_url="https://api.test") as edge:
        document = json.loads((await edge.ask("GET", "/openapi.json", token=None)).body)
        assert document["servers"] == [{"url": "https://api.test"}]
