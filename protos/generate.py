"""Writes the Python code of the contract beside its proto files: ``python protos/generate.py``.

Messages (``_pb2.py``) with their types (``_pb2.pyi``) come from every file, stubs and servicers (``_pb2_grpc.py``, ``.pyi``) from
files that declare a service, ``comments.json`` (the texts of the OpenAPI document) from all of them. The output is committed and never
edited; ``protos/check.py`` proves that it is current.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

from comments import comments
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet

PROTOS: Final = Path(__file__).resolve().parent
PACKAGE: Final = Path("fairlead/v1")
INCLUDES: Final = Path(annotations_pb2.__file__).parents[2]
"""Where the installed googleapis-common-protos keeps ``google/api/*.proto``."""

COMMENTS: Final = "comments.json"

_SERVICE: Final = re.compile(r"^service \w+", re.MULTILINE)


class ToolFailed(Exception):
    """A tool is missing or ended with an error; the text says which."""


def tool(name: str) -> str:
    """The path of an executable of the environment that runs this, else of ``PATH``; raises ``ToolFailed``."""
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise ToolFailed(f"{name} is not installed: install the extra `dev` of this project")
    return found


def generated(root: Path) -> dict[Path, bytes]:
    """The generated files below ``root``, by their path relative to it."""
    folder = root / PACKAGE
    return {
        path.relative_to(root): path.read_bytes()
        for pattern in ("*_pb2*.py", "*_pb2*.pyi", COMMENTS)
        for path in sorted(folder.glob(pattern))
    }


def generate(target: Path) -> None:
    """Run the compiler and its plugins, output below ``target``; raises ``ToolFailed``."""
    sources = sorted((PROTOS / PACKAGE).glob("*.proto"))
    services = [path for path in sources if _SERVICE.search(path.read_text("utf-8"))]
    _protoc(sources, [f"--python_out={target}", f"--mypy_out=quiet:{target}"])
    _protoc(services, [f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}"])
    described = target / "described.binpb"
    _protoc(sources, ["--include_source_info", f"--descriptor_set_out={described}"])
    (target / PACKAGE / COMMENTS).write_bytes(comments(FileDescriptorSet.FromString(described.read_bytes())))


def _protoc(sources: list[Path], outputs: list[str]) -> None:
    plugins = [f"--plugin={name}={tool(name)}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    includes = [f"-I{PROTOS}", f"-I{INCLUDES}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", *includes, *plugins, *outputs, *map(str, sources)]
    if subprocess.run(command, check=False).returncode != 0:  # noqa: S603  # our own words only
        raise ToolFailed("protoc refused the contract; its reasons stand above")


def main() -> int:
    """Replace the committed code by new output; the exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            generate(Path(scratch))
        except ToolFailed as error:
            print(error, file=sys.stderr)
            return 1
        files = generated(Path(scratch))
        for stale in generated(PROTOS).keys() - files.keys():
            (PROTOS / stale).unlink()
        for path, content in files.items():
            (PROTOS / path).write_bytes(content)
    print(f"{len(files)} files written below {PROTOS / PACKAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
