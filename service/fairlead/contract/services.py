"""Finds the services of the contract, so that a new service file is served without naming it anywhere."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Final

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor

import fairlead.v1

_SUFFIX: Final = "_service_pb2"


@cache
def services() -> tuple[ServiceDescriptor, ...]:
    """Every service of ``fairlead.v1`` in order of file name; they are declared in files called ``<noun>_service.proto``."""
    names = sorted(name for _, name, _ in pkgutil.iter_modules(fairlead.v1.__path__) if name.endswith(_SUFFIX))
    files: list[FileDescriptor] = [importlib.import_module(f"fairlead.v1.{name}").DESCRIPTOR for name in names]
    return tuple(service for file in files for service in file.services_by_name.values())


def rpc_name(method: MethodDescriptor) -> str:
    """The name by which an rpc is called: ``/fairlead.v1.ConnectionService/GetConnection``."""
    return f"/{method.containing_service.full_name}/{method.name}"
