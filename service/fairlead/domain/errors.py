"""The error tree: what can go wrong, in domain words.

Raised anywhere below the edges and translated once, in ``fairlead.api.errors``, to a REST status and a gRPC
code (contract.md 1.4, 1.5, 1.17). The class says what the caller can do about it; the ``Problem`` entries say
which field, which code word and why. No message ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of the error envelope (contract.md 1.5).

    ``code`` is the stable machine word, ``field`` a dotted path from the top of the request body in REST
    spelling, ``source`` the part involved when an application or a hook was (contract.md 1.16).
    """

    code: str
    message: str
    field: str | None = None
    source: str | None = None

    def below(self, prefix: str) -> Problem:
        """The same problem, its field moved below ``prefix`` (``export`` turns ``http.method`` into ``export.http.method``)."""
        if not prefix:
            return self
        field = f"{prefix}.{self.field}" if self.field else prefix
        return Problem(self.code, self.message, field, self.source)


class FairleadError(Exception):
    """Base of all domain errors: one or more problems, never none."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if not self.problems:
            raise ValueError("an error needs at least one problem")
        super().__init__("; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in self.problems))


class InvalidRequest(FairleadError):
    """The request cannot be read: malformed JSON, unusable query parameters (400)."""


class InvalidContent(FairleadError):
    """The request was read and its content is wrong (422)."""


class ConditionNotMet(FairleadError):
    """The content is right, the state of a resource forbids the call (422): ``connection_offline`` and the like."""


class NotSupported(FairleadError):
    """This build stores the thing but cannot run it yet (422)."""


class ApplicationFailure(FairleadError):
    """The application refused, failed or could not be reached while a call needed it (422, contract.md 1.16).

    ``deadline`` is true when the caller's own deadline ended the attempt, ``in_doubt`` when the end of the run cut off a request
    that had been sent: nobody knows whether the application acted on it.
    """

    def __init__(
        self, problems: Problem | Iterable[Problem], *, deadline: bool = False, in_doubt: bool = False
    ) -> None:
        super().__init__(problems)
        self.deadline = deadline
        self.in_doubt = in_doubt


class AuthenticationFailed(ApplicationFailure):
    """The application refused the credentials for good; the stored connection goes offline (connections.md 6.2)."""


class Unauthenticated(FairleadError):
    """No token, or one that is not valid (401)."""


class AccessRestricted(FairleadError):
    """A valid token that may not do this (403)."""


class NotFound(FairleadError):
    """No such resource in the account, or no such route (404)."""


class MethodNotAllowed(FairleadError):
    """The route exists, the method does not (405)."""


class PreconditionFailed(FairleadError):
    """``If-Match`` was given and does not match (412)."""


class PayloadTooLarge(FairleadError):
    """The request is over a size limit (413)."""


class UnsupportedMediaType(FairleadError):
    """The request body is not JSON (415)."""


class RetryLater(FairleadError):
    """Base of the errors that name a time after which to try again."""

    def __init__(self, problems: Problem | Iterable[Problem], *, retry_after: int = 1) -> None:
        super().__init__(problems)
        self.retry_after = retry_after  # whole seconds, at least 1


class RateLimited(RetryLater):
    """The account's own bucket is empty (429)."""


class ServiceUnavailable(RetryLater):
    """The store is away or this process has all the work it can hold (503)."""


class InternalError(FairleadError):
    """A bug; the message carries only the request id (500)."""


def not_found(what: str) -> NotFound:
    """The 404 for a resource, or for anything that looks like one: ``what`` names the kind, never the account."""
    return NotFound(Problem("not_found", f"{what} not found"))


def feature_not_supported(field: str, what: str) -> NotSupported:
    """422 for a known field that is stored but cannot be acted on yet when a call would need it."""
    return NotSupported(
        Problem("feature_not_supported", f"{what} is stored but not supported by this build yet", field)
    )
