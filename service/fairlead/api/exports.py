"""ExportService: exports tried before they run."""

from __future__ import annotations

from fairlead.api.call import Call
from fairlead.api.mappers import json_value, model_tree
from fairlead.api.run_messages import error_messages, post_data
from fairlead.domain import jsonvalue
from fairlead.engine.preview import Preview, Stage
from fairlead.v1 import export_service_pb2 as pb


class ExportServicer:
    """Translate, delegate, translate back."""

    def __init__(self, preview: Preview) -> None:
        self._preview = preview

    async def preview_export(self, call: Call, request: pb.PreviewExportRequest) -> pb.PreviewExportResponse:
        """Every stage of the first request."""
        found = await self._preview.run(
            call.who.account,
            model_tree(request.export),
            post_data(request.post_data),
            request.data.json or None,
            call.timeout,
            call.stats,
        )
        return pb.PreviewExportResponse(
            data=json_value(jsonvalue.join_array(found.records)),
            data_uris=found.data_uris,
            stages=[_stage(stage) for stage in found.stages],
        )


def _stage(stage: Stage) -> pb.PreviewStage:
    data = None if stage.data is None else json_value(jsonvalue.join_array(stage.data))
    return pb.PreviewStage(name=stage.name, data=data, errors=error_messages(stage.errors))
