"""Redaction by value: a secret is found in a text however it is written (contract.md 1.7)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache

from fairlead.domain.charset import encodable
from fairlead.domain.secret import MASK

_SHORTEST = 4
"""Secrets below this length are not searched for: they would blank out ordinary text."""

_LOOK_AHEAD = 16
"""How much longer than what is shown the text is that is redacted: a mask is shorter than what it hides."""

_LONGEST_ESCAPE = 6
"""Characters that one may become: ``\\u0026``."""

_MOST_LEARNED = 64
"""Secrets learned at work that are searched for: the tokens and cookies of a connection's last renewals."""


_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos", "\n": "#10", "\t": "#9", "\r": "#13"}
_LONGEST_PATTERN = 4096
"""Characters of a secret that are searched for in every spelling; of a longer one the rest is masked where it stands as it is."""


@lru_cache(maxsize=1024)
def _character(character: str) -> str:
    """A pattern of everything that a character becomes in URLs, forms, JSON (also quoted in JSON) and XML, escaped once or twice."""
    if character in _PLAIN:
        return character
    raw = character.encode("utf-8", "surrogatepass")
    code = ord(character)
    units = character.encode("utf-16-be", "surrogatepass")
    ways = [
        re.escape(character),
        "".join(f"%(?:25)?{_hex(byte, 2)}" for byte in raw),
        "".join(r"\\{1,2}u" + _hex(int.from_bytes(units[at : at + 2], "big"), 4) for at in range(0, len(units), 2)),
        f"&(?:amp;)?#(?:{code}|[xX]0{{0,3}}{_hex(code, 1)});",
    ]
    if character in _NAMED:
        ways.append(f"&(?:amp;)?{_NAMED[character]};")
    if character == " ":
        ways.append(r"\+")
    quoted = json.dumps(character)[1:-1]
    if len(quoted) == 2:
        ways.append(r"\\{1,3}" + re.escape(quoted[1]))
    elif character == "/":
        ways.append(r"\\{1,2}/")
    return f"(?:{'|'.join(ways)})"


def _hex(number: int, digits: int) -> str:
    return "".join(d if d.isdigit() else f"[{d}{d.upper()}]" for d in f"{number:0{digits}x}")


def _spellings(secret: str) -> str:
    """A pattern of the secret however it is escaped."""
    head, rest = secret[:_LONGEST_PATTERN], secret[_LONGEST_PATTERN:]
    return "".join(map(_character, head)) + (f"(?:{re.escape(rest)})?" if rest else "")


def _encodings(secret: str) -> set[str]:
    """The secret in hex and Base64, the latter wherever it begins in a longer text."""
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {raw.hex(), raw.hex().upper()}
    for shift in range(3):
        # At each alignment only the characters that depend on the secret alone can be searched for.
        text = base64.b64encode(b"\0" * shift + raw).decode()
        start = (0, 2, 3)[shift]
        end = len(text.rstrip("=")) - (0 if (len(raw) + shift) % 3 == 0 else 1)
        core = text[start:end]
        if len(core) >= _SHORTEST:
            forms.add(core)
            forms.add(core.replace("+", "-").replace("/", "_"))
    return forms


class Redactor:
    """Replaces every known secret in a text by the mask, longest first; the text can then be sent: it has a UTF-8 form. What is searched for
    is compiled when the first text comes."""

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
        return encodable(self._pattern.sub(MASK, text) if self._pattern else text)

    def cut(self, text: str, limit: int, also: Iterable[str] = ()) -> str:
        """The first ``limit`` characters of the redacted text; of a long text only as much is looked at as that needs. ``also``: secrets
        that nobody will look for again."""
        head = text[: limit * _LOOK_AHEAD]
        for pattern in (_spellings(secret) for secret in also if len(secret) >= _SHORTEST):
            head = re.sub(pattern, MASK, head)
        shown = self(head)
        if len(text) > limit * _LOOK_AHEAD:
            # The end of the head may hold the beginning of a secret.
            shown = shown[: max(0, len(shown) - self._longest)]
        return shown[:limit]

    def _compile(self) -> None:
        secrets = sorted((*self._secrets, *self._learned), key=len, reverse=True)
        encoded = sorted({form for secret in secrets for form in _encodings(secret)}, key=len, reverse=True)
        # Base64 of the longer secret may hold that of a shorter one: all of it goes first.
        patterns = [*map(_spellings, encoded), *map(_spellings, secrets)]
        self._longest = max((len(form) for form in (*encoded, *secrets)), default=0) * _LONGEST_ESCAPE
        self._pattern = re.compile("|".join(patterns)) if patterns else None
        self._stale = False

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets) + len(self._learned)} secrets)"
