"""Compiles templates and keeps the ones in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from fairlead.engine.ports import Place
from fairlead.templates.template import CompiledTemplate

_OVERHEAD: Final = 2048
_WEIGHT_PER_CHARACTER: Final = 100
"""Bytes that closures take in memory: measured 80 per character of template."""

_Key = tuple[str, Place, bool]


class TemplateCompiler:
    """Implements ``Templates``: least recently used templates go first when there are too many or they take too much memory.

    May be used from several threads at once.
    """

    def __init__(self, *, max_count: int = 4096, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._kept: OrderedDict[_Key, CompiledTemplate] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def compile(self, text: str, place: Place, *, strict: bool = False) -> CompiledTemplate:
        """The compiled template. Raises ``TemplateError`` that names the line, the column and what is wrong there."""
        key = (text, place, strict)
        with self._lock:
            if (template := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return template
        template = CompiledTemplate(text, place, strict=strict)
        with self._lock:
            self._keep(key, template)
        return template

    def _keep(self, key: _Key, template: CompiledTemplate) -> None:
        if key in self._kept:
            return
        self._kept[key] = template
        self._bytes += _weight(key)
        while self._kept and (len(self._kept) > self._max_count or self._bytes > self._max_bytes):
            dropped, _ = self._kept.popitem(last=False)
            self._bytes -= _weight(dropped)


def _weight(key: _Key) -> int:
    return _OVERHEAD + _WEIGHT_PER_CHARACTER * len(key[0])
