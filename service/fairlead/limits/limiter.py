"""Who may call us how often: the buckets of accounts and of remote addresses (contract.md 1.14)."""

from __future__ import annotations

from fairlead.engine.ports import Clock
from fairlead.limits.bucket import ACCOUNT, ANONYMOUS, Buckets, BucketSize
from fairlead.limits.bucket_shares import BucketShares
from fairlead.limits.replica import Replica


class LeakyBuckets:
    """``engine.ports.RateLimiter``: one bucket per account over all processes on the store, and in each process another set per remote
    address for requests without a valid token."""

    def __init__(
        self,
        clock: Clock,
        account: BucketSize = ACCOUNT,
        anonymous: BucketSize = ANONYMOUS,
        replica: Replica | None = None,
    ) -> None:
        """Without ``replica`` right as long as one process works on the store."""
        self._accounts = Buckets(clock, account)
        self._anonymous = Buckets(clock, anonymous)
        self._shares = BucketShares(replica, self._accounts) if replica is not None else None

    async def join(self) -> None:
        """Find the other processes, before the first request. Raises ``StoreUnavailable``."""
        if self._shares is not None:
            await self._shares.join()

    def take(self, bucket: str, *, anonymous: bool = False) -> int:
        """Take one token; 0, or the whole seconds (at least 1) until there is one; 1 when only ``take_elsewhere`` can tell. A refused
        request takes none."""
        if not anonymous and self._shares is not None and self._shares.is_elsewhere:
            return 1
        buckets = self._anonymous if anonymous else self._accounts
        return 0 if buckets.take(bucket) else buckets.seconds(bucket)

    async def take_elsewhere(self, bucket: str) -> int:
        """Take a token that another process has left for the account, as ``take``; at most ``bucket_asking.PATIENCE`` seconds go by."""
        return self._accounts.seconds(bucket) if self._shares is None else await self._shares.take(bucket)

    def put_back(self, bucket: str) -> None:
        """Give a token back that was taken to see whether there is one."""
        if self._shares is None:
            self._accounts.receive(bucket, 1)
        else:
            self._shares.put_back(bucket)

    def __len__(self) -> int:
        return len(self._accounts) + len(self._anonymous)
