"""The closed list of helpers: a new one is a function and a row in its module (handlebars.md 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fairlead.domain.registry import Registry
from fairlead.templates.helpers import arithmetic, arrays, blocks, dates, digests, encoding, regex, tests, text
from fairlead.templates.helpers.arguments import Helper
from fairlead.templates.helpers.blocks import BlockHelper

_MODULES: Final[tuple[Mapping[str, Helper], ...]] = (
    arithmetic.HELPERS,
    text.HELPERS,
    arrays.HELPERS,
    dates.HELPERS,
    encoding.HELPERS,
    regex.HELPERS,
    digests.HELPERS,
    tests.HELPERS,
)


def _inline() -> Registry[Helper]:
    registry: Registry[Helper] = Registry("helper")
    for helpers in _MODULES:
        for name, helper in helpers.items():
            registry.add(name, helper)
    return registry


def _blocks() -> Registry[BlockHelper]:
    registry: Registry[BlockHelper] = Registry("block helper")
    for name, helper in blocks.BLOCKS.items():
        registry.add(name, helper)
    return registry


INLINE: Final = _inline()
BLOCKS: Final = _blocks()
MAY_ASK: Final = frozenset({"if", "unless", "each", "with", "isEmpty", "getValue", "hasOwn", "isTruthy", "isFalsey"})
"""Helpers that may ask for missing values in strict mode (handlebars.md 4)."""
