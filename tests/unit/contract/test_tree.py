"""Messages and trees, back and forth (D21)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.contract.printer import print_json
from fairlead.contract.reader import read
from fairlead.contract.tree import from_tree, to_tree
from tests.unit.contract.samples import REPLACE, Sample

DOCUMENTS = [
    "{}",
    '{"name":"a","plain":0,"flag":false,"ratio":0.5,"colour":"red","colours":["red"],"texts":["x",""]}',
    '{"keptDate":null,"inner":{"note":null,"tags":[]},"inners":[{"tags":[]},{},{"note":null}],"values":[["a"],[]],"row":["b"]}',
    '{"inner":{"password":"p","self":{}},"bag":{"k": 1.50},"keptAny":null,"any":[1 ,2],"opens":[1,{"a":2}],"data":[{}]}',
]


@pytest.mark.parametrize("body", DOCUMENTS)
def test_json_to_message_to_tree_and_back(body: str) -> None:
    """Nothing is lost or added on the way: the message, and the JSON, are as they were."""
    message = read(body.encode(), Sample, REPLACE).message
    again = from_tree(to_tree(message, lambda secret: secret), Sample)
    assert again == message
    assert print_json(again) == print_json(message)


def test_a_tree_has_rest_names_words_and_raw_open_values() -> None:
    """Secrets go through the wrapper, whatever is kept although empty is put in."""
    body = b'{"baseURI":"u","colour":"NAVY","bag":{"k":1},"password":"p","inner":{"tags":[],"note":null},"values":["a"],"row":[]}'
    tree = to_tree(read(body, Sample, REPLACE).message, lambda secret: ("secret", secret))
    assert tree == {
        "password": ("secret", "p"),
        "colour": "Dark-Blue",
        "values": [["a"]],
        "row": [],
        "inner": {"note": None, "tags": []},
        "bag": ("secret", b'{"k":1}'),
        "baseURI": "u",
    }
    assert list(tree["inner"]) == ["note", "tags"]


def test_masks_stand_for_secrets_in_a_tree() -> None:
    """What is answered: text masks in place of text and of bags (contract.md 1.7)."""
    message: Any = from_tree({"password": "******", "bag": "******", "any": {"a": [1]}}, Sample)
    assert message.password == "******"
    assert print_json(message) == b'{"password":"******","any":{"a":[1]},"bag":"******"}'


def test_names_and_words_of_a_newer_contract_are_left_out() -> None:
    """While replicas are renewed one at a time, an older one reads what a newer one stored."""
    assert from_tree(
        {"name": "a", "newer": {"x": 1}, "colour": "violet", "colours": ["red", "violet"]}, Sample
    ) == Sample(name="a", colours=[1])
