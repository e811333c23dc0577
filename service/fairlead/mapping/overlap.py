"""Fields that write below the same name must not change a record that one of them copied from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fairlead.mapping.target import Target


def keep_apart(targets: Iterable[Target]) -> None:
    """Let targets that begin with the same name set copies; the others, nearly all, share what they set with the record."""
    targets = list(targets)
    counts = Counter(target.steps[0] for target in targets)
    for target in targets:
        if counts[target.steps[0]] > 1:
            target.copying()
