"""Services made up for a test, with routes as it needs them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from fairlead.v1 import options_pb2

_numbers = count()


def service(rules: Mapping[str, Mapping[str, Any]], *, is_open: bool = False) -> ServiceDescriptor:
    """A service with one rpc per rule; every request has the text fields ``id`` and ``name`` and the number ``size``."""
    package = f"test.routes{next(_numbers)}"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    file.dependency.extend(["google/api/annotations.proto", "fairlead/v1/options.proto"])
    request, response = file.message_type.add(name="Request"), file.message_type.add(name="Response")
    for number, name in enumerate(("id", "name"), 1):
        request.field.add(name=name, number=number, type=9, label=1, json_name=name)
    request.field.add(name="size", number=3, type=5, label=1, json_name="size")
    response.field.add(name="text", number=1, type=9, label=1, json_name="text")
    declared = file.service.add(name="Things")
    for rpc, rule in rules.items():
        method = declared.method.add(name=rpc, input_type=f".{package}.Request", output_type=f".{package}.Response")
        method.options.Extensions[options_pb2.method].open = is_open
        http = method.options.Extensions[annotations_pb2.http]
        for key, value in rule.items():
            if key == "also":
                for more in value:
                    http.additional_bindings.add(**more)
            elif key == "custom":
                http.custom.kind, http.custom.path = value
            else:
                setattr(http, key, value)
    return descriptor_pool.Default().AddSerializedFile(file.SerializeToString()).services_by_name["Things"]
