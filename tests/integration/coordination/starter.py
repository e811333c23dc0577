"""Starts the whole service when a line comes on stdin, says what it found or made, and stops on the next: ``python starter.py URL``."""

from __future__ import annotations

import asyncio
import json
import sys

from fairlead.bootstrap import open_offices, start_service
from fairlead.settings import Settings

TOKEN = "0123456789abcdef" * 4


async def main(url: str) -> None:
    """One start."""
    keys = None if url.startswith("sqlite") else "k1:" + "A" * 43 + "="
    settings = Settings(
        grpc_address="127.0.0.1:0", database_url=url, bootstrap_token=TOKEN, encryption_keys=keys, state_keys=keys
    )
    print("{}", flush=True)
    sys.stdin.readline()
    running = await start_service(settings)
    async with open_offices(settings) as offices:
        tokens = [token.id for token in await offices.tokens.list()]
        account = (await offices.accounts.ensure_default()).id
    print(json.dumps({"tokens": tokens, "account": account, "replica": running.replica.me}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await running.stop(1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
