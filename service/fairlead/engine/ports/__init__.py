"""What the engine needs from the parts around it, as Protocols: one file a noun. The engine imports none of those parts.

Concrete parts are chosen in ``fairlead.bootstrap`` only.
"""

from fairlead.engine.ports.auth import (
    Answer,
    AuthFlow,
    AuthSession,
    AuthStrategy,
    CodeGrant,
    Credentials,
    RenewalFailed,
    RenewalFlow,
    RenewalRefused,
    RenewalRequest,
    Verdict,
)
from fairlead.engine.ports.codecs import (
    BatchWriter,
    BodyTooLarge,
    Codec,
    CsvFormat,
    ReadOptions,
    RecordReader,
    RecordWriter,
    UnreadableBody,
)
from fairlead.engine.ports.coordination import Coordination, Note, Written
from fairlead.engine.ports.limits import (
    VIRTUAL,
    Coordinator,
    Pools,
    PoolSettings,
    PoolState,
    RateLimiter,
    WaitTooLong,
)
from fairlead.engine.ports.mapping import (
    Expressions,
    LookupPending,
    MappingError,
    Mappings,
    Operation,
    RecordFilter,
    RecordMapper,
    RecordTransform,
)
from fairlead.engine.ports.paging import Page, PagingStrategy
from fairlead.engine.ports.results import ApplicationPage, RecordResult
from fairlead.engine.ports.store import DuplicateKey, Store, StoreUnavailable
from fairlead.engine.ports.templates import Place, RegexTime, Scope, Template, TemplateError, Templates
from fairlead.engine.ports.time import Clock, Deadline
from fairlead.engine.ports.transport import ClientIdentity, Transport, TransportProfile, host_of, identity_of
from fairlead.engine.ports.values import Json
from fairlead.engine.ports.watching import PoolTotals, Watching

__all__ = [
    "VIRTUAL",
    "Answer",
    "ApplicationPage",
    "AuthFlow",
    "AuthSession",
    "AuthStrategy",
    "BatchWriter",
    "BodyTooLarge",
    "ClientIdentity",
    "Clock",
    "CodeGrant",
    "Codec",
    "Coordination",
    "Coordinator",
    "Credentials",
    "CsvFormat",
    "Deadline",
    "DuplicateKey",
    "Expressions",
    "Json",
    "LookupPending",
    "MappingError",
    "Mappings",
    "Note",
    "Operation",
    "Page",
    "PagingStrategy",
    "Place",
    "PoolSettings",
    "PoolState",
    "PoolTotals",
    "Pools",
    "RateLimiter",
    "ReadOptions",
    "RecordFilter",
    "RecordMapper",
    "RecordReader",
    "RecordResult",
    "RecordTransform",
    "RecordWriter",
    "RegexTime",
    "RenewalFailed",
    "RenewalFlow",
    "RenewalRefused",
    "RenewalRequest",
    "Scope",
    "Store",
    "StoreUnavailable",
    "Template",
    "TemplateError",
    "Templates",
    "Transport",
    "TransportProfile",
    "UnreadableBody",
    "Verdict",
    "WaitTooLong",
    "Watching",
    "Written",
    "host_of",
    "identity_of",
]
