"""Filters and transforms of documents, with the templates and mappings that they are made of (exports-imports.md 6, 7)."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.domain.document import Tree
from fairlead.engine.ports import Mappings, Templates
from fairlead.mapping.filters import CompiledFilter, compile_filter
from fairlead.mapping.transforms import CompiledTransform, compile_transform


class ExpressionCompiler:
    """Compiles the rules of filters and transforms; ``field`` is where they stand in the document (``filter``)."""

    def __init__(self, templates: Templates, mappings: Mappings) -> None:
        self._templates = templates
        self._mappings = mappings

    def compile_filter(self, expression: Tree | None, field: str) -> CompiledFilter:
        """Raises ``InvalidContent`` (``invalid_filter``) with every problem at once, or ``NotSupported`` for a script."""
        return compile_filter(expression, field, self._templates)

    def compile_transform(
        self, expression: Tree | None, field: str, *, lookups: Sequence[Tree] = ()
    ) -> CompiledTransform:
        """``lookups``: those of the document, which mappings of the rules may name (12). Raises ``InvalidContent`` with every problem at
        once, or ``NotSupported`` for a script."""
        return compile_transform(expression, field, self._mappings, lookups=lookups)
