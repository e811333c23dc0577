"""Redaction by value: a secret is found in a text however it is written (contract.md 1.7)."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from fairlead.domain.secret import MASK

_SHORTEST = 4
"""Secrets below this length are not searched for: they would blank out ordinary text."""

_LOOK_AHEAD = 16
"""How much longer than what is shown the text is that is redacted: a mask is shorter than what it hides."""

_MOST_LEARNED = 64
"""Secrets learned at work that are searched for: the tokens and cookies of a connection's last renewals."""


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    in_json = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    forms = {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, safe="-_.!~*'()", errors="replace"),
        quote_plus(secret, errors="replace"),
        *in_json,
        in_json[0].replace("/", "\\/"),
        # an application that quotes the JSON it was sent in JSON of its own
        *(json.dumps(text, ensure_ascii=False)[1:-1] for text in in_json),
        html.escape(secret),
        html.escape(secret, quote=False),
        html.escape(secret, quote=False).replace('"', "&quot;").replace("'", "&apos;"),
        raw.hex(),
        raw.hex().upper(),
    }
    for shift in range(3):
        # At each alignment only the characters that depend on the secret alone can be searched for.
        text = base64.b64encode(b"\0" * shift + raw).decode()
        start = (0, 2, 3)[shift]
        end = len(text.rstrip("=")) - (0 if (len(raw) + shift) % 3 == 0 else 1)
        core = text[start:end]
        if len(core) >= _SHORTEST:
            forms.add(core)
            forms.add(core.replace("+", "-").replace("/", "_"))
            forms.add(quote(core, safe=""))
    return {form for form in forms if len(form) >= _SHORTEST}


class Redactor:
    """Replaces every known secret in a text by the mask, longest first. What is searched for is compiled when the first text comes."""

    __slots__ = ("_learned", "_longest", "_pattern", "_secrets", "_stale")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(s for s in secrets if len(s) >= _SHORTEST)
        self._learned: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._longest = 0
        self._stale = bool(self._secrets)

    def with_secrets(self, more: Iterable[str]) -> Redactor:
        """A redactor that knows these too."""
        return Redactor((*self._secrets, *self._learned, *more))

    def learn(self, more: Iterable[str]) -> None:
        """Mask these too from now on: tokens and cookies that came while the connection was at work. The latest of them are remembered,
        a bounded number."""
        for secret in more:
            if len(secret) >= _SHORTEST and secret not in self._secrets:
                self._learned.pop(secret, None)
                self._learned[secret] = None
                self._stale = True
        while len(self._learned) > _MOST_LEARNED:
            del self._learned[next(iter(self._learned))]

    def __call__(self, text: str) -> str:
        if self._stale:
            self._compile()
        return self._pattern.sub(MASK, text) if self._pattern else text

    def cut(self, text: str, limit: int, also: Iterable[str] = ()) -> str:
        """The first ``limit`` characters of the redacted text; of a long text only as much is looked at as that needs. ``also``: secrets
        that nobody will look for again, for which nothing is compiled."""
        head = text[: limit * _LOOK_AHEAD]
        for form in sorted((form for secret in also for form in _forms(secret)), key=len, reverse=True):
            head = head.replace(form, MASK)
        shown = self(head)
        if len(head) < len(text):
            # The end of the head may hold the beginning of a secret.
            shown = shown[: max(0, len(shown) - self._longest)]
        return shown[:limit]

    def _compile(self) -> None:
        forms = {form for secret in (*self._secrets, *self._learned) for form in _forms(secret)}
        ordered = sorted(forms, key=len, reverse=True)
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile("|".join(re.escape(form) for form in ordered)) if ordered else None
        self._stale = False

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets) + len(self._learned)} secrets)"
