"""Checks the contract: ``python protos/check.py`` runs every check, or the named ones: ``current lint format breaking``.

``current``: the committed code is what the generator writes. ``lint`` and ``format``: buf's rules (``buf.yaml``). ``breaking``: nothing
that the last release promised has changed; the release is the committed image ``protos/released.binpb``, made by
``buf build protos --exclude-source-info -o protos/released.binpb`` when a version is published.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from generate import INCLUDES, PROTOS, ToolFailed, generate, generated, tool

ROOT: Final = PROTOS.parent
RELEASED: Final = PROTOS / "released.binpb"
BORROWED: Final = ("google/api/annotations.proto", "google/api/http.proto")


def current() -> str | None:
    """Nothing, or what differs between the committed code and new output."""
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        wanted, committed = generated(Path(scratch)), generated(PROTOS)
    differing = [
        str(path) for path in sorted(wanted.keys() | committed.keys()) if wanted.get(path) != committed.get(path)
    ]
    return f"not current, run `python protos/generate.py`: {', '.join(differing)}" if differing else None


def lint() -> str | None:
    """Nothing, or that buf found something."""
    return _buf("lint")


def layout() -> str | None:
    """Nothing, or that buf would write a file in another way."""
    return _buf("format", str(PROTOS.relative_to(ROOT)), "-d", "--exit-code")


def breaking() -> str | None:
    """Nothing, or that a client of the last release would break."""
    if not RELEASED.exists():
        print("breaking: there is no release yet to compare with")
        return None
    return _buf("breaking", str(PROTOS.relative_to(ROOT)), "--against", str(RELEASED.relative_to(ROOT)))


CHECKS: Final[dict[str, Callable[[], str | None]]] = {
    "current": current,
    "lint": lint,
    "format": layout,
    "breaking": breaking,
}


def _buf(*arguments: str) -> str | None:
    for name in BORROWED:
        copy = ROOT / ".buf" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(INCLUDES / name, copy)
    ended = subprocess.run([tool("buf"), *arguments], cwd=ROOT, check=False)  # noqa: S603  # our own words only
    return None if ended.returncode == 0 else f"buf {arguments[0]} found what stands above"


def main(names: list[str]) -> int:
    """Run the named checks, all when none is named; the exit code."""
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        print(f"unknown check {unknown[0]!r}; there are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    failed = False
    for name in names or CHECKS:
        try:
            problem = CHECKS[name]()
        except ToolFailed as error:
            problem = str(error)
        print(f"{name}: {problem or 'ok'}", file=sys.stderr if problem else sys.stdout, flush=True)
        failed = failed or problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
