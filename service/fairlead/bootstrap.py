"""Settings in, a running service out: the only place that knows every concrete part."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from fairlead.api.authorization import AuthorizationServicer
from fairlead.api.connections import ConnectionServicer
from fairlead.api.exports import ExportServicer
from fairlead.api.grpc_server import GrpcServer
from fairlead.api.iclients import IclientServicer
from fairlead.api.load import Load
from fairlead.api.metrics import Metrics, observe_load
from fairlead.api.pool_metrics import observe_pools
from fairlead.api.service import Service
from fairlead.api.tokens import EdgeServicer, TokenServicer
from fairlead.api.tracing import tracing
from fairlead.auth import oauth_authorization
from fairlead.auth.registry import strategy_for
from fairlead.auth.revocation import revocation
from fairlead.codecs.media_types import codec_for_content_type
from fairlead.codecs.registry import codecs
from fairlead.crypto.key import KeyringError
from fairlead.crypto.keyfile import KeyFileError, key_file_path, load_or_generate
from fairlead.crypto.keyring import Keyring
from fairlead.domain.registry import Registry
from fairlead.engine.accounts import Accounts
from fairlead.engine.attempt import Attempts
from fairlead.engine.authorization import Authorization
from fairlead.engine.authorization_states import States
from fairlead.engine.body import BodyReader
from fairlead.engine.connections import Connections
from fairlead.engine.deletion import Deletion
from fairlead.engine.export_plan import ExportPlanner
from fairlead.engine.exports import Exports
from fairlead.engine.iclients import Iclients
from fairlead.engine.imports import Imports
from fairlead.engine.page_cache import PageCache
from fairlead.engine.paged_state import PagedStates
from fairlead.engine.ping import Ping
from fairlead.engine.pooling import limits_of
from fairlead.engine.ports import Store, StoreUnavailable
from fairlead.engine.prepare import Prepared, Preparer
from fairlead.engine.preview import Preview
from fairlead.engine.renewal import RENEWAL_SECONDS, Renewals
from fairlead.engine.run import Executor
from fairlead.engine.runs import Runs
from fairlead.engine.secrets import SecretBox
from fairlead.engine.tokens import Tokens
from fairlead.engine.watch import Watch
from fairlead.executors.http.executor import HttpExecutor
from fairlead.limits.bucket import ANONYMOUS, BucketSize
from fairlead.limits.coordinator import StoreCoordinator
from fairlead.limits.limiter import LeakyBuckets
from fairlead.limits.news import News
from fairlead.limits.pools import Pools
from fairlead.limits.replica import Replica
from fairlead.limits.retry_after import wait_seconds
from fairlead.limits.slot import outlives
from fairlead.limits.watching import Watching
from fairlead.mapping.compiler import MappingCompiler
from fairlead.mapping.expressions import ExpressionCompiler
from fairlead.paging.registry import paging_strategies
from fairlead.public_url import PublicUrl
from fairlead.settings import Settings
from fairlead.store.open import open_store, sqlite_path
from fairlead.templates.compiler import TemplateCompiler
from fairlead.transport.client import HttpTransport
from fairlead.transport.clock import SystemClock
from fairlead.transport.egress import EgressPolicy

log: Final = structlog.get_logger("fairlead.start")


class StartError(Exception):
    """The service cannot start; the message says why and what to do."""


@dataclass(slots=True)
class Offices:
    """What the operator's commands need: the store with accounts and tokens, no server."""

    store: Store
    accounts: Accounts
    tokens: Tokens


