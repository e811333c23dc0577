"""Regular expressions of ECMAScript (handlebars.md 6.6), run by the RegExp of quickjs-ng (D17).

One fixed host function; pattern, flags and text are data. A match is stopped after 100 ms, all matches of one call of the API together
after 2 s; memory is bounded. A context belongs to one thread.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from typing import Any, Final

import quickjs

from fairlead.engine.ports import RegexTime, TemplateError
from fairlead.templates.budget import MAX_OUTPUT, bounded
from fairlead.templates.helpers.arguments import Arguments, Helper, Known, known_text
from fairlead.templates.numbers import NAN, number_of_text
from fairlead.templates.values import Value

_MATCH_SECONDS: Final = 0.1
_MEMORY: Final = 96 * 1024 * 1024
"""Bytes; a text of 10 MiB and its result fit."""
_FLAGS: Final = frozenset("gimsu")
_AWKWARD: Final = re.compile("[\0\ud800-\udfff\U00010000-\U0010ffff]").search
_HOST: Final = """
(function (LIMIT) {
  const kept = new Map();
  function compiled(pattern, flags) {
    const key = flags + '/' + pattern;
    let found = kept.get(key);
    if (found === undefined) {
      found = new RegExp(pattern, flags);
      if (kept.size >= 256) kept.clear();
      if (key.length <= 1024) kept.set(key, found);
    }
    found.lastIndex = 0;
    return found;
  }
  // GetSubstitution of ECMA-262 22.1.3.19.1, in steps that the time limit can stop and with a bound on what it makes
  function parts(template, groups, named) {
    const found = template.split(/(\\$(?:[$&`']|[0-9]{1,2}|<[^>]*>))/);
    return found.map((part, index) => {
      if (index % 2 === 0) return part;
      if (part[1] === '$') return '$';
      if (part[1] === '<') return named ? { name: part.slice(2, -1) } : part;
      if (!/[0-9]/.test(part[1])) return { kind: part[1] };
      const both = +part.slice(1), one = +part[1];
      if (both >= 1 && both <= groups) return { group: both };
      return one >= 1 && one <= groups ? { group: one, tail: part.slice(2) } : part;
    });
  }
  function replace(expression, text, template) {
    let left = LIMIT, pieces = null;
    return text.replace(expression, (...found) => {
      const named = typeof found[found.length - 1] === 'object' ? found.pop() : undefined;
      const offset = found[found.length - 2];
      if (pieces === null) pieces = parts(template, found.length - 3, named);
      let made = '';
      for (const piece of pieces) {
        let next;
        if (typeof piece === 'string') next = piece;
        else if (piece.name !== undefined) next = String(named[piece.name] ?? '');
        else if (piece.group) next = (found[piece.group] ?? '') + (piece.tail ?? '');
        else if (piece.kind === '&') next = found[0];
        else next = piece.kind === '`' ? text.slice(0, offset) : text.slice(offset + found[0].length);
        if ((left -= next.length) < 0) throw new RangeError('too long');
        made += next;
      }
      return made;
    });
  }
  function run(work, pattern, flags, text, more) {
    if (work === 'check') { compiled(pattern, flags); return null; }
    if (work === 'search') return text.search(compiled(pattern, flags));
    if (work === 'test') return compiled(pattern, flags).test(text);
    if (work === 'replace') return replace(compiled(pattern, flags), text, more);
    const all = compiled(pattern, flags.includes('g') ? flags : flags + 'g');
    let left = more;
    for (let found; (found = all.exec(text)) !== null; left--) {
      if (left === 0) return found[0];
      if (found[0] === '') all.lastIndex += all.unicode && text.codePointAt(all.lastIndex) > 0xffff ? 2 : 1;
    }
    return null;
  }
  return function (work, pattern, flags, text, more, quoted) {
    if (!quoted) return run(work, pattern, flags, text, more);
    const [aPattern, aText, aMore] = JSON.parse(quoted);
    return JSON.stringify(run(work, aPattern, flags, aText, aMore));
  };
})
"""


class _Engines(threading.local):
    """One JavaScript context per thread."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Forget everything: after a limit was exceeded."""
        self.context = quickjs.Context()
        self.context.set_memory_limit(_MEMORY)
        self.run = self.context.eval(_HOST)(MAX_OUTPUT)


_engines: Final = _Engines()


def _execute(work: str, pattern: str, flags: str, text: str, more: str | int, allowed: RegexTime) -> Any:
    if unknown := sorted(set(flags) - _FLAGS):
        raise TemplateError(f"regular expression: unknown flag {unknown[0]!r}; known: g, i, m, s, u")
    if allowed.left <= 0:
        raise TemplateError("the regular expressions of this call took longer than 2 s together")
    _engines.context.set_time_limit(min(_MATCH_SECONDS, allowed.left))
    # the binding cuts texts at NUL and refuses lone surrogates, which a match may make of a letter beyond U+FFFF: they travel as JSON escapes
    awkward = _AWKWARD(pattern) or _AWKWARD(text) or (isinstance(more, str) and _AWKWARD(more))
    quoted = json.dumps([pattern, text, more]) if awkward else ""
    started = time.perf_counter()
    try:
        if quoted:
            return json.loads(_engines.run(work, "", flags, "", 0, quoted))
        return _engines.run(work, pattern, flags, text, more, "")
    except quickjs.JSException as error:
        message = str(error).partition("\n")[0]
        if message.startswith("SyntaxError"):
            raise TemplateError(f"bad regular expression: {message.removeprefix('SyntaxError: ')}") from None
        _engines.renew()
        raise TemplateError("a regular expression took longer than 100 ms or too much memory") from None
    finally:
        allowed.left -= time.perf_counter() - started


def matches(pattern: str, text: str, allowed: RegexTime) -> bool:
    """Whether the pattern is found anywhere in the text. Raises ``TemplateError`` for a bad pattern and an exceeded limit."""
    return bool(_execute("test", pattern, "", text, 0, allowed))


def check_pattern(pattern: str, flags: str = "") -> None:
    """Raises ``TemplateError`` when the pattern cannot be compiled."""
    _execute("check", pattern, flags, "", 0, RegexTime())


def _match(arguments: Arguments) -> Value:
    index, flags = 0, arguments.text(3)
    if arguments.given(2):
        number = arguments.number(2)
        if math.isnan(number):
            flags = arguments.text(2)
        else:
            index = int(min(max(number, -1), 2**31 - 1))
    if index < 0:
        return ""
    found = _execute("match", arguments.text(1), flags, arguments.text(0), index, arguments.rendering.scope.regex_time)
    return "" if found is None else found


def _replace(arguments: Arguments) -> Value:
    text, replacement, pattern = arguments.text(0), arguments.text(1), arguments.text(2)
    replaced = _execute("replace", pattern, arguments.text(3), text, replacement, arguments.rendering.scope.regex_time)
    bounded(len(replaced))
    return replaced


def _search(arguments: Arguments) -> Value:
    time_left = arguments.rendering.scope.regex_time
    return int(_execute("search", arguments.text(1), arguments.text(2), arguments.text(0), 0, time_left))


def _check(known: Known, pattern_at: int, flags_at: int) -> None:
    pattern, flags = known_text(known, pattern_at), known_text(known, flags_at) or ""
    if pattern is not None:
        check_pattern(pattern, flags)


def _check_match(known: Known) -> None:
    third = known_text(known, 2)
    is_flags = third is not None and number_of_text(third) is NAN
    _check(known, 1, 2 if is_flags else 3)


HELPERS: Final = {
    "regexMatch": Helper(_match, _check_match),
    "regexReplace": Helper(_replace, lambda known: _check(known, 2, 3)),
    "regexSearch": Helper(_search, lambda known: _check(known, 1, 2)),
}
