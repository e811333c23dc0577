"""From a stored document or a posted one to a connection that can run (D21)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from secrets import token_bytes, token_hex
from typing import Any, Final

from fairlead.domain import jsonvalue
from fairlead.domain.connection import Connection
from fairlead.domain.dialect import http_connection
from fairlead.domain.document import AccountId, Document, Tree
from fairlead.domain.errors import ConditionNotMet, NotSupported, Problem, not_found
from fairlead.domain.iclient import with_iclient
from fairlead.domain.redaction import Redactor
from fairlead.domain.secret import Secret
from fairlead.engine.body import BodyReader
from fairlead.engine.credentials import (
    adopt,
    generation_of,
    is_authorized_in_browser,
    needs_authorization,
    stored_credentials,
)
from fairlead.engine.model import as_written, refuse_unread_answers
from fairlead.engine.pooling import CONNECTIONS, lender_of, pool_settings, stored_limits
from fairlead.engine.ports import (
    AuthSession,
    AuthStrategy,
    Clock,
    Credentials,
    Place,
    PoolSettings,
    Scope,
    Store,
    TemplateError,
    Templates,
    TransportProfile,
    host_of,
    identity_of,
)
from fairlead.engine.secrets import SecretBox
from fairlead.engine.verdict import ConnectionRules

ICLIENTS: Final = "iclients"
"""The kind under which iClients are stored."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A connection with everything the attempt loop needs, made once per version of the document."""

    connection: Connection
    rules: ConnectionRules
    renewal_rules: ConnectionRules
    """How answers to token and login requests are judged: read by their own media type, else as JSON."""
    strategy: AuthStrategy
    session: AuthSession
    pool: PoolSettings
    profile: TransportProfile
    retry_header: str


ReaderOf = Callable[[Mapping[str, Any]], BodyReader]
StrategyOf = Callable[[Mapping[str, Any]], AuthStrategy]


@dataclass(slots=True)
class _Cached:
    """A prepared connection, the versions that it was made of, and the runtime part that it last saw."""

    stamp: tuple[int, ...]
    runtime_version: int
    prepared: Prepared


class Preparer:
    """Prepares connections. A stored one is kept until its document changes; what renewals write into the runtime part meanwhile is taken
    over by its session."""

    def __init__(
        self,
        store: Store,
        box: SecretBox,
        reader_of: ReaderOf,
        strategy_of: StrategyOf,
        templates: Templates,
        clock: Clock,
        *,
        cache_size: int = 1000,
    ) -> None:
        self._store = store
        self._box = box
        self._reader_of = reader_of
        self._strategy_of = strategy_of
        self._templates = templates
        self._clock = clock
        self._cache: dict[str, _Cached] = {}
        self._cache_size = cache_size

    async def stored(self, account: AccountId, id: str) -> Prepared:
        """The stored connection; raises 404 ``NotFound``, and what ``of_tree`` raises."""
        document = await self._store.get(CONNECTIONS, account, id)
        if document is None:
            raise not_found("connection")
        lender = await lender_of(self._store, account, document.fields)
        client = await self._client(account, document.fields)
        stamp = (document.version, lender.version if lender else 0, client.version if client else 0)
        cached = self._cache.get(id)
        if cached is not None and cached.prepared.connection.account == account and cached.stamp == stamp:
            if cached.runtime_version != document.runtime_version:
                cached.prepared = self._followed(cached.prepared, document)
                cached.runtime_version = document.runtime_version
            return cached.prepared
        prepared = self.of_tree(account, self._box.revealed(document), document=document, lender=lender, client=client)
        if cached is not None and cached.prepared.connection.account == account:
            _carry_over(cached.prepared, prepared)
        elif len(self._cache) >= self._cache_size:
            del self._cache[next(iter(self._cache))]
        self._cache[id] = _Cached(stamp, document.runtime_version, prepared)
        return prepared

    def _followed(self, prepared: Prepared, document: Document) -> Prepared:
        """The same connection after a change of its runtime part: credentials that another process renewed, whether it is offline."""
        session = prepared.session
        generation = generation_of(document)
        if generation >= session.generation and not session.unsaved:
            http = http_connection(decoded(self._box.revealed(document)))
            credentials = stored_credentials(self._box, document, http)
            if credentials != session.credentials:
                adopt(prepared.connection, session, credentials, generation)
        connection = replace(
            prepared.connection,
            offline=bool(document.runtime.get("offline")),
            needs_authorization=needs_authorization(document, prepared.connection.http),
        )
        return replace(prepared, connection=connection)

    async def virtual(self, account: AccountId, tree: Tree) -> Prepared:
        """A posted connection that is not stored; it shares the limit of the one that it borrows from. Raises what ``of_tree`` raises."""
        lender, client = await lender_of(self._store, account, tree), await self._client(account, tree)
        return self.of_tree(account, tree, lender=lender, client=client)

    async def needs_authorization(self, document: Document) -> bool:
        """Whether a stored connection waits for somebody to sign in in a browser (contract.md 2.1)."""
        http = http_connection(document.fields)
        if (http.get("auth") or {}).get("type") != "oauth":
            return False
        client = await self._client(document.account, document.fields)
        return needs_authorization(document, with_iclient(http, decoded(client.fields)) if client else http)

    async def _client(self, account: AccountId, fields: Tree) -> Document | None:
        """The iClient of an OAuth connection (connections.md 3.3)."""
        block = fields.get(str(fields.get("type")))
        id = block.get("_iClientId") if isinstance(block, Mapping) else None
        return await self._store.get(ICLIENTS, account, id) if id else None

    def of_tree(
        self,
        account: AccountId,
        tree: Tree,
        *,
        document: Document | None = None,
        lender: Document | None = None,
        client: Document | None = None,
    ) -> Prepared:
        """Prepare a tree whose secrets are ``Secret`` values and whose paths were checked. Raises ``NotSupported`` for a type or
        feature that this build does not run, ``ConditionNotMet`` for an agent that is not attached."""
        type_ = str(tree.get("type"))
        client_tree = self._box.revealed(client) if client is not None else None
        connection = connection_of(account, tree, document=document, lender=lender, client=client_tree)
        http = connection.http
        reader = self._reader_of(http)
        try:
            _refuse_without_agent(connection.context)
            refuse_unread_answers(http, reader.codecs, "auth", "rateLimit")
            strategy = self._strategy_of(http)
        except NotSupported as error:
            raise NotSupported(as_written(problem, type_, "connection") for problem in error.problems) from None
        connection = replace(connection, redactor=connection.redactor.with_secrets(strategy.secrets(http)))
        key = connection.id or f"virtual:{token_hex(12)}"
        session = self._session(connection, document)
        return Prepared(
            connection,
            rules := ConnectionRules.of(http, reader),
            replace(rules, reader=self._reader_of({})),
            strategy,
            session,
            stored_limits(document, lender) if document is not None else _virtual_limits(key, connection, lender),
            TransportProfile(
                key=f"{key}:{connection.version}",
                strict_tls=not http.get("disableStrictSSL"),
                skip_authorization_on_redirect=bool((http.get("auth") or {}).get("skipFollowAuthorizationHeader")),
                host=_host(session),
                identity=identity_of(http),
            ),
            http.get("retryHeader") or "Retry-After",
        )

    def _session(self, connection: Connection, document: Document | None) -> AuthSession:
        settings = {"connection": connection.settings}
        names = {"connection": connection.context, "iClient": connection.client, "settings": settings}

        def render(text: str, place: Place) -> str:
            return self._templates.compile(text, place).render(Scope(names, self._clock.now()))

        session = AuthSession(connection.http, self._clock, token_bytes, render)
        if document is not None:
            credentials = stored_credentials(self._box, document, connection.http)
            adopt(connection, session, credentials, generation_of(document))
        else:
            token = (connection.http.get("auth") or {}).get("token") or {}
            session.credentials = Credentials(token.get("token") or None, token.get("refreshToken") or None)
        return session