@dataclass(slots=True)
class Running:
    """A running service."""

    service: Service
    load: Load
    registry: CollectorRegistry
    store_name: str
    grpc_address: str
    grpc: GrpcServer
    transport: HttpTransport
    renewals: Renewals
    authorization: Authorization
    deletion: Deletion
    public_url: PublicUrl
    replica: Replica
    store: Store

    async def ready(self) -> bool:
        """Whether the store answers."""
        try:
            await self.store.ping()
        except StoreUnavailable:
            return False
        return True

    async def stop(self, grace: float) -> None:
        """Let running calls end within ``grace`` seconds, then close sockets and store."""
        await self.grpc.stop(grace)
        await self.authorization.close(RENEWAL_SECONDS)
        await self.deletion.close(RENEWAL_SECONDS)
        await self.renewals.close(RENEWAL_SECONDS)
        await self.transport.close()
        await self.replica.close()
        await self.store.close()


@asynccontextmanager
async def open_offices(settings: Settings) -> AsyncIterator[Offices]:
    """Open the database for one command. Raises ``StartError``."""
    store = await _open_store(settings)
    try:
        clock = SystemClock()
        yield Offices(store, Accounts(store, clock), Tokens(store, clock))
    finally:
        await store.close()


async def start_service(settings: Settings) -> Running:
    """Wire every part and listen. Raises ``StartError`` with a sentence for the operator, ``OSError`` for a port in use."""
    try:
        egress = EgressPolicy.parse(settings.egress_allow)
    except ValueError as error:
        raise StartError(f"FAIRLEAD_EGRESS_ALLOW: {error}") from None
    store = await _open_store(settings)
    try:
        replica = Replica(store.coordination(), SystemClock())
        try:
            await replica.start()
            return await _start(settings, egress, store, replica)
        except BaseException:
            await replica.close()
            raise
    except StoreUnavailable as error:
        await store.close()
        raise StartError(f"the database does not answer: {error}") from None
    except BaseException:
        await store.close()
        raise


async def _start(settings: Settings, egress: EgressPolicy, store: Store, replica: Replica) -> Running:
    encryption, state = _keyrings(settings)
    clock = SystemClock()
    accounts, tokens = Accounts(store, clock), Tokens(store, clock)
    default = await accounts.ensure_default()
    if settings.bootstrap_token:
        await tokens.ensure_bootstrap(default, settings.bootstrap_token)

    registry = CollectorRegistry()
    pools = Pools(clock, cap=settings.max_outbound, replica=replica)
    transport = HttpTransport(egress, clock, may_send=pools.may_send, outlives=outlives)
    observe_pools(pools, registry)
    own_limit = BucketSize(settings.rate_limit_size, settings.rate_limit_per_second)
    limiter = LeakyBuckets(clock, own_limit, ANONYMOUS, replica)
    await limiter.join()
    templates = TemplateCompiler()
    mappings = MappingCompiler(templates)
    box = SecretBox(encryption)
    preparer = Preparer(store, box, _reader_of, strategy_for, templates, clock)
    News(replica, pools.changes, partial(limits_of, store))
    executors: Registry[Executor] = Registry("adaptor")
    http = HttpExecutor(templates, codecs, paging_strategies, clock)
    executors.add("http", http)
    executors.add("rest", http)

    coordinator = StoreCoordinator(clock, replica)
    connections = Connections(store, box, preparer, pools, clock, coordinator, executors)

    async def refused(prepared: Prepared) -> None:
        if prepared.connection.stored:
            await connections.set_offline(prepared.connection.account, prepared.connection.id, True)

    renewals = Renewals(store, box, clock)
    attempts = Attempts(transport, pools, clock, wait_seconds, renewals, refused)
    deletion = Deletion(connections, preparer, attempts, revocation)
    runs = Runs(attempts, clock, executors)
    public_url = PublicUrl(settings.public_url, settings.http_address)
    expressions = ExpressionCompiler(templates, mappings)
    planner = ExportPlanner(runs, mappings, expressions)
    states = States(store, box, state, clock)
    authorization = Authorization(store, box, states, preparer, attempts, oauth_authorization, public_url)
    load = new_load(settings, registry)
    service = Service(
        {
            "AuthorizationService": AuthorizationServicer(authorization, settings.oauth_return_url),
            "ConnectionService": ConnectionServicer(
                connections,
                deletion,
                Ping(preparer, connections, runs, clock),
                Watch(store, Watching(replica, pools), clock),
                Exports(
                    preparer, runs, PagedStates(state, clock), planner, PageCache(clock, settings.page_cache_bytes)
                ),
                Imports(preparer, runs, mappings, expressions),
                load,
            ),
            "ExportService": ExportServicer(Preview(preparer, runs, planner, clock)),
            "IclientService": IclientServicer(Iclients(store, box, clock, coordinator, templates)),
            "TokenService": TokenServicer(),
            "EdgeService": EdgeServicer(),
        },
        tokens,
        limiter,
        Metrics(registry),
        [tracing(settings.otel_endpoint)] if settings.otel_endpoint else [],
    )
    grpc = GrpcServer(service, load, settings.trusted_proxies)
    try:
        address = await grpc.start(settings.grpc_address)
    except OSError:
        raise StartError(
            f"FAIRLEAD_GRPC_ADDRESS {settings.grpc_address}: cannot listen there; is the port in use?"
        ) from None
    return Running(
        service,
        load,
        registry,
        _store_name(settings),
        address,
        grpc,
        transport,
        renewals,
        authorization,
        deletion,
        public_url,
        replica,
        store,
    )


