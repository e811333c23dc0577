"""Where the rules of a filter or transform stand in its document (exports-imports.md 6, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.domain.document import Tree
from fairlead.domain.errors import NotSupported, Problem
from fairlead.engine.ports import Json
from fairlead.mapping.values import opened


def refuse_script(expression: Tree, field: str) -> None:
    """Raise ``script_runtime_unavailable`` for what a script would have to decide: never skipped silently (contract.md 8)."""
    called = expression.get("script") or {}
    kind = expression.get("type")
    if kind == "script" or (kind is None and called.get("_scriptId") and not _has_rules(expression)):
        message = f"{field}: this build has no script runtime"
        raise NotSupported(Problem("script_runtime_unavailable", message, field))


def rules_of(expression: Tree, field: str) -> tuple[Json, str]:
    """The rules, decoded, and the field that holds them: ``expression.rules`` first, then the older ``rules``."""
    inner = expression.get("expression") or {}
    if inner.get("rules") is not None or expression.get("rules") is None:
        return opened(inner.get("rules")), f"{field}.expression.rules"
    return opened(expression.get("rules")), f"{field}.rules"


def _has_rules(expression: Mapping[str, Any]) -> bool:
    inner = expression.get("expression") or {}
    return any(
        place is not None for place in (inner.get("rules"), inner.get("rulesTwoDotZero"), expression.get("rules"))
    )
