"""Fields that write below the same name must not change a record that one of them copied from."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.domain.paths import Step
from fairlead.mapping.target import Target

_ELEMENT = ""
"""Stands for every index and star: ``a[0]``, ``a.0`` and ``a[*]`` may meet."""


def keep_apart(targets: Iterable[Target]) -> None:
    """Let a target set copies when another one writes below it; the others, nearly all, share what they set with the record."""
    targets = list(targets)
    above = {shape[:depth] for shape in map(_shape, targets) for depth in range(1, len(shape))}
    for target in targets:
        if _shape(target) in above:
            target.copying()


def _shape(target: Target) -> tuple[str, ...]:
    return tuple(_mark(step) for step in target.steps)


def _mark(step: Step) -> str:
    return step if isinstance(step, str) and not step.isdecimal() else _ELEMENT
