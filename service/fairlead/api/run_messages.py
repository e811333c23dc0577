"""Messages that every call that runs something shares."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.domain import jsonvalue
from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.v1 import common_pb2, virtual_run_pb2


def post_data(message: virtual_run_pb2.ExportPostData) -> Tree:
    """The dates of a request by their REST names, decoded; what is not given is left out."""
    dates = {
        "lastExportDateTime": message.last_export_date_time,
        "currentExportDateTime": message.current_export_date_time,
    }
    return {name: jsonvalue.loads(value.json) for name, value in dates.items() if value.json}


def error_messages(problems: Iterable[Problem]) -> list[common_pb2.Error]:
    """Problems that are part of an answer."""
    return [common_pb2.Error(code=p.code, message=p.message, field=p.field, source=p.source) for p in problems]
