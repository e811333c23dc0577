"""Is a body one JSON document? Judged once per body, before anything looks inside (contract.md 1.3)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

MAX_DEPTH: Final = 100
_LONGEST_SHOWN_KEY: Final = 200

_DOCUMENT: Final = msgspec.json.Decoder(msgspec.Raw)
_BLANKS: Final = b" \t\r\n"
_PRIVATE_USE: Final = range(0xE000, 0xF900)

_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u(?P<half>[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_UNICODE_ESCAPE: Final = re.compile(rb"\\u[0-9a-fA-F]{4}")

_RUNS: Final = re.compile(rb"(\[+)(\]+)")
_PEELED: Final = 8
_OPENING: Final = bytes.maketrans(b"{}", b"[]")
_ALL_BUT_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b'[]{}"')


class SyntaxProblem(ValueError):
    """The text is not one JSON document; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class JsonText:
    """A valid JSON document without white space around it.

    msgspec refuses escapes that are half of a surrogate pair (``\\ud800`` alone). They are replaced by escapes that occur
    nowhere else in the text; ``stand_ins`` maps these back and :meth:`original` puts the halves in place again.
    """

    text: bytes
    stand_ins: Mapping[bytes, bytes] = field(default_factory=dict)

    def original(self, part: bytes) -> bytes:
        """A part of the document as it was sent."""
        if not self.stand_ins:
            return part
        return _UNICODE_ESCAPE.sub(lambda match: self.stand_ins.get(match[0], match[0]), part)

    def shown(self, key: str) -> str:
        """A key of the document as a path shows it: its first 200 characters, U+FFFD for half of a surrogate pair, ``""`` for
        the empty key."""
        key = key[:_LONGEST_SHOWN_KEY]
        if self.stand_ins:
            key = "".join("\N{REPLACEMENT CHARACTER}" if self._stands_in(letter) else letter for letter in key)
        return key or '""'

    def _stands_in(self, letter: str) -> bool:
        return ord(letter) in _PRIVATE_USE and b"\\u%04x" % ord(letter) in self.stand_ins

    def has_half(self, part: bytes) -> bool:
        """Whether a part of the document contains half of a surrogate pair, which no text field can hold."""
        return any(match[0] in self.stand_ins for match in _UNICODE_ESCAPE.finditer(part))


def checked(body: bytes, *, empty: bytes = b"") -> JsonText:
    """Judge syntax, encoding, depth and that there is one document; white space and a byte order mark around it are dropped.

    ``empty`` is what stands for a body without any text. Raises :class:`SyntaxProblem`. Costs one pass without building anything, two when a lone surrogate is met.
    """
    if not body.isascii():
        body = body.removeprefix(codecs.BOM_UTF8)
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise SyntaxProblem(f"not UTF-8 (byte {error.start})") from None
    text = body.strip(_BLANKS) or empty
    try:
        result = _document(text)
    except SyntaxProblem:
        replaced = _without_halves(text)
        if not replaced.stand_ins:
            raise
        _document(replaced.text)
        result = replaced
    if result.text.count(b"[") + result.text.count(b"{") > MAX_DEPTH and _is_deep(result.text):
        raise SyntaxProblem(f"nested deeper than {MAX_DEPTH} levels")
    return result


def _document(text: bytes) -> JsonText:
    try:
        _DOCUMENT.decode(text)
    except RecursionError:
        raise SyntaxProblem(f"nested deeper than {MAX_DEPTH} levels") from None
    except msgspec.DecodeError as error:
        raise SyntaxProblem(str(error).removeprefix("JSON is malformed: ")) from None
    return JsonText(text)


def _without_halves(text: bytes) -> JsonText:
    taken = {match.lower() for match in _UNICODE_ESCAPE.findall(text)}
    free: Iterator[bytes] = (escape for code in _PRIVATE_USE if (escape := b"\\u%04x" % code) not in taken)
    stand_in_of: dict[bytes, bytes] = {}

    def replace(match: re.Match[bytes]) -> bytes:
        if match["half"] is None:
            return match[0]
        half = match[0]
        if half not in stand_in_of:
            stand_in_of[half] = next(free, half)
        return stand_in_of[half]

    return JsonText(_ESCAPE.sub(replace, text), {stand_in: half for half, stand_in in stand_in_of.items()})


def _is_deep(text: bytes) -> bool:
    """Whether valid JSON is nested deeper than allowed.

    The text is stripped to its brackets, the innermost pairs are peeled off a few times, which leaves nothing of ordinary
    bodies (5 ms per MiB), and what is left is walked in runs, so that the worst body costs a tenth of a second per MiB.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes side by side are an empty string, or the end of one string and the start of the next: either may go.
    skeleton = text.translate(_OPENING, _ALL_BUT_BRACKETS).replace(b'""', b"")
    brackets = b"".join(skeleton.split(b'"')[::2])
    for _ in range(_PEELED):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    depth = _PEELED
    for opened, closed in _RUNS.findall(brackets):
        depth += len(opened)
        if depth > MAX_DEPTH:
            return True
        depth -= len(closed)
    return False
