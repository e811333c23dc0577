"""What several processes on one MongoDB database agree on: a collection of small documents, one operation each (D13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from fairlead.engine.ports import StoreUnavailable
from fairlead.engine.ports.coordination import Note, Written
from fairlead.store.coordination import first_version

COLLECTION: Final = "coordination"
_LAST: Final = "\U0010ffff"
_NONE: Final = {"$lt": 0}
"""A version that no document has."""


class MongoCoordination:
    """``engine.ports.coordination.Coordination`` in a collection. ``at`` of each document is the server's clock at its last write."""

    def __init__(self, client: Any, database: str) -> None:
        """``client`` is the Motor client of the store, which closes it."""
        self._client = client
        self._notes = client[database][COLLECTION]

    async def read(self, key: str) -> Note | None:
        """See ``Coordination``."""
        try:
            found = await self._notes.find_one({"_id": key})
        except PyMongoError as error:
            raise _unavailable(error) from None
        return None if found is None else Note(found["value"], int(found["version"]))

    async def read_all(self, prefix: str) -> Mapping[str, Note]:
        """See ``Coordination``."""
        try:
            found = await self._notes.find({"_id": {"$gte": prefix, "$lt": prefix + _LAST}}).to_list(None)
        except PyMongoError as error:
            raise _unavailable(error) from None
        return {each["_id"][len(prefix) :]: Note(each["value"], int(each["version"])) for each in found}

    async def write(self, key: str, value: Mapping[str, Any], version: int) -> Written | None:
        """See ``Coordination``. A new document is an upsert, which a document that is there makes a duplicate."""
        following = version + 1 if version else first_version()
        try:
            written = await self._notes.find_one_and_update(
                {"_id": key, "version": version or _NONE},
                {"$set": {"value": dict(value), "version": following}, "$currentDate": {"at": True}},
                upsert=not version,
                projection={"at": 1},
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError:
            return None
        except PyMongoError as error:
            raise _unavailable(error) from None
        return None if written is None else Written(following, written["at"].timestamp())

    async def remove(self, key: str, version: int) -> bool:
        """See ``Coordination``."""
        try:
            return bool((await self._notes.delete_one({"_id": key, "version": version})).deleted_count)
        except PyMongoError as error:
            raise _unavailable(error) from None

    def beacon(self) -> tuple[str, int]:
        """One of the servers."""
        return next(iter(sorted(self._client.nodes)), ("127.0.0.1", 27017))


def _unavailable(error: PyMongoError) -> StoreUnavailable:
    return StoreUnavailable(f"MongoDB: {error}")
