"""Members of a body that stand beside those of its document (contract.md 3.5)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.problems import ContractError
from fairlead.contract.reader import read
from fairlead.v1 import export_service_pb2, options_pb2


def preview(body: bytes, **options: Any) -> Any:
    """The request that a body reads as."""
    kind = export_service_pb2.PreviewExportRequest
    return read(body, kind, options_pb2.MODE_VIRTUAL_MODEL, body_field="export", **options)


def test_each_goes_where_it_belongs() -> None:
    """Members of the document into the document, the others into the request."""
    body = b'{"postData":{"lastExportDateTime":"5"},"name":"n","data":{"a":1},"pageSize":3}'
    request = preview(body).message
    assert (request.export.name, request.export.page_size) == ("n", 3)
    assert (request.post_data.last_export_date_time.json, request.data.json) == (b'"5"', b'{"a":1}')


def test_all_problems_are_told_from_the_top_of_the_body() -> None:
    """contract.md 1.5: of both parts at once, and unknown members once."""
    with pytest.raises(ContractError) as error:
        preview(b'{"pageSize":5000,"data":[],"postData":{"x":1},"postdata":{}}')
    found = {(problem.code, problem.field) for problem in error.value.problems}
    assert found == {
        ("invalid_field", "pageSize"),
        ("invalid_field", "data"),
        ("unknown_field", "postData.x"),
        ("unknown_field", "postdata"),
    }


@pytest.mark.parametrize("body", [b"{}", b""])
def test_nothing_beside(body: bytes) -> None:
    """Both are optional, and an empty body is an empty document."""
    request = preview(body).message
    assert request.HasField("export")
    assert not request.HasField("post_data")


@pytest.mark.parametrize("body", [b"[]", b"null", b"5"])
def test_a_body_that_is_no_object(body: bytes) -> None:
    """contract.md 1.3: 422."""
    with pytest.raises(ContractError) as error:
        preview(body)
    assert error.value.status == 422
