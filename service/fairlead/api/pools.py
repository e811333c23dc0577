"""A watched pool as its message."""

from __future__ import annotations

from fairlead.domain.dates import iso
from fairlead.engine.watch import WatchedPool
from fairlead.v1 import pool_pb2


def pool_message(watched: WatchedPool) -> pool_pb2.Pool:
    """Without the members that have nothing to say."""
    settings, totals, lender = watched.settings, watched.totals, watched.lender
    until = watched.cooling_until
    return pool_pb2.Pool(
        id=watched.connection.id,
        name=str(watched.connection.fields.get("name") or ""),
        lender_id=lender.id if lender else "",
        lender_name=str(lender.fields.get("name") or "") if lender else "",
        level=settings.level,
        effective_level=watched.effective,
        pause_ms=round(settings.pause * 1000, 3),
        in_flight=totals.in_flight,
        waiting=totals.waiting,
        cooling_until=iso(until) if until else "",
        cooling_ms=round(totals.cooling * 1000, 3),
        requests_per_second=round(totals.requests_per_second, 2),
        refused=totals.refused,
        processes=totals.processes,
        at=iso(watched.at),
    )