def new_load(settings: Settings, registry: CollectorRegistry) -> Load:
    """What bounds the work of this process, with its metrics."""
    loop = asyncio.get_running_loop()
    load = Load(time.monotonic, loop.call_soon, calls=settings.max_calls, body_bytes=settings.max_bodies_bytes)
    observe_load(load, registry)
    return load


def configure_logs(settings: Settings) -> None:
    """One JSON object a line on stderr, from the level of ``FAIRLEAD_LOG_LEVEL`` on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, settings.log_level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=os.fdopen(os.dup(2), "w", buffering=1)),
        cache_logger_on_first_use=True,
    )


def _reader_of(http: Mapping[str, Any]) -> BodyReader:
    return BodyReader(
        codecs,
        codec_for_content_type,
        http.get("mediaType") or "json",
        http.get("successMediaType"),
        http.get("errorMediaType"),
    )


async def _open_store(settings: Settings) -> Store:
    try:
        store = open_store(settings.database_url)
        async with asyncio.timeout(30):
            await store.ping()
    except ValueError as error:
        raise StartError(f"FAIRLEAD_DATABASE_URL: {error}") from None
    except (StoreUnavailable, TimeoutError) as error:
        raise StartError(f"the database does not answer: {error}") from None
    return store


def _keyrings(settings: Settings) -> tuple[Keyring, Keyring]:
    """Encryption and state keys: from the settings; with SQLite what is missing comes from the file beside the database."""
    try:
        database = sqlite_path(settings.database_url)
        made = None
        if database is not None and not (settings.encryption_keys and settings.state_keys):
            made = load_or_generate(key_file_path(database))
            if made.was_exposed:
                log.warning(
                    "key file was readable by others; it is closed to them now, its keys may be known",
                    path=str(made.path),
                )
        rings = []
        for name, text in (("encryption", settings.encryption_keys), ("state", settings.state_keys)):
            if text:
                rings.append(_parsed(f"FAIRLEAD_{name.upper()}_KEYS", text))
            elif made is not None:
                rings.append(getattr(made, name))
        encryption, state = rings
    except KeyFileError as error:
        raise StartError(str(error)) from None
    except ValueError as error:
        raise StartError(str(error)) from None
    return encryption, state


def _parsed(variable: str, text: str) -> Keyring:
    try:
        return Keyring.parse(text)
    except KeyringError as error:
        raise StartError(f"{variable}: {error}") from None


def _store_name(settings: Settings) -> str:
    path = sqlite_path(settings.database_url)
    return f"SQLite file {path}" if path is not None else "MongoDB"
