"""Takes the comments out of compiled proto files: full name to text, as the OpenAPI document prints them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

_MEMBERS: Final = {
    "FileDescriptorProto": {4: "message_type", 5: "enum_type", 6: "service"},
    "DescriptorProto": {2: "field", 3: "nested_type", 4: "enum_type"},
    "EnumDescriptorProto": {2: "value"},
    "ServiceDescriptorProto": {2: "method"},
}
"""Which steps of a source location's path lead to something with a name (descriptor.proto, SourceCodeInfo)."""


def comments(files: FileDescriptorSet) -> bytes:
    """A JSON object in order of name, one comment a line."""
    found = dict(pair for file in files.file for pair in _of_file(file))
    return (json.dumps(found, indent=0, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _of_file(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        text = _unwrapped(location.leading_comments or location.trailing_comments)
        name = _name(file, location.path)
        if text and name:
            yield name, text


def _name(file: FileDescriptorProto, path: Sequence[int]) -> str | None:
    """The full name of what stands at a path, ``None`` for things without a name of their own (options, types)."""
    node: Any = file
    names = [file.package]
    if len(path) % 2 or not path:
        return None
    for number, index in zip(path[::2], path[1::2], strict=True):
        member = _MEMBERS.get(type(node).__name__, {}).get(number)
        if member is None:
            return None
        node = getattr(node, member)[index]
        names.append(node.name)
    return ".".join(names)


def _unwrapped(comment: str) -> str:
    """Paragraphs as one line each."""
    paragraphs = [paragraph.splitlines() for paragraph in comment.strip().split("\n\n")]
    return "\n\n".join(" ".join(line.strip() for line in lines) for lines in paragraphs)
