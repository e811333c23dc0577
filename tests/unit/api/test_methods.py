"""Every rpc of the contract finds its servicer's method."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.api.authorization import AuthorizationServicer
from fairlead.api.connections import ConnectionServicer
from fairlead.api.exports import ExportServicer
from fairlead.api.iclients import IclientServicer
from fairlead.api.methods import methods_of
from fairlead.api.tokens import EdgeServicer, TokenServicer
from fairlead.contract.services import services
from fairlead.v1 import common_pb2, connection_pb2, export_service_pb2, options_pb2, virtual_run_pb2
from fairlead.v1 import connection_service_pb2 as pb

SERVICERS: dict[str, Any] = {
    "AuthorizationService": AuthorizationServicer(None),  # type: ignore[arg-type]  # nothing is called
    "ConnectionService": ConnectionServicer(*[None] * 7),  # type: ignore[arg-type]  # nothing is called
    "ExportService": ExportServicer(None),  # type: ignore[arg-type]  # nothing is called
    "IclientService": IclientServicer(None),  # type: ignore[arg-type]  # nothing is called
    "TokenService": TokenServicer(),
    "EdgeService": EdgeServicer(),
}
METHODS = {method.name: method for service in services() for method in methods_of(service, SERVICERS[service.name])}
CONNECTIONS = "/fairlead.v1.ConnectionService/"


@pytest.mark.parametrize("service", services(), ids=lambda service: str(service.name))
def test_every_rpc_has_a_method_of_its_name(service: Any) -> None:
    """design, "How many files a change touches": a new rpc touches no table."""
    for rpc in service.methods:
        method = METHODS[f"/{service.full_name}/{rpc.name}"]
        assert method.handler.__name__.replace("_", "") == rpc.name.lower()
        assert method.request.DESCRIPTOR is rpc.input_type


def test_a_servicer_without_a_method_stops_the_start() -> None:
    """The sentence names the class, the method and the rpc."""
    service = next(service for service in services() if service.name == "TokenService")
    with pytest.raises(
        TypeError, match=r"EdgeServicer has no get_token_info for fairlead\.v1\.TokenService\.GetTokenInfo"
    ):
        list(methods_of(service, EdgeServicer()))


MODES = [
    ("CreateConnection", options_pb2.MODE_CREATE),
    ("UpdateConnection", options_pb2.MODE_REPLACE),
    ("PingVirtualConnection", options_pb2.MODE_VIRTUAL_CONNECTION),
    ("ExecuteExport", options_pb2.MODE_VIRTUAL_MODEL),
    ("ExportPage", options_pb2.MODE_VIRTUAL_MODEL),
    ("ExecuteImport", options_pb2.MODE_VIRTUAL_MODEL),
    ("MapRecords", options_pb2.MODE_VIRTUAL_MODEL),
]


@pytest.mark.parametrize(("name", "mode"), MODES)
def test_the_mode_of_a_method_comes_from_the_contract(name: str, mode: int) -> None:
    """D20: what is required, output-only or masked follows from it."""
    assert METHODS[CONNECTIONS + name].mode == mode


def test_problems_of_a_body_are_told_from_its_top() -> None:
    """contract.md 1.5: the part of the request that REST sends is what is judged."""
    update = pb.UpdateConnectionRequest(id="i", connection=connection_pb2.Connection(name="n"))
    assert METHODS[f"{CONNECTIONS}UpdateConnection"].body_of(update) == update.connection
    export = virtual_run_pb2.ExecuteExportRequest(connection_id="i")
    assert METHODS[f"{CONNECTIONS}ExecuteExport"].body_of(export) is export
    get = pb.GetConnectionRequest(id="i")
    assert METHODS[f"{CONNECTIONS}GetConnection"].body_of(get) is get


def test_what_stands_beside_the_document_is_judged_too() -> None:
    """contract.md 3.5: ``postData`` of a preview is a member of the body whose other members are the export's."""
    preview = METHODS["/fairlead.v1.ExportService/PreviewExport"]
    request = export_service_pb2.PreviewExportRequest()
    request.export.page_size = 5000
    request.post_data.last_export_date_time.json = b"[1]"
    request.data.CopyFrom(common_pb2.JsonValue(json=b'"text"'))
    fields = {problem.field for problem in preview.problems(request)}
    assert fields == {"pageSize", "postData.lastExportDateTime", "data"}
    assert request.export.page_size == 5000


def test_every_method_but_the_callback_asks_for_a_token() -> None:
    """contract.md 1.2: what is open says so in the contract: the callback, whose signed state says for whom it is."""
    opened = [name for name, method in METHODS.items() if method.open]
    assert opened == ["/fairlead.v1.AuthorizationService/FinishAuthorization"]
