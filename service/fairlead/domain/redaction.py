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


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {
        secret,
        quote(secret, safe="", errors="replace"),
        quote(secret, safe="-_.!~*'()", errors="replace"),
        quote_plus(secret, errors="replace"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
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
    """Replaces every known secret in a text by the mask, longest first."""

    __slots__ = ("_longest", "_pattern", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(s for s in secrets if len(s) >= _SHORTEST)
        forms = {form for secret in self._secrets for form in _forms(secret)}
        ordered = sorted(forms, key=len, reverse=True)
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile("|".join(re.escape(form) for form in ordered)) if ordered else None

    def with_secrets(self, more: Iterable[str]) -> Redactor:
        """A redactor that knows these too."""
        return Redactor(self._secrets | set(more))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text

    def cut(self, text: str, limit: int) -> str:
        """The first ``limit`` characters of the redacted text; of a long text only as much is looked at as that needs."""
        head = text[: limit * _LOOK_AHEAD]
        shown = self(head)
        if len(head) < len(text):
            # The end of the head may hold the beginning of a secret.
            shown = shown[: max(0, len(shown) - self._longest)]
        return shown[:limit]

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"
