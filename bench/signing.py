"""What signing costs a request, by way of signing in: strategy against strategy in one run, an unsigned request beside them.

python -m bench.signing [--rounds 7] [--requests 20000]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from fairlead.auth.registry import strategy_for
from fairlead.domain.cookies import Cookie
from fairlead.domain.http import Headers, HttpRequest, HttpResponse
from fairlead.engine.ports import Answer, AuthSession, Credentials, Verdict

console = Console()
BASIC = {"username": "svc_orders", "password": "S3cr3t:password"}
CONSUMER = {"consumerKey": "ck", "consumerSecret": "cs", "accessToken": "at", "tokenSecret": "ts"}
CHALLENGE = 'Digest realm="orders", qop="auth", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", algorithm={}'

WAYS: dict[str, tuple[dict[str, Any], float]] = {
    "custom (unsigned)": ({"type": "custom"}, 0),
    "basic": ({"type": "basic", "basic": BASIC}, 5),
    "token": ({"type": "token", "token": {"token": "t0k3n-value"}}, 5),
    "oauth": ({"type": "oauth", "token": {"token": "t0k3n-value"}}, 5),
    "cookie": ({"type": "cookie", "cookie": {"uri": "/login"}}, 50),
    "wsse": ({"type": "wsse", "basic": BASIC}, 50),
    "digest MD5": ({"type": "digest", "basic": BASIC, "algorithm": "MD5"}, 50),
    "digest SHA-256": ({"type": "digest", "basic": BASIC, "algorithm": "SHA-256"}, 50),
    "oauth1 HMAC-SHA1": ({"type": "oauth", "oauth1": "hmac-sha1"}, 100),
    "oauth1 HMAC-SHA256": ({"type": "oauth", "oauth1": "hmac-sha256"}, 100),
    "jwtbearer HS256, kept": (
        {"type": "jwtbearer", "jwt": {"signatureMethod": "hmac-sha256", "payload": {"iss": "me"}, "secret": "k" * 32}},
        100,
    ),
}
"""Block ``auth`` and the most microseconds that signing may take."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Wall clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Nothing waits here."""


def signer(auth: dict[str, Any]) -> Callable[[], object]:
    """A function that signs one request as that way does it, its session warmed up."""
    auth = dict(auth)
    algorithm = auth.pop("algorithm", None)
    if method := auth.pop("oauth1", None):
        auth = {"type": "oauth1", "oauth": {"oauth1": {**CONSUMER, "signatureMethod": method}}}
    http = {"baseURI": "https://api.example.test/v1", "mediaType": "json", "auth": auth}
    strategy = strategy_for(http)
    session = AuthSession(http, SystemClock(), token_bytes, lambda text, place: text)
    token = (auth.get("token") or {}).get("token")
    session.credentials = Credentials(token, cookies=(Cookie("SID", "31d4d96e", "api.example.test"),))
    url = "https://api.example.test/v1/orders?limit=5&status=open"
    request = HttpRequest("GET", url, Headers([("Accept", "application/json"), ("User-Agent", "fairlead")]))
    if algorithm is not None:
        flow = strategy.flow(request, session)
        next(flow)
        headers = Headers([("WWW-Authenticate", CHALLENGE.format(algorithm))])
        flow.send(Answer(HttpResponse(401, headers, b""), Verdict.AUTHENTICATION_FAILED, lambda: None))
        with suppress(StopIteration):
            flow.send(Answer(HttpResponse(200, Headers(), b""), Verdict.SUCCESS, lambda: None))
    return lambda: (strategy.is_due(session), next(strategy.flow(request, session)))


def main() -> None:
    """Measure and print; exits 1 when a way takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=20_000)
    options = parser.parse_args()
    signers = {name: signer(auth) for name, (auth, _) in WAYS.items()}
    costs: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in track(range(options.rounds), description="signing", console=console):
        for name, sign in signers.items():
            started = time.perf_counter()
            for _ in range(options.requests):
                sign()
            costs[name].append((time.perf_counter() - started) / options.requests * 1e6)
    unsigned = statistics.median(costs["custom (unsigned)"])
    table = Table("way", "us a request", "of it signing", "ratio to unsigned", "at most", title="Signing one request")
    failed = False
    for name, (_, most) in WAYS.items():
        cost = statistics.median(costs[name])
        added = cost - unsigned
        failed = failed or bool(most and added > most)
        limit = f"{most:g}" if most else ""
        table.add_row(name, f"{cost:.1f}", f"{added:.1f}", f"{cost / unsigned:.1f}", limit)
    console.print(table)
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
