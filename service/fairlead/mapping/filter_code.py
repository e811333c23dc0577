"""A filter's tree as one Python function.

The source is put together from the shape of the tree alone: generated names and the words of our own files. Every name, text and number
of the document is bound as a value in the function's globals and never stands in source text; nothing else is reachable from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import CodeType
from typing import Any, Final

from fairlead.domain.jsonvalue import NOTHING, JsonError
from fairlead.engine.ports import Json, MappingError, Scope, TemplateError
from fairlead.mapping.filter_operators import OPERATORS
from fairlead.mapping.filter_tree import Node
from fairlead.mapping.filter_values import numeric, row_of, truth
from fairlead.mapping.filter_writer import Writer
from fairlead.mapping.source import Work

Passes = Callable[[Json, Scope], bool]
"""A record and what surrounds it to whether it passes; raises ``MappingError``."""


def compile_tree(tree: Node, field: str) -> Passes:
    """The function of a tree that was parsed without problems; its errors name ``field``, where the rules stand."""
    writer = Writer()
    body = writer.truth(tree)
    globals_ = {**_GLOBALS, **writer.bound, "failed": partial(_failed, field)}
    exec(_code(_function(body, writer.prepared)), globals_)  # noqa: S102  # our own words and generated names only
    passes: Passes = globals_["passes"]
    return passes


@lru_cache(maxsize=256)
def _code(source: str) -> CodeType:
    """Filters of one shape share their code."""
    return compile(source, "<filter>", "exec")


def _function(body: str, prepared: Mapping[str, str]) -> str:
    lines = [f"    {name} = {made}" for name, made in prepared.items()]
    head = "def passes(record, scope):\n"
    return head + "\n".join([*lines, "    try:", f"        return {body}", *_FAILING])


_FAILING: Final = ("    except failures as error:", "        raise failed(error) from None")


def _failed(field: str, error: Exception) -> MappingError:
    """Whatever stops a record here, in the words of a filter. A bare ``TemplateError`` is of a regular expression of ``matches``: those of
    templates come as ``MappingError``."""
    if isinstance(error, MappingError):
        return MappingError(error.code, error.message, "filter")
    code = "invalid_filter" if isinstance(error, TemplateError) else "mapping_error"
    return MappingError(code, f"{field}: {error}", "filter")


def _given(value: Json) -> Json:
    return None if value is NOTHING else value


_GLOBALS: Final[Mapping[str, Any]] = {
    "__builtins__": {},
    **{f"op_{name}": operator.function for name, operator in OPERATORS.items() if operator.function},
    "type": type,
    "str": str,
    "int": int,
    "dict": dict,
    "NOTHING": NOTHING,
    "empties": (str, list, dict),
    "numeric": numeric,
    "truth": truth,
    "row_of": row_of,
    "given": _given,
    "Work": Work,
    "failures": (MappingError, TemplateError, JsonError),
}
