"""Answers for a person in a browser: rpcs with the option ``page`` (contract.md 2.9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fairlead.contract.page import page
from fairlead.v1 import authorization_service_pb2 as pb
from tests.unit.gateway.edge import PlayedService, failure, running

FINISH = "/fairlead.v1.AuthorizationService/FinishAuthorization"
CALLBACK = "/connection/oauth2callback"


def answering(answer: Callable[[object], pb.FinishAuthorizationResponse]) -> PlayedService:
    """A service that answers the callback."""
    return PlayedService({FINISH: answer})


@pytest.mark.parametrize(("status", "location"), [(200, ""), (400, ""), (502, ""), (302, "https://app.test/?result=success")])  # fmt: skip
async def test_status_place_and_body_are_those_of_the_message(status: int, location: str) -> None:
    """D2: the edge knows the option, not the endpoint; query parameters are bound under the names that RFC 6749 gives them."""
    service = answering(lambda _: pb.FinishAuthorizationResponse(status=status, location=location, html="<p>\u2713"))
    async with running(service) as edge:
        query = (
            "state=s&code=a%2Bb+c&error=&error_description=d&iss=https%3A%2F%2Fi&session_state=x&errorDescription=no"
        )
        answer = await edge.ask("GET", f"{CALLBACK}?{query}")
        assert (answer.status, answer.headers.get("Location", "")) == (status, location)
        assert answer.body.decode() == "<p>\u2713"
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert service.calls[0].request == pb.FinishAuthorizationRequest(state="s", code="a+b c", error_description="d")


@pytest.mark.parametrize(
    ("status", "header"), [(429, ("Retry-After", "7")), (503, ("Retry-After", "7")), (500, ("Server", "fairlead"))]
)
async def test_errors_of_the_service_are_pages_too(status: int, header: tuple[str, str]) -> None:
    """Whoever sits before the browser reads a sentence, no JSON; its text is nobody's markup."""

    def fails(_: object) -> pb.FinishAuthorizationResponse:
        raise failure(status, "code", "<why>", retry_after=7)

    async with running(answering(fails)) as edge:
        answer = await edge.ask("GET", CALLBACK)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert answer.headers[header[0]] == header[1]
        assert b"&lt;why&gt;" in answer.body


async def test_a_bug_is_a_page_with_the_request_id() -> None:
    """And with nothing else."""

    def breaks(_: object) -> pb.FinishAuthorizationResponse:
        raise RuntimeError("secret detail")

    async with running(answering(breaks)) as edge:
        answer = await edge.ask("GET", CALLBACK, headers={"X-Request-Id": "r-1"})
        assert (answer.status, b"internal error, request id r-1" in answer.body) == (500, True)
        assert b"secret" not in answer.body


async def test_head_calls_nothing_and_a_query_that_is_broken_is_told_without_asking() -> None:
    """The page can be made once only; nobody needs a token on this path."""
    service = answering(lambda _: pb.FinishAuthorizationResponse())
    async with running(service) as edge:
        answer = await edge.ask("HEAD", f"{CALLBACK}?state=s&code=c", token=None)
        assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, b"", "no-store")
        answer = await edge.ask("GET", f"{CALLBACK}?state=%ff", token=None)
        assert (answer.status, b"state must be UTF-8 text" in answer.body) == (400, True)
    assert service.calls == []


@pytest.mark.parametrize("good", [True, False])
def test_the_page_says_one_sentence(good: bool) -> None:
    """Escaped whatever it is, also where it looks like a placeholder; nothing is loaded; success and failure differ in a word."""
    html = page("<img src=x onerror='a'> & $heading \"", good=good)
    assert "&lt;img src=x onerror=&#x27;a&#x27;&gt; &amp; $heading &quot;" in html
    assert ("Not done" in html) is not good
    assert all(word not in html for word in ("http:", "https:", "<script", "<img", "<link", "url("))
