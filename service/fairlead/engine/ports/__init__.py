"""What the engine needs from the parts around it, as Protocols: one file a noun. The engine imports none of those parts.

Concrete parts are chosen in ``fairlead.bootstrap`` only.
"""

from fairlead.engine.ports.auth import Answer, AuthFlow, AuthStrategy, Verdict
from fairlead.engine.ports.codecs import Codec, UnreadableBody
from fairlead.engine.ports.limits import Coordinator, Pools, PoolSettings, RateLimiter, WaitTooLong
from fairlead.engine.ports.mapping import MappingError, Mappings, Operation, RecordMapper
from fairlead.engine.ports.paging import Page, PagingStrategy
from fairlead.engine.ports.results import ApplicationPage, RecordResult
from fairlead.engine.ports.store import DuplicateKey, Store, StoreUnavailable
from fairlead.engine.ports.templates import Place, RegexTime, Scope, Template, TemplateError, Templates
from fairlead.engine.ports.time import Clock, Deadline
from fairlead.engine.ports.transport import Transport, TransportProfile
from fairlead.engine.ports.values import Json

__all__ = [
    "Answer",
    "ApplicationPage",
    "AuthFlow",
    "AuthStrategy",
    "Clock",
    "Codec",
    "Coordinator",
    "Deadline",
    "DuplicateKey",
    "Json",
    "MappingError",
    "Mappings",
    "Operation",
    "Page",
    "PagingStrategy",
    "Place",
    "PoolSettings",
    "Pools",
    "RateLimiter",
    "RecordMapper",
    "RecordResult",
    "RegexTime",
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
]
