"""A connection ready to run: one model for both notations, secrets in clear."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairlead.domain.document import AccountId, Tree
from fairlead.domain.redaction import Redactor


@dataclass(frozen=True, slots=True)
class Connection:
    """What the engine runs with. Built by ``fairlead.engine.prepare`` and never stored.

    ``http`` is the block in the ``http`` dialect (connections.md 1.2), secrets in clear, open values decoded. ``context`` is what
    templates see as ``connection`` (handlebars.md 2.2): the document with secrets in clear, ``rest`` beside ``http`` when it was
    written so. ``notation`` is the block as written (``http`` or ``rest``): problems name fields in it.
    """

    id: str
    account: AccountId
    type: str
    name: str
    notation: str
    http: Tree
    context: Tree
    settings: Tree = field(default_factory=dict)
    client: Tree = field(default_factory=dict)
    """The iClient that it refers to, secrets in clear; templates see it as ``iClient``."""
    offline: bool = False
    needs_authorization: bool = False
    """Only a person in a browser can sign in (contract.md 2.1)."""
    stored: bool = True
    version: int = 0
    lender_id: str | None = None
    redactor: Redactor = field(default_factory=Redactor)

    def __repr__(self) -> str:
        return f"Connection({self.id}, {self.type})"
