"""What the repository promises to its reader: the README is true, generated code is current, nothing of one machine stays behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from fairlead.cli import exits
from fairlead.cli.main import app
from fairlead.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SKIPPED = {".git", ".venv", ".buf", ".hypothesis", "target", "node_modules", "build", "dist", "golden", "__pycache__"}
KINDS = {".py", ".md", ".toml", ".yaml", ".proto", ".svg", ".xml", ".java", ".html", ".json", ".js", ".ini", ""}
MACHINE = re.compile(r"(?<![\w.$}/:])/(?:work|root|farm|home|Users)/[a-z.]")
REGISTRY = re.compile(
    r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|repo1?\.maven\.(?:apache\.)?org|proxy\.golang\.org|index\.crates\.io)\b"
    r"|\b[\w.-]*(?:artifactory|nexus|devpi)[\w-]*\.[a-z]{2,}\b|--(?:extra-)?index-url"
)


def texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the repository but published data and this file, which names what it looks for."""
    for folder, names, files in os.walk(ROOT):
        names[:] = [name for name in names if name not in SKIPPED and not name.endswith(("_cache", ".egg-info"))]
        for path in (Path(folder) / file for file in files):
            if path.suffix in KINDS and path != Path(__file__):
                yield path.relative_to(ROOT), path.read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of the README, without its head; cells without back-ticks."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def as_text(value: object) -> str:
    """A default as an operator would write it."""
    return "" if value is None or value == () else str(value)


@pytest.mark.parametrize(
    ("pattern", "what"), [(MACHINE, "a path of one machine"), (REGISTRY, "the name of a package registry")]
)
def test_nothing_of_one_machine(pattern: re.Pattern[str], what: str) -> None:
    """A clone works anywhere: no absolute path of a developer's machine and no registry is named."""
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, f"{what}: {found}"


def test_readme_settings() -> None:
    """The table of settings names every setting with its default, in the order of the code, and no other."""
    documented = [(row[0], row[1]) for row in rows("Settings")]
    assert documented == [(PREFIX + field.name.upper(), as_text(field.default)) for field in fields(Settings)]
    assert all(row[2] for row in rows("Settings"))


def commands(group: TyperGroup, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    """Every command with its words, groups left out."""
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, (*words, name))
        elif isinstance(command, TyperCommand):
            yield (*words, name), command


def known_commands() -> dict[tuple[str, ...], TyperCommand]:
    """The commands of the real command line."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(commands(group))


def test_readme_command_table() -> None:
    """Every command stands in the table, every line of the table is a command, and its options exist."""
    known = known_commands()
    documented: set[tuple[str, ...]] = set()
    for row in rows("The command line"):
        if not row[0].startswith("fairlead "):
            continue
        words = tuple(re.findall(r"(?<![\w-])[a-z]+(?![\w-])", row[0].partition(" ")[2].partition("--")[0]))
        assert words in known, row[0]
        options = {
            option for parameter in known[words].params for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert set(re.findall(r"--[a-z-]+", row[0])) <= options, row[0]
        documented.add(words)
    assert documented == known.keys()


def test_readme_commands_in_text() -> None:
    """Each `fairlead` command and make target that the README mentions in passing or in an example exists."""
    known = known_commands()
    for line in re.findall(r"(?:\$\(|`)fairlead ((?:[a-z]+ ?)+)", README):
        words = tuple(line.split())
        assert any(words[: len(name)] == name for name in known), line
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))
    mentioned = set(re.findall(r"(?:`|^|[0-9] )make ([a-z-]+)", README, flags=re.MULTILINE))
    assert {"demo", "test", "help"} <= mentioned
    assert mentioned <= targets


def test_readme_exit_codes() -> None:
    """The table of exit codes holds every one of the command line, and 130 of an interrupt."""
    documented = {int(row[0]) for row in rows("The command line") if row[0].isdigit()}
    known = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert documented == {*known, 130}


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/decisions.md"]
)
def test_links(name: str) -> None:
    """A relative link of a text leads to a file of the repository."""
    text = (ROOT / name).read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []


def test_readme_example_compiles() -> None:
    """The gRPC example names messages, fields and words of the contract as it is: what it builds can be built."""
    source = README.split("```python\n", 1)[1].split("```", 1)[0]
    known: dict[str, object] = {}
    exec(compile(source.split("metadata =", 1)[0], "README.md", "exec"), known)
    for expression in re.findall(
        r"^    (?:connection|export) = (.*?\n    \))$", source, flags=re.MULTILINE | re.DOTALL
    ):
        eval(compile(expression, "README.md", "eval"), known)


@pytest.fixture
def check() -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs one check of the contract."""

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "protos" / "check.py"), name]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    return run


def test_generated_code_is_current(check: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    """The committed code of the contract is what the generator writes from the proto files."""
    done = check("current")
    assert done.returncode == 0, done.stdout + done.stderr
