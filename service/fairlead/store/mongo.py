"""The store for several replicas: MongoDB (D9). The only file that opens Motor, and its successor one day.

One collection ``documents``; every operation touches one document, so it is atomic on any topology. ``_id`` is ``<kind>/<id>`` and the
unique ``key`` is ``<kind>/<key>``: one pair of unique indexes serves every kind.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ASCENDING, IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from fairlead.domain.dates import from_millis, to_millis
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.engine.ports import DuplicateKey, StoreUnavailable
from fairlead.store.filters import steps
from fairlead.store.mongo_coordination import MongoCoordination
from fairlead.store.tree import from_bson, to_bson

DATABASE: Final = "fairlead"
"""The database when the URL names none."""

_INDEXES: Final = (
    IndexModel([("key", ASCENDING)], name="by_key", unique=True, sparse=True),
    IndexModel([("kind", ASCENDING), ("account", ASCENDING), ("id", ASCENDING)], name="by_account"),
)
_DEFAULTS: Final = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "timeoutMS": 10_000}
"""Milliseconds, where the URL says nothing: a call that cannot be served fails before its caller has gone."""


class MongoStore:
    """``fairlead.engine.ports.Store`` in a MongoDB database."""

    def __init__(self, client: Any, database: str = DATABASE) -> None:
        """``client`` is a Motor client or one that behaves like it."""
        self._client = client
        self._database = database
        self._documents = client[database]["documents"]
        self._indexed = False

    @classmethod
    def connect(cls, url: str) -> MongoStore:
        """A store on a server; dials nothing yet. Whatever the URL says, a write returns when a majority has it on disk.

        Raises ``ValueError``; the message does not repeat the URL, it may hold a password.
        """
        given = url.partition("?")[2].lower()
        options: dict[str, Any] = {name: value for name, value in _DEFAULTS.items() if f"{name.lower()}=" not in given}
        try:
            with warnings.catch_warnings():
                # PyMongo only warns of options that it does not know, and goes on without them.
                warnings.simplefilter("error", UserWarning)
                client: Any = AsyncIOMotorClient(url, **options, w="majority", journal=True, tz_aware=True, tzinfo=UTC)
            database = client.get_default_database(DATABASE).name
        except (PyMongoError, ValueError, UserWarning) as error:
            raise ValueError(
                f"the database URL cannot be used ({type(error).__name__}); expected mongodb://HOST:PORT/DATABASE?OPTIONS, "
                "user and password percent-encoded, every option one that MongoDB has"
            ) from None
        return cls(client, database)

    async def insert(self, document: Document) -> None:
        """See ``Store``."""
        await self._ask("insert_one", _stored(document))

    async def get(self, kind: str, account: AccountId, id: str) -> Document | None:
        """See ``Store``. Asks for the id alone, which every server looks up in its index, and compares the account here."""
        found = await self._ask("find_one", {"_id": f"{kind}/{id}"})
        return _document(found) if found is not None and found["account"] == account else None

    async def find(self, kind: str, key: str) -> Document | None:
        """See ``Store``."""
        return _loaded(await self._ask("find_one", {"key": f"{kind}/{key}"}))

    async def list(
        self,
        kind: str,
        account: AccountId,
        *,
        filters: Mapping[str, Sequence[str]],
        skip: int = 0,
        limit: int = 1000,
    ) -> Sequence[Document]:
        """See ``Store``."""
        query: Tree = {"kind": kind, "account": account}
        for path, accepted in filters.items():
            query[".".join(["fields", *steps(path)])] = {"$in": [*accepted]}
        return await self._many(query, skip, limit)

    async def list_everywhere(self, kind: str, *, skip: int = 0, limit: int = 1000) -> Sequence[Document]:
        """See ``Store``."""
        return await self._many({"kind": kind}, skip, limit)

    async def replace(self, document: Document) -> bool:
        """See ``Store``."""
        before = {"version": document.version - 1, "runtime_version": document.runtime_version - 1}
        this = _this(document.kind, document.account, document.id) | before
        return bool((await self._ask("replace_one", this, _stored(document))).matched_count)

    async def replace_runtime(self, document: Document, runtime: Tree) -> Document | None:
        """See ``Store``."""
        this = _this(document.kind, document.account, document.id) | {"runtime_version": document.runtime_version}
        change = {"$set": {"runtime": to_bson(runtime)}, "$inc": {"runtime_version": 1}}
        return _loaded(await self._ask("find_one_and_update", this, change, return_document=ReturnDocument.AFTER))

    async def delete(self, kind: str, account: AccountId, id: str, *, version: int | None = None) -> bool:
        """See ``Store``."""
        this = _this(kind, account, id) | ({} if version is None else {"version": version})
        return bool((await self._ask("delete_one", this)).deleted_count)

    async def ping(self) -> None:
        """See ``Store``."""
        await self._ask("find_one", {"_id": ""})

    async def close(self) -> None:
        """See ``Store``."""
        self._client.close()

    def coordination(self) -> MongoCoordination:
        """See ``Store``: another collection, over the same client."""
        return MongoCoordination(self._client, self._database)

    async def _many(self, query: Tree, skip: int, limit: int) -> Sequence[Document]:
        await self._prepare()
        cursor = self._documents.find(query).sort("_id", ASCENDING).skip(skip).limit(limit)
        with _translated():
            return [_document(stored) for stored in await cursor.to_list(limit)]

    async def _ask(self, operation: str, *arguments: Any, **options: Any) -> Any:
        await self._prepare()
        with _translated():
            return await getattr(self._documents, operation)(*arguments, **options)

    async def _prepare(self) -> None:
        """Make the indexes before the first operation, again after a failure; making one that is there changes nothing."""
        if not self._indexed:
            with _translated():
                await self._documents.create_indexes([*_INDEXES])
            self._indexed = True


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError:
        raise DuplicateKey("a document of this kind with this id or key is there") from None
    except PyMongoError as error:
        raise StoreUnavailable(f"MongoDB: {error}") from None


def _this(kind: str, account: AccountId, id: str) -> Tree:
    return {"_id": f"{kind}/{id}", "account": account}


def _stored(document: Document) -> Tree:
    stored: Tree = {
        "_id": f"{document.kind}/{document.id}",
        "kind": document.kind,
        "id": document.id,
        "account": document.account,
        "version": document.version,
        "runtime_version": document.runtime_version,
        "created": from_millis(to_millis(document.created)),
        "modified": from_millis(to_millis(document.modified)),
        "fields": to_bson(document.fields),
        "secrets": to_bson({**document.secrets}),
        "runtime": to_bson(document.runtime),
    }
    if document.key is not None:
        stored["key"] = f"{document.kind}/{document.key}"
    return stored


def _loaded(stored: Tree | None) -> Document | None:
    return None if stored is None else _document(stored)


def _document(stored: Tree) -> Document:
    return Document(
        kind=stored["kind"],
        id=stored["id"],
        account=stored["account"],
        created=stored["created"].replace(tzinfo=UTC),
        modified=stored["modified"].replace(tzinfo=UTC),
        fields=from_bson(stored["fields"]),
        secrets=from_bson(stored["secrets"]),
        runtime=from_bson(stored["runtime"]),
        version=int(stored["version"]),
        runtime_version=int(stored["runtime_version"]),
        key=stored["key"].partition("/")[2] if "key" in stored else None,
    )
