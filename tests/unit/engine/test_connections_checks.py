"""Checks of connections on save: references, everything wrong at once, types and notations; deletion of what is in use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fairlead.domain.errors import ConditionNotMet, InvalidContent, NotFound, NotSupported
from fairlead.domain.secret import MASK
from tests.unit.engine.serving import MINE, USER, Service, connection_tree, http, refusal, rest

LENDER = "_borrowConcurrencyFromConnectionId"


# -- references and deletion ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["_agentId", LENDER, "_connectorId", "_integrationId", "http._iClientId", "rest._iClientId"]
)
async def test_a_reference_must_name_a_resource_of_the_account(service: Service, field: str) -> None:
    """contract.md 1.13."""
    block, _, name = field.rpartition(".")
    document = rest() if block == "rest" else http()
    (document[block] if block else document)[name] = "d" * 24
    assert await refusal(service.create(document), InvalidContent) == {("invalid_ref", field)}


async def test_no_chains_of_lenders(service: Service) -> None:
    """connections.md 2, 8.3: not itself, nobody who borrows, and no lender that begins to borrow."""
    one, two, three = [(await service.create(http())).tree["_id"] for _ in range(3)]
    await service.put(two, {**http(), LENDER: one})
    for id, lender in ((one, one), (three, two), (one, three)):
        call = service.put(id, {**http(), LENDER: lender})
        assert await refusal(call, InvalidContent) == {("invalid_ref", LENDER)}
    assert (await service.connections.get(MINE, two)).tree["queues"] == [{"name": one, "size": 0}]


async def test_a_lender_cannot_be_deleted_and_the_message_names_who_borrows(service: Service) -> None:
    """contract.md 1.13."""
    lender = (await service.create(http())).tree["_id"]
    borrower = (await service.create({**http(), LENDER: lender})).tree["_id"]
    with pytest.raises(ConditionNotMet, match=borrower) as error:
        await service.connections.delete(MINE, lender, None)
    assert error.value.problems[0].code == "resource_in_use"
    await service.connections.delete(MINE, borrower, None)
    await service.connections.delete(MINE, lender, None)
    assert await refusal(service.connections.delete(MINE, lender, None), NotFound)


# -- checks on save -------------------------------------------------------------------------------------------------------


async def test_everything_of_the_second_group_is_told_at_once(service: Service) -> None:
    """contract.md 1.5: conditional fields, combinations, references, templates and paths in one 422, fields as they were written."""
    document = rest(
        authType="token",
        pingSuccessPath="a[",
        pingFailureValues=["x"],
        pingRelativeURI="/{{#if}}",
        headers=[{"name": "Host", "value": "x"}, {"name": "X", "value": "{{"}],
        refreshTokenBody="{{nothing 1}}",
    )
    assert await refusal(service.create({**document, LENDER: "d" * 24}), InvalidContent) == {
        ("missing_required_field", "rest.bearerToken"),
        ("missing_required_field", "rest.pingFailurePath"),
        ("invalid_field", "rest.pingSuccessPath"),
        ("invalid_template", "rest.pingRelativeURI"),
        ("invalid_field", "rest.headers.0.name"),
        ("invalid_template", "rest.headers.1.value"),
        ("invalid_template", "rest.refreshTokenBody"),
        ("invalid_ref", LENDER),
    }
    assert await service.connections.list(MINE, {}, 0, 10) == ([], False)


async def test_a_message_names_the_field_as_it_was_written(service: Service) -> None:
    """contract.md 1.5: field and message speak of one name."""
    with pytest.raises(InvalidContent) as error:
        await service.create(rest(pingFailurePath="a["))
    assert error.value.problems[0].message.startswith("rest.pingFailurePath: ")


@pytest.mark.parametrize("media", [{"mediaType": "xml"}, {"successMediaType": "xml"}, {"errorMediaType": "xml"}])
async def test_paths_of_a_connection_that_speaks_xml_are_xpaths(service: Service, media: dict[str, str]) -> None:
    """connections.md 5.1: a ping reads them; what is no XPath of this service is refused on save."""
    paths = {"ping": {"relativeURI": "/", "failPath": "/r/s[@k='1']/text()"}, "rateLimit": {"failPath": "/r[1]"}}
    stored = await service.create(http(**paths, **media))
    assert (await service.ping(stored.tree["_id"])).code == 200
    refused = service.create(http(ping={"relativeURI": "/", "failPath": "/r/s[count(k)>1]"}, **media))
    assert await refusal(refused, InvalidContent) == {("invalid_field", "http.ping.failPath")}


@pytest.mark.parametrize("type_", ["ftp", "netsuite", "wrapper", "as2"])
async def test_other_types_are_not_supported(service: Service, type_: str) -> None:
    """connections.md 1.1, 16."""
    document = {"type": type_, "name": "n", type_: {}}
    assert await refusal(service.create(document), NotSupported) == {("adaptor_not_supported", "type")}


async def test_the_block_of_the_type_is_required(service: Service) -> None:
    """connections.md 2."""
    tree = connection_tree(http())
    del tree["http"]
    assert await refusal(service.connections.create(MINE, USER, tree), InvalidContent) == {
        ("missing_required_field", "http")
    }


async def test_a_block_of_another_notation_is_carried(service: Service) -> None:
    """contract.md 1.9: stored, masked and returned, not judged by the rules of its type."""
    document = {**http(), "rest": {"baseURI": "ftp://x", "mediaType": "json", "authType": "token"}}
    stored = await service.create(document)
    assert stored.tree["rest"]["baseURI"] == "ftp://x"
    assert await service.ping(stored.tree["_id"])


async def test_a_kept_envelope_is_written_under_the_first_key(service: Service) -> None:
    """D5: a PUT encrypts anew, so that an old key goes out of use."""
    id = (await service.create(http(encrypted={"a": "1"}))).tree["_id"]
    before = (await service.document(id)).secrets
    await service.put(id, http(encrypted=MASK))
    after = await service.document(id)
    assert after.secrets.keys() == before.keys()
    assert after.secrets != before
    assert service.box.revealed(replace(after, secrets=before)) == service.box.revealed(after)
