"""From a stored document or a posted one to a connection that can run (D21)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.connection import Connection
from fairlead.domain.dialect import http_connection
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import ConditionNotMet, NotSupported, Problem, feature_not_supported, not_found
from fairlead.domain.redaction import Redactor
from fairlead.domain.secret import Secret
from fairlead.engine.body import BodyReader
from fairlead.engine.model import as_written, refuse_unread_answers
from fairlead.engine.ports import AuthStrategy, PoolSettings, Store, TransportProfile
from fairlead.engine.secrets import SecretBox
from fairlead.engine.verdict import ConnectionRules

CONNECTIONS: Final = "connections"
"""The kind under which connections are stored."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A connection with everything the attempt loop needs, made once per version of the document."""

    connection: Connection
    rules: ConnectionRules
    strategy: AuthStrategy
    pool: PoolSettings
    profile: TransportProfile
    retry_header: str


ReaderOf = Callable[[Mapping[str, Any]], BodyReader]
StrategyOf = Callable[[Mapping[str, Any]], AuthStrategy]


class Preparer:
    """Prepares connections; a stored one is kept until its version or runtime version changes."""

    def __init__(
        self, store: Store, box: SecretBox, reader_of: ReaderOf, strategy_of: StrategyOf, *, cache_size: int = 1000
    ) -> None:
        self._store = store
        self._box = box
        self._reader_of = reader_of
        self._strategy_of = strategy_of
        self._cache: dict[str, tuple[tuple[int, int, int], Prepared]] = {}
        self._cache_size = cache_size

    async def stored(self, account: AccountId, id: str) -> Prepared:
        """The stored connection; raises 404 ``NotFound``, and what ``of_tree`` raises."""
        document = await self._store.get(CONNECTIONS, account, id)
        if document is None:
            raise not_found("connection")
        lender = await self._lender(account, document.fields)
        stamp = (document.version, document.runtime_version, lender.version if lender else 0)
        cached = self._cache.get(id)
        if cached is not None and cached[0] == stamp and cached[1].connection.account == account:
            return cached[1]
        prepared = self.of_tree(account, self._box.revealed(document), document=document, lender=lender)
        if len(self._cache) >= self._cache_size:
            del self._cache[next(iter(self._cache))]
        self._cache[id] = (stamp, prepared)
        return prepared

    async def virtual(self, account: AccountId, tree: Tree) -> Prepared:
        """A posted connection that is not stored; it shares the limit of the one that it borrows from. Raises what ``of_tree`` raises."""
        return self.of_tree(account, tree, lender=await self._lender(account, tree))

    async def _lender(self, account: AccountId, fields: Tree) -> Document | None:
        id = fields.get("_borrowConcurrencyFromConnectionId")
        return await self._store.get(CONNECTIONS, account, id) if id else None

    def of_tree(
        self, account: AccountId, tree: Tree, *, document: Document | None = None, lender: Document | None = None
    ) -> Prepared:
        """Prepare a tree whose secrets are ``Secret`` values and whose paths were checked. Raises ``NotSupported`` for a type or
        feature that this build does not run, ``ConditionNotMet`` for an agent that is not attached."""
        type_ = str(tree.get("type"))
        connection = connection_of(account, tree, document=document, lender=lender)
        http = connection.http
        reader = self._reader_of(http)
        try:
            _refuse_unsupported(connection.context, http)
            refuse_unread_answers(http, reader.codecs, "auth", "rateLimit")
            strategy = self._strategy_of(http)
        except NotSupported as error:
            raise NotSupported(as_written(problem, type_, "connection") for problem in error.problems) from None
        connection = replace(connection, redactor=connection.redactor.with_secrets(strategy.secrets(http)))
        key = connection.id or f"virtual:{token_hex(12)}"
        return Prepared(
            connection,
            ConnectionRules.of(http, reader),
            strategy,
            pool_settings(key, http, lender),
            TransportProfile(
                key=f"{key}:{connection.version}",
                strict_tls=not http.get("disableStrictSSL"),
                skip_authorization_on_redirect=bool((http.get("auth") or {}).get("skipFollowAuthorizationHeader")),
            ),
            http.get("retryHeader") or "Retry-After",
        )


def connection_of(
    account: AccountId, tree: Tree, *, document: Document | None = None, lender: Document | None = None
) -> Connection:
    """The running model of a tree whose secrets are ``Secret`` values, whether or not this build can sign in with it."""
    clear = decoded(tree)
    http = http_connection(clear)
    context = {**clear, "http": http}
    return Connection(
        id=document.id if document else "",
        account=account,
        type=str(tree.get("type")),
        name=str(tree.get("name") or ""),
        notation=str(tree.get("type")),
        http=http,
        context={"_id": document.id, **context} if document else context,
        settings=clear.get("settings") or {},
        offline=bool(document.runtime.get("offline")) if document else False,
        stored=document is not None,
        version=document.version if document else 0,
        lender_id=lender.id if lender else None,
        redactor=Redactor(_secret_texts(tree)),
    )


def pool_settings(id: str, http: Mapping[str, Any], lender: Document | None) -> PoolSettings:
    """The pool of a connection: the lender's queue, level and pause when it borrows (connections.md 8.3)."""
    if lender is not None:
        id, http = lender.id, http_connection(lender.fields)
    level = http.get("concurrencyLevel")
    pause = (http.get("rateLimit") or {}).get("limit") if level == 1 else None
    return PoolSettings(id, None if level is None else int(level), float(pause) / 1000 if pause is not None else 0.0)


def _refuse_unsupported(clear: Mapping[str, Any], http: Mapping[str, Any]) -> None:
    if clear.get("_agentId"):
        raise ConditionNotMet(Problem("agent_offline", "no agent is attached for this connection", "_agentId"))
    if http.get("clientCertificates"):
        raise feature_not_supported("http.clientCertificates", "a TLS client certificate")
    if clear.get("autoRecoverRateLimitErrors") and http.get("targetConcurrencyLevel") is not None:
        raise feature_not_supported("autoRecoverRateLimitErrors", "automatic recovery of the concurrency level")


def decoded(node: Any) -> Any:
    """The tree with secrets in clear and open values decoded, as templates see it."""
    if isinstance(node, Secret):
        node = node.reveal()
    if isinstance(node, bytes):
        return jsonvalue.loads(node)
    if isinstance(node, dict):
        return {name: decoded(value) for name, value in node.items()}
    if isinstance(node, list):
        return [decoded(value) for value in node]
    return node


def _secret_texts(node: Any) -> Iterator[str]:
    """Every text below a secret, to be redacted by value."""
    if isinstance(node, Secret):
        value = node.reveal()
        if isinstance(value, bytes):
            yield from _texts(jsonvalue.loads(value))
        else:
            yield value
    elif isinstance(node, dict):
        for value in node.values():
            yield from _secret_texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _secret_texts(value)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif node is not None and not isinstance(node, bool):
        yield jsonvalue.text_of(node)
