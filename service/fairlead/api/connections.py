"""ConnectionService: connections as resources, their ping, and virtual runs through them."""

from __future__ import annotations

from typing import Final

from fairlead.api.call import Call
from fairlead.api.explanations import explanation_message
from fairlead.api.load import Load
from fairlead.api.mappers import json_value, message_of, model_tree, open_object, resource_tree
from fairlead.api.pools import pool_message
from fairlead.api.projection import Window
from fairlead.api.run_messages import error_messages, post_data
from fairlead.domain import jsonvalue
from fairlead.domain.errors import feature_not_supported
from fairlead.engine.connections import Connections
from fairlead.engine.deletion import Deletion
from fairlead.engine.exports import Exports
from fairlead.engine.imports import Imports
from fairlead.engine.ping import Ping, PingResult
from fairlead.engine.ports import RecordResult
from fairlead.engine.resources import Stored
from fairlead.engine.watch import Watch
from fairlead.v1 import connection_pb2, paged_export_state_pb2, virtual_run_pb2
from fairlead.v1 import connection_service_pb2 as pb

IDEMPOTENCY_KEY: Final = "idempotency-key"


class ConnectionServicer:
    """Translate, delegate, translate back."""

    def __init__(
        self,
        connections: Connections,
        deletion: Deletion,
        ping: Ping,
        watch: Watch,
        exports: Exports,
        imports: Imports,
        load: Load,
    ) -> None:
        self._connections = connections
        self._deletion = deletion
        self._ping = ping
        self._watch = watch
        self._exports = exports
        self._imports = imports
        self._load = load

    async def list_connections(self, call: Call, request: pb.ListConnectionsRequest) -> pb.ListConnectionsResponse:
        """One page of the account's connections (contract.md 1.11)."""
        window = Window.of(request.limit, request.skip, request.include, request.exclude)
        filters = {
            "externalId": list(request.external_id),
            "name": list(request.name),
            "type": [request.type],
            "_integrationId": [request.integration_id],
            "_connectorId": [request.connector_id],
        }
        given = {path: values for path, values in filters.items() if any(values)}
        found, more = await self._connections.list(call.who.account, given, window.skip, window.limit)
        shown = [message_of(window.project(stored.tree), connection_pb2.Connection) for stored in found]
        return pb.ListConnectionsResponse(connections=shown, more=more)

    async def get_connection(self, call: Call, request: pb.GetConnectionRequest) -> pb.GetConnectionResponse:
        """One connection, secrets masked."""
        stored = await self._connections.get(call.who.account, request.id)
        return pb.GetConnectionResponse(connection=_connection(stored), etag=stored.etag)

    async def create_connection(self, call: Call, request: pb.CreateConnectionRequest) -> pb.CreateConnectionResponse:
        """Store a new connection."""
        stored = await self._connections.create(call.who.account, call.who.user_id, resource_tree(request.connection))
        return pb.CreateConnectionResponse(connection=_connection(stored), etag=stored.etag)

    async def update_connection(self, call: Call, request: pb.UpdateConnectionRequest) -> pb.UpdateConnectionResponse:
        """Replace a connection; masks keep stored secrets."""
        if_match = request.if_match if request.HasField("if_match") else None
        tree = resource_tree(request.connection)
        stored = await self._connections.replace(call.who.account, call.who.user_id, request.id, tree, if_match)
        return pb.UpdateConnectionResponse(connection=_connection(stored), etag=stored.etag)

    async def delete_connection(self, call: Call, request: pb.DeleteConnectionRequest) -> pb.DeleteConnectionResponse:
        """Delete a connection that nobody uses."""
        if_match = request.if_match if request.HasField("if_match") else None
        await self._deletion.delete(call.who.account, request.id, if_match)
        return pb.DeleteConnectionResponse()

    async def ping_connection(self, call: Call, request: pb.PingConnectionRequest) -> pb.PingConnectionResponse:
        """Test a stored connection."""
        explain = request.explain
        with self._load.through(request.id):
            result = await self._ping.stored(call.who.account, request.id, call.timeout, call.stats, explain=explain)
        return pb.PingConnectionResponse(
            code=result.code, errors=_ping_errors(result), explanation=explanation_message(result.explanation)
        )

    async def explain_connection(
        self, call: Call, request: pb.ExplainConnectionRequest
    ) -> pb.ExplainConnectionResponse:
        """Test a stored connection and tell how the result came about."""
        with self._load.through(request.id):
            result = await self._ping.stored(call.who.account, request.id, call.timeout, call.stats, explain=True)
        return pb.ExplainConnectionResponse(
            code=result.code, errors=_ping_errors(result), explanation=explanation_message(result.explanation)
        )

    async def get_connection_pool(
        self, call: Call, request: pb.GetConnectionPoolRequest
    ) -> pb.GetConnectionPoolResponse:
        """What happens in the pool of a stored connection at this moment."""
        watched = await self._watch.pool(call.who.account, request.id)
        return pb.GetConnectionPoolResponse(pool=pool_message(watched))

    async def ping_virtual_connection(
        self, call: Call, request: pb.PingVirtualConnectionRequest
    ) -> pb.PingVirtualConnectionResponse:
        """Test a posted connection; nothing is stored."""
        tree = resource_tree(request.connection)
        explain = request.explain
        result = await self._ping.virtual(call.who.account, tree, call.timeout, call.stats, explain=explain)
        return pb.PingVirtualConnectionResponse(
            code=result.code, errors=_ping_errors(result), explanation=explanation_message(result.explanation)
        )

    async def execute_export(
        self, call: Call, request: virtual_run_pb2.ExecuteExportRequest
    ) -> virtual_run_pb2.ExecuteExportResponse:
        """Pull all records in one answer."""
        with self._load.through(request.connection_id):
            exported = await self._exports.execute(
                call.who.account,
                request.connection_id,
                model_tree(request.export),
                post_data(request.post_data),
                request.data.json or None,
                call.timeout,
                call.stats,
            )
        return virtual_run_pb2.ExecuteExportResponse(
            data=json_value(jsonvalue.join_array(exported.records)),
            data_uris=exported.data_uris,
            errors=error_messages(exported.errors),
        )

    async def export_page(
        self, call: Call, request: virtual_run_pb2.ExportPageRequest
    ) -> virtual_run_pb2.ExportPageResponse:
        """Pull one page."""
        state = model_tree(request.paged_export_state) if request.HasField("paged_export_state") else None
        with self._load.through(request.connection_id):
            exported = await self._exports.page(
                call.who.account,
                request.connection_id,
                model_tree(request.export),
                state,
                post_data(request.post_data),
                request.data.json or None,
                call.timeout,
                call.stats,
            )
        response = virtual_run_pb2.ExportPageResponse(
            data=json_value(jsonvalue.join_array(exported.records)),
            data_uris=exported.data_uris,
            errors=error_messages(exported.errors),
        )
        if exported.state is not None:
            response.paged_export_state.CopyFrom(message_of(exported.state, paged_export_state_pb2.PagedExportState))
        return response

    async def execute_import(
        self, call: Call, request: virtual_run_pb2.ExecuteImportRequest
    ) -> virtual_run_pb2.ExecuteImportResponse:
        """Push records; one result each, in order."""
        if call.metadata.get(IDEMPOTENCY_KEY):
            # A client that sends a key counts on nothing being done twice: better refused than half believed (contract.md 2.13).
            raise feature_not_supported("Idempotency-Key", "an idempotency key")
        with self._load.through(request.connection_id):
            results = await self._imports.execute(
                call.who.account,
                request.connection_id,
                model_tree(request.import_model),
                request.data.json,
                open_object(request.settings),
                call.timeout,
                call.stats,
            )
        return virtual_run_pb2.ExecuteImportResponse(results=[_result(result) for result in results])

    async def map_records(
        self, call: Call, request: virtual_run_pb2.MapRecordsRequest
    ) -> virtual_run_pb2.MapRecordsResponse:
        """The mapping step alone."""
        with self._load.through(request.connection_id):
            mapped = await self._imports.map_records(
                call.who.account,
                request.connection_id,
                model_tree(request.import_model),
                request.data.json,
                open_object(request.settings),
            )
        return virtual_run_pb2.MapRecordsResponse(data=json_value(mapped))


def _connection(stored: Stored) -> connection_pb2.Connection:
    return message_of(stored.tree, connection_pb2.Connection)


def _ping_errors(result: PingResult) -> list[pb.PingError]:
    if result.code == 200:
        return []
    return [pb.PingError(code=result.code, message=result.message or "", source=result.source)]


def _result(result: RecordResult) -> virtual_run_pb2.RecordResult:
    message = virtual_run_pb2.RecordResult(status_code=result.status_code, id=result.id, data_uri=result.data_uri)
    if result.ignored:
        message.ignored = True
    if result.json is not None:
        message.json.json = result.json
    for code, text, source in result.errors:
        message.errors.add(code=code, message=text, source=source)
    return message
