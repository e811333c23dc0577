"""Who may come in: request id, bearer token, our own rate limit."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from fairlead.api.admission import ADMIT_METHOD, Admission, request_id
from fairlead.api.call import Call
from fairlead.domain.errors import FairleadError, RateLimited, Unauthenticated
from fairlead.engine.accounts import Accounts
from fairlead.engine.tokens import Tokens
from fairlead.limits.bucket import BucketSize
from fairlead.limits.limiter import LeakyBuckets
from fairlead.store.sqlite import SqliteStore
from tests.unit.clock import ManualClock

GET = "/fairlead.v1.ConnectionService/GetConnection"
OPEN = "/fairlead.v1.OpenService/Anything"


class Door:
    """An admission with small buckets, and a token."""

    def __init__(self, store: SqliteStore) -> None:
        self.clock = ManualClock()
        self.accounts = Accounts(store, self.clock)
        self.tokens = Tokens(store, self.clock)
        limiter = LeakyBuckets(self.clock, BucketSize(3, 1), BucketSize(2, 1))
        self.admission = Admission(self.tokens, limiter, frozenset({OPEN}))
        self.text = ""
        self.account = ""

    async def make(self) -> None:
        """The account and its token."""
        self.account = (await self.accounts.ensure_default()).id
        self.text = await self.tokens.create((await self.accounts.ensure_default()).id, "t")

    async def call(self, authorization: str | None, method: str = GET, *, remote: str = "1.2.3.4", **more: str) -> Call:
        """One admitted call."""
        metadata = {name.replace("_", "-"): value for name, value in more.items()}
        if authorization is not None:
            metadata["authorization"] = authorization
        call = Call(method, metadata, remote)
        await self.admission.admit(call)
        return call

    async def refused(
        self, kind: type[FairleadError], authorization: str | None, method: str = GET, **more: str
    ) -> str:
        """The message of a refusal."""
        with pytest.raises(kind) as error:
            await self.call(authorization, method, **more)
        return error.value.problems[0].message


@pytest_asyncio.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """With an empty store."""
    store = SqliteStore(tmp_path / "fairlead.db")
    door = Door(store)
    await door.make()
    yield door
    await store.close()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_a_token_says_who_calls(door: Door, scheme: str) -> None:
    """contract.md 1.2: the scheme word is matched without case."""
    call = await door.call(f"{scheme} {door.text}")
    assert call.who.account == door.account


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "Unauthorized"),
        ("Basic abc", "Unauthorized"),
        ("", "Unauthorized"),
        ("Bearer", "Bearer Authentication Failed"),
        ("Bearer ", "Bearer Authentication Failed"),
        (f"Bearer {'0' * 64}", "Bearer Authentication Failed"),
    ],
)
async def test_no_token_and_a_wrong_token(door: Door, authorization: str | None, message: str) -> None:
    """contract.md 1.2: two texts, one status."""
    assert await door.refused(Unauthenticated, authorization) == message


async def test_an_account_has_one_bucket(door: Door) -> None:
    """contract.md 1.14: one token per request; empty is 429 with whole seconds, and takes nothing."""
    for _ in range(3):
        await door.call(f"Bearer {door.text}", remote="another each time")
    for _ in range(5):
        with pytest.raises(RateLimited) as error:
            await door.call(f"Bearer {door.text}")
        assert error.value.retry_after == 1
    assert error.value.problems[0].message == "Too many requests. Retry after 1 seconds."
    await door.clock.advance(1)
    await door.call(f"Bearer {door.text}")


async def test_who_has_no_valid_token_draws_from_the_bucket_of_the_address(door: Door) -> None:
    """contract.md 1.14: 429 for a guessing address, not for others, and not for the account."""
    for _ in range(2):
        await door.refused(Unauthenticated, None)
    assert "Retry after" in await door.refused(RateLimited, f"Bearer {'0' * 64}")
    await door.refused(Unauthenticated, None, remote="5.6.7.8")
    assert (await door.call(f"Bearer {door.text}")).who.account == door.account


async def test_a_check_before_a_large_body_counts_nothing(door: Door) -> None:
    """D20: the metadata does so for ``Admit`` only; an Admit without it counts."""
    for _ in range(10):
        await door.call(f"Bearer {door.text}", ADMIT_METHOD, fairlead_admit="check")
    for _ in range(3):
        await door.call(f"Bearer {door.text}", GET, fairlead_admit="check")
    await door.refused(RateLimited, f"Bearer {door.text}", ADMIT_METHOD)
    await door.refused(Unauthenticated, "Bearer x", ADMIT_METHOD, fairlead_admit="check")


async def test_a_large_body_is_not_read_for_nothing(door: Door) -> None:
    """contract.md 1.14: the check refuses with an empty bucket, too, and takes no token of the one that flows in."""
    for _ in range(3):
        await door.call(f"Bearer {door.text}")
    assert "Retry after 1 seconds" in await door.refused(
        RateLimited, f"Bearer {door.text}", ADMIT_METHOD, fairlead_admit="check"
    )
    await door.clock.advance(1)
    for _ in range(3):
        await door.call(f"Bearer {door.text}", ADMIT_METHOD, fairlead_admit="check")
    await door.call(f"Bearer {door.text}")


async def test_an_open_method_asks_for_nothing(door: Door) -> None:
    """contract.md 1.2: and has nobody to ask about."""
    call = await door.call(None, OPEN)
    assert call.request_id
    with pytest.raises(RuntimeError, match="needs an authenticated caller"):
        call.who  # noqa: B018  # reading it is the test


async def test_open_methods_draw_from_the_bucket_of_the_address(door: Door) -> None:
    """contract.md 1.14: whoever tries states cannot do so without bound, and does not use up what an account has."""
    for _ in range(2):
        await door.call(None, OPEN)
    assert "Retry after 1 seconds" in await door.refused(RateLimited, None, OPEN)
    await door.call(None, OPEN, remote="5.6.7.8")
    for _ in range(3):
        await door.call(f"Bearer {door.text}")


KEPT = ["a", "0" * 128, "with blank", "!~", "{}"]
REPLACED = ["", "0" * 129, "tab\there", "line\n", "ü", "\x7f"]


@pytest.mark.parametrize(("given", "kept"), [*((g, True) for g in KEPT), *((g, False) for g in REPLACED)])
def test_the_request_id(given: str, kept: bool) -> None:
    """contract.md 1.1: the client's when it is printable and at most 128 characters long, else a new one."""
    made = request_id({"x-request-id": given})
    assert (made == given) is kept
    if not kept:
        assert re.fullmatch("[0-9a-f]{32}", made)
        assert request_id({}) != request_id({})