def _host(session: AuthSession) -> str:
    """The host that the connection's TLS settings count for (connections.md 9); ``""``, none at all, when ``baseURI`` cannot be rendered."""
    try:
        return host_of(session.render(str(session.http.get("baseURI") or ""), Place.PLAIN))
    except TemplateError:
        return ""


def _carry_over(old: Prepared, new: Prepared) -> None:
    """What the process remembers of signing in survives a PUT that leaves place and way as they are (contract.md 2.1)."""
    before, after = old.connection.http, new.connection.http
    if before.get("baseURI") == after.get("baseURI") and before.get("auth") == after.get("auth"):
        new.session.memory = old.session.memory


def connection_of(
    account: AccountId,
    tree: Tree,
    *,
    document: Document | None = None,
    lender: Document | None = None,
    client: Tree | None = None,
) -> Connection:
    """The running model of a tree whose secrets are ``Secret`` values, whether or not this build can sign in with it."""
    clear = decoded(tree)
    http = http_connection(clear)
    clear_client = decoded(client) if client is not None else {}
    if clear_client:
        http = with_iclient(http, clear_client)
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
        client=clear_client,
        offline=bool(document.runtime.get("offline")) if document else False,
        needs_authorization=needs_authorization(document, http) if document else _lacks_token(http),
        stored=document is not None,
        version=document.version if document else 0,
        lender_id=lender.id if lender else None,
        redactor=Redactor((*_secret_texts(tree), *_secret_texts(client or {}))),
    )


def _virtual_limits(key: str, connection: Connection, lender: Document | None) -> PoolSettings:
    """Those of a connection that is stored nowhere: nobody else's, unless it borrows."""
    revision = lender.version if lender is not None else 0
    return replace(pool_settings(key, connection.context, lender), revision=revision, shared=lender is not None)


def _lacks_token(http: Mapping[str, Any]) -> bool:
    return is_authorized_in_browser(http) and not ((http.get("auth") or {}).get("token") or {}).get("token")


def _refuse_without_agent(clear: Mapping[str, Any]) -> None:
    if clear.get("_agentId"):
        raise ConditionNotMet(Problem("agent_offline", "no agent is attached for this connection", "_agentId"))


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
