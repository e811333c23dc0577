"""Secrets between the API, the store and a run: masks, bags, envelopes, and that nothing shows them."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from fairlead.crypto.key import DecryptionFailed
from fairlead.domain.connection import Connection
from fairlead.domain.document import Document, Tree
from fairlead.domain.errors import FairleadError
from fairlead.domain.http import HttpRequest, TransportFailure
from fairlead.domain.secret import MASK, Secret
from fairlead.engine.secrets import SecretBox, kept, masked
from tests.unit.clock import START
from tests.unit.engine.serving import BASE, KEYS, MINE, THEIRS, Service, connection_tree, http, reply, rest

BOX = SecretBox(KEYS)
MARKER = "mArK3r-of-the/secret+1"


def sealed(tree: Tree) -> Document:
    """The stored document of a tree."""
    fields, secrets = BOX.seal(tree, "connections", MINE, "i" * 24)
    return Document("connections", "i" * 24, MINE, START, START, fields, secrets)


TREES: list[Tree] = [
    {"http": {"auth": {"basic": {"username": "u", "password": Secret("p")}}}},
    {"http": {"encrypted": Secret(b'{"n":140891.90,"b":9007199254740993}'), "unencrypted": b'{"x":null}'}},
    {"http": {"ping": {"relativeURI": None}, "headers": [], "auth": {}}, "settings": b"{}"},
    {"rest": {"bearerToken": Secret("\ud800 half a character"), "scope": []}},
    {"ftp": Secret(b'{"hostURI":"h"}'), "list": [{"inner": Secret("x")}, {"inner": Secret("y")}]},
]


@pytest.mark.parametrize("tree", TREES)
def test_sealing_and_revealing_is_a_round_trip(tree: Tree) -> None:
    """contract.md 1.10: written nulls, empty lists and empty objects come back; numbers keep their digits; the argument is untouched."""
    before = repr(tree)
    document = sealed(tree)
    assert BOX.revealed(document) == tree
    assert repr(tree) == before
    assert "Secret" not in json.dumps(masked(document), default=str)


def test_the_mask_stands_where_a_secret_is_and_nowhere_else() -> None:
    """contract.md 1.7: six asterisks for a secret with a value, a bag masked as a whole."""
    tree = {"http": {"encrypted": Secret(b'{"a":1}'), "auth": {"token": {"token": Secret("t"), "scheme": "X"}}}}
    assert masked(sealed(tree)) == {"http": {"encrypted": MASK, "auth": {"token": {"token": MASK, "scheme": "X"}}}}


def test_what_is_stored_holds_no_secret() -> None:
    """D5: fields without it, the envelope encrypted, no repr that shows it."""
    document = sealed({"http": {"encrypted": Secret(json.dumps({"k": MARKER}).encode()), "x": Secret(MARKER)}})
    shown = f"{document} {document.fields} {document.secrets}"
    assert MARKER not in shown
    assert base64.b64encode(MARKER.encode()).decode()[:-4] not in shown


@pytest.mark.parametrize("change", [{"account": THEIRS}, {"id": "j" * 24}, {"kind": "exports"}])
def test_an_envelope_opens_only_in_its_own_place(change: dict[str, Any]) -> None:
    """contract.md 1.7: additional data account/kind/_id/field; a copied envelope is of no use."""
    document = replace(sealed({"x": Secret("value")}), **change)
    with pytest.raises(DecryptionFailed):
        BOX.revealed(document)


def test_an_envelope_does_not_move_to_another_field() -> None:
    """contract.md 1.7: the field is part of the additional data."""
    document = sealed({"x": Secret("value")})
    with pytest.raises(DecryptionFailed):
        BOX.revealed(replace(document, secrets={"y": document.secrets["x"]}))


STORED: Tree = {
    "http": {
        "auth": {"token": {"token": Secret("old"), "refreshToken": Secret("r")}},
        "encrypted": Secret(b'{"a":"one","n":1.50}'),
    }
}
MASKS: list[tuple[str, Tree, Tree]] = [
    ("a mask keeps", {"auth": {"token": {"token": Secret(MASK)}}}, {"auth": {"token": {"token": Secret("old")}}}),
    ("a value replaces", {"auth": {"token": {"token": Secret("new")}}}, {"auth": {"token": {"token": Secret("new")}}}),
    ("absence erases", {"auth": {"type": "token"}}, {"auth": {"type": "token"}}),
    ("an empty text is no value", {"auth": {"type": "x", "token": {"token": Secret("")}}}, {"auth": {"type": "x"}}),
    ("nothing to keep", {"auth": {"type": "x", "basic": {"password": Secret(MASK)}}}, {"auth": {"type": "x"}}),
    ("a whole bag", {"encrypted": Secret(b'"******"')}, {"encrypted": Secret(b'{"a":"one","n":1.50}')}),
    (
        "a mask inside a bag",
        {"encrypted": Secret(b'{"a":"******","b":"two","n":"******","c":"******"}')},
        {"encrypted": Secret(b'{"a":"one","b":"two","n":1.50}')},
    ),
    ("an empty bag", {"encrypted": Secret(b"{}")}, {"encrypted": Secret(b"{}")}),
    ("an empty object that was sent", {"auth": {}, "ping": {"relativeURI": None}}, {"auth": {}, "ping": {"relativeURI": None}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "expected"), MASKS, ids=[name for name, *_ in MASKS])
def test_masks_of_a_put(name: str, sent: Tree, expected: Tree) -> None:
    """contract.md 1.7: kept, replaced, erased; where nothing is stored a mask counts as absent."""
    assert kept({"http": sent}, STORED) == {"http": expected}


def test_a_mask_inside_a_bag_without_a_stored_bag_is_absent() -> None:
    """contract.md 1.7: and a bag of nothing but such masks too."""
    assert kept({"b": Secret(b'{"a":"******","x":1}')}, {}) == {"b": Secret(b'{"x":1}')}
    assert kept({"b": Secret(b'{"a":"******"}')}, {}) == {}


# -- a call that fails ----------------------------------------------------------------------------------------------------

NOISY: list[tuple[str, dict[str, Any]]] = [
    ("basic", http(auth={"type": "basic", "basic": {"username": "u", "password": MARKER}})),
    ("token", http(auth={"type": "token", "token": {"token": MARKER}})),
    ("url", http(auth={"type": "token", "token": {"token": MARKER, "location": "url"}})),
    (
        "custom",
        http(encrypted={"deep": {"key": MARKER}}, headers=[{"name": "X-K", "value": "{{{connection.http.encrypted.deep.key}}}"}]),
    ),
    ("rest", rest(authType="token", bearerToken=MARKER)),
]  # fmt: skip
FORMS = [
    MARKER,
    MARKER.replace("/", "%2F").replace("+", "%2B"),
    MARKER.replace("/", "\\/"),
    MARKER.encode().hex(),
    base64.b64encode(f"u:{MARKER}".encode()).decode(),
    base64.b64encode(MARKER.encode()).decode(),
]


def echo(request: HttpRequest) -> Any:
    """An application that quotes everything it was sent, in every form."""
    if request.url.endswith("/reset"):
        raise TransportFailure("connection_error", f"reset while sending {MARKER}")
    return reply({"you sent": [request.url, request.headers.items(), *FORMS], "filler": "x" * 9000}, 500)


def assert_clean(text: str) -> None:
    """No form of the marker in it."""
    for form in FORMS:
        assert form not in text


@pytest.mark.parametrize(("name", "document"), NOISY, ids=[name for name, _ in NOISY])
@pytest.mark.parametrize("uri", ["/echo", "/reset"])
async def test_a_call_that_fails_shows_no_secret(
    service: Service,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    name: str,
    document: Any,
    uri: str,
) -> None:
    """contract.md 1.7: neither in ping answers, errors, results, logs nor any repr."""
    caplog.set_level(logging.DEBUG)
    service.application.answers = echo
    block = document[document["type"]]
    block |= {"pingRelativeURI": uri} if document["type"] == "rest" else {"ping": {"relativeURI": uri}}
    stored = await service.create(document)
    id = stored.tree["_id"]
    model = {"http": {"relativeURI": [uri]}, "dataURITemplate": "{{record.id}}"}
    shown = [
        repr(stored),
        repr(await service.ping(id)),
        repr(await service.ping_virtual(document)),
        repr(await service.run_import(id, model, [{"id": 1}])),
        repr(await service.document(id)),
        repr(await service.preparer.stored(MINE, id)),
        repr(service.runs.open(await service.preparer.stored(MINE, id), "ping", 1, None)),
        repr(service.application.sent),
    ]
    assert service.application.sent
    for text in shown:
        assert_clean(text)
    assert_clean(caplog.text)
    out, err = capfd.readouterr()
    assert_clean(out + err)


async def test_a_secret_at_the_cut_of_a_long_message_leaves_no_beginning(service: Service) -> None:
    """contract.md 1.7: redaction comes before any cut."""
    service.application.answers = lambda request: reply(("x" * 4090 + MARKER + "y" * 100_000).encode(), 500)
    result = await service.ping_virtual(
        http(auth={"type": "token", "token": {"token": MARKER}}, ping={"relativeURI": "/"})
    )
    assert result.message == "x" * 4090 + MASK


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("another origin", {"ping": {"relativeURI": "https://{{{connection.http.encrypted.k}}}.test/x"}}),
    ("no URL", {"ping": {"relativeURI": "/"}, "baseURI": "{{{connection.http.encrypted.k}}}"}),
    ("a line break", {"ping": {"relativeURI": "/"}, "headers": [{"name": "X", "value": "{{{connection.http.encrypted.k}}}\n"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "block"), BROKEN, ids=[name for name, _ in BROKEN])
async def test_an_error_of_rendering_shows_no_secret(service: Service, name: str, block: dict[str, Any]) -> None:
    """contract.md 1.7: what a template made of a secret is not told when the request cannot be built."""
    with pytest.raises(FairleadError) as error:
        await service.ping_virtual(http(encrypted={"k": "mArK3r-secret"}, **block))
    assert "mArK3r-secret" not in f"{error.value} {error.value!r} {error.value.problems}"


def test_a_connection_and_its_tree_do_not_show_themselves() -> None:
    """D5: repr of trees with secrets and of connections is safe to print."""
    tree = connection_tree(http(auth={"type": "token", "token": {"token": MARKER}}))
    assert MARKER not in repr(tree)
    assert MARKER not in repr(Connection("i", MINE, "http", "n", "http", {"baseURI": BASE, "k": MARKER}, {"k": MARKER}))


def test_a_mask_deep_inside_a_bag_keeps_that_member() -> None:
    """contract.md 1.7: a mask inside a bag keeps that key, at any depth; the others are replaced."""
    stored = {"http": {"encrypted": Secret(b'{"a":"A","b":{"c":"C","d":1.50}}')}}
    sent = {"http": {"encrypted": Secret(b'{"a":"x","b":{"c":"******","d":2.50,"e":"******"}}')}}
    assert kept(sent, stored)["http"]["encrypted"].reveal() == b'{"a":"x","b":{"c":"C","d":2.50}}'
