"""A resource as ``api``, ``engine`` and ``store`` hand it to each other (D21)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NewType

AccountId = NewType("AccountId", str)
"""Whose resource it is: comes from the authenticated context and nowhere else."""

Tree = dict[str, Any]
"""A plain tree of REST names: dict, list, str, int, float, bool, None.

Open values (bags, settings, records) are ``bytes``: raw UTF-8 JSON text, digits and key order as written. On the
way from the API to the engine secret values are wrapped in ``Secret``; a tree that is stored holds none.
"""


@dataclass(frozen=True, slots=True)
class Document:
    """One stored resource.

    ``fields`` is the tree as the client wrote it, without secrets and without output-only members. ``secrets``
    maps the dotted path of each secret to its encrypted envelope. ``runtime`` (``offline``, renewed tokens,
    cookies) has a version of its own, outside ``modified`` and the ``ETag``. ``key`` is unique within the kind over all accounts
    when given (the digest of a token). ``version`` starts at 1 and grows by 1 with every replacement.
    """

    kind: str
    id: str
    account: AccountId
    created: datetime
    modified: datetime
    fields: Tree
    secrets: dict[str, str] = field(default_factory=dict)
    runtime: Tree = field(default_factory=dict)
    version: int = 1
    runtime_version: int = 1
    key: str | None = None

    def replaced(self, fields: Tree, secrets: dict[str, str], runtime: Tree, modified: datetime) -> Document:
        """The next version of this document; the store accepts it only if nobody was faster."""
        return replace(
            self,
            fields=fields,
            secrets=secrets,
            runtime=runtime,
            modified=modified,
            version=self.version + 1,
            runtime_version=self.runtime_version + 1,
        )
