"""Text helpers (handlebars.md 6.2). Every one is linear in its text, whatever the text is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Final

from fairlead.templates.budget import bounded
from fairlead.templates.helpers.arguments import Arguments, Helper
from fairlead.templates.numbers import SPACES
from fairlead.templates.values import Value, text_of, unit_length

_WORD_START: Final = re.compile(r"(?<!\S)(\W*)(\w)")
_ALPHANUMERICS: Final = re.compile(r"[^\W_]+")
_SENTENCE: Final = re.compile(r"(\S)([^.?!]*[.?!]*)")
_FILLED: Final = re.compile(r"\S+")
_PART: Final = 4096
"""Characters that are paid for at a time."""
_MATCH: Final = 4
"""As how many characters a place counts that was found in a text."""


def words_of(text: str, spend: Callable[[int], None] = lambda size: None) -> Iterator[str]:
    """Words by case boundary (``aB``, ``ABc``) and by what is neither letter nor digit. ``spend`` is told of the characters before they
    are read."""
    for run in _ALPHANUMERICS.finditer(text):
        word, start = run.group(), 0
        for at in range(1, len(word)):
            if at % _PART == 0:
                spend(_PART)
            before, here = word[at - 1], word[at]
            after = word[at + 1 : at + 2]
            if here.isupper() and (not before.isupper() or after.islower()):
                yield word[start:at]
                start = at
        spend(len(word) % _PART)
        yield word[start:]


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _plain(change: Callable[[str], str]) -> Helper:
    return Helper(lambda arguments: change(arguments.text(0)))


def _words(arguments: Arguments) -> Iterator[str]:
    return (word.lower() for word in words_of(arguments.text(0), arguments.rendering.budget.spend))


def _joined(separator: str) -> Helper:
    return Helper(lambda arguments: separator.join(_words(arguments)))


def _pascal(arguments: Arguments) -> Value:
    return "".join(map(_capital, _words(arguments)))


def _camel(arguments: Arguments) -> Value:
    first, *rest = [*_words(arguments)] or [""]
    return first + "".join(map(_capital, rest))


def _changed(arguments: Arguments, pattern: re.Pattern[str], text: str, change: Callable[[re.Match[str]], str]) -> str:
    """Every match replaced and paid for."""
    spend = arguments.rendering.budget.spend

    def paid(match: re.Match[str]) -> str:
        spend(_MATCH)
        return change(match)

    return pattern.sub(paid, text)


def _sentence(arguments: Arguments) -> Value:
    text = arguments.text(0).lower()
    return _changed(arguments, _SENTENCE, text, lambda match: match.group(1).upper() + match.group(2))


def _capitalize_all(arguments: Arguments) -> Value:
    text = arguments.text(0)
    return _changed(arguments, _WORD_START, text, lambda match: match.group(1) + match.group(2).upper())


def _chop(text: str) -> str:
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return text[start:end]


def _sanitize(arguments: Arguments) -> Value:
    text, spend = arguments.text(0), arguments.rendering.budget.spend
    kept, at = [], 0
    while (start := text.find("<", at)) >= 0 and (end := text.find(">", start)) >= 0:
        spend(_MATCH)
        kept.append(text[at:start])
        at = end + 1
    return "".join(kept) + text[at:]


def _reverse(arguments: Arguments) -> Value:
    value = arguments.value(0)
    return value[::-1] if isinstance(value, list) else arguments.text(0)[::-1]


def _replace(arguments: Arguments) -> Value:
    text, old, new = arguments.text(0), arguments.text(1), arguments.text(2)
    if not old:
        return text
    bounded(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def _replace_first(arguments: Arguments) -> Value:
    text, old = arguments.text(0), arguments.text(1)
    return text.replace(old, arguments.text(2), 1) if old else text


def _remove_first(arguments: Arguments) -> Value:
    return arguments.text(0).replace(arguments.text(1), "", 1)


def _split(arguments: Arguments) -> Value:
    text, delimiter = arguments.text(0), arguments.text(1)
    index = arguments.integer(2, 0)
    if delimiter not in text:
        return text
    parts = text.split(delimiter) if delimiter else list(text)
    return parts[index] if 0 <= index < len(parts) else ""


def _join(arguments: Arguments) -> Value:
    delimiter = arguments.text(0)
    texts = [text_of(value) for value in arguments.flattened(1)]
    bounded(sum(map(len, texts)) + len(delimiter) * len(texts))
    return delimiter.join(texts)


def _substring(arguments: Arguments) -> Value:
    """Positions count UTF-16 units, as ``a.length`` and ``regexSearch`` do."""
    text = arguments.text(0)
    length = unit_length(text)
    start, end = _position(arguments, 1, 0, length), _position(arguments, 2, length, length)
    start, end = min(start, end), max(start, end)
    if length == len(text):
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")


def _position(arguments: Arguments, index: int, default: int, length: int) -> int:
    """A position within the text as ``String.prototype.substring`` reads it: no number is 0, outside is the nearest end."""
    if not arguments.given(index):
        return default
    number = arguments.number(index)
    return 0 if math.isnan(number) else int(min(max(number, 0), length))


def _padding(arguments: Arguments) -> tuple[str, str]:
    text, filler = arguments.text(0), arguments.text(2, " ")
    width = arguments.number(1)
    missing = width - len(text)
    if not missing > 0 or not filler:
        return text, ""
    bounded(int(min(width, 1e18)))
    count = int(missing)
    return text, (filler * (count // len(filler) + 1))[:count]


def _pad_left(arguments: Arguments) -> Value:
    text, padding = _padding(arguments)
    return padding + text


def _pad_right(arguments: Arguments) -> Value:
    text, padding = _padding(arguments)
    return text + padding


def _truncate_words(arguments: Arguments) -> Value:
    text, suffix = arguments.text(0), arguments.text(2, "…")
    limit = arguments.number(1)
    if not limit >= 0:
        return ""
    if limit < 1:
        return suffix
    spend = arguments.rendering.budget.spend
    for count, word in enumerate(_FILLED.finditer(text), 1):
        spend(_MATCH)
        if count == int(min(limit, 1e18)):
            rest = text[word.end() :]
            return text if not rest.strip() else text[: word.end()].lstrip() + suffix
    return text


def _occurrences(arguments: Arguments) -> Value:
    wanted = arguments.text(1)
    return arguments.text(0).count(wanted) if wanted else 0


HELPERS: Final = {
    "uppercase": _plain(str.upper),
    "lowercase": _plain(str.lower),
    "capitalize": _plain(_capital),
    "capitalizeAll": Helper(_capitalize_all),
    "camelcase": Helper(_camel),
    "pascalcase": Helper(_pascal),
    "snakecase": _joined("_"),
    "dashcase": _joined("-"),
    "dotcase": _joined("."),
    "pathcase": _joined("/"),
    "sentence": Helper(_sentence),
    "trim": _plain(lambda text: text.strip(SPACES)),
    "trimLeft": _plain(lambda text: text.lstrip(SPACES)),
    "trimRight": _plain(lambda text: text.rstrip(SPACES)),
    "chop": _plain(_chop),
    "reverse": Helper(_reverse),
    "replace": Helper(_replace),
    "replacefirst": Helper(_replace_first),
    "removefirst": Helper(_remove_first),
    "split": Helper(_split),
    "join": Helper(_join),
    "substring": Helper(_substring),
    "padLeft": Helper(_pad_left),
    "padRight": Helper(_pad_right),
    "truncateWords": Helper(_truncate_words),
    "occurrences": Helper(_occurrences),
    "sanitize": Helper(_sanitize),
}
