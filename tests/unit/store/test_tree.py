"""Trees in databases: nothing is lost, nothing that must not be stored gets in (D21)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairlead.domain.secret import Secret
from fairlead.store.tree import from_bson, from_json, to_bson, to_json

_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(
    ["", "$json", "$int", "a.b", "%", "%24", "\0"]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**200)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text().map(lambda text: text.encode("utf-8", "replace"))
)
_TREES = st.dictionaries(
    _KEYS, st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=8)
)


_thorough = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no failure


def _exact(value: Any) -> Any:
    """A form in which equal means equal in type, order and sign of zero too."""
    if isinstance(value, dict):
        return [(name, _exact(member)) for name, member in value.items()]
    if isinstance(value, list):
        return ["list", *map(_exact, value)]
    return type(value), repr(value)


@_thorough
@given(_TREES)
def test_json_loses_nothing(tree: dict[str, Any]) -> None:
    """Any tree comes back from its JSON text exactly."""
    assert _exact(from_json(to_json(tree))) == _exact(tree)


@_thorough
@given(_TREES)
def test_bson_loses_nothing(tree: dict[str, Any]) -> None:
    """Any tree comes back from real BSON exactly."""
    assert _exact(from_bson(bson.decode(bson.encode(to_bson(tree))))) == _exact(tree)


@_thorough
@given(_TREES)
def test_no_stored_key_means_anything_to_mongodb(tree: dict[str, Any]) -> None:
    """No stored key is empty or holds a dot or NUL; only our own mark of a large integer starts with a dollar."""

    def keys(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [*value, *(key for member in value.values() for key in keys(member))]
        return [key for member in value for key in keys(member)] if isinstance(value, list) else []

    assert not [key for key in keys(to_bson(tree)) if key != "$int" and (not key or set(key) & set("$.\0"))]


def test_plain_members_stay_readable() -> None:
    """Ordinary documents are stored as anybody would write them, so that people and indexes can read them."""
    tree = {
        "name": "n",
        "http": {"_iClientId": "i", "headers": [{"name": "X-Key"}]},
        "settings": b'{"a":1.10}',
        "1": True,
    }
    assert to_json(tree) == (
        '{"name":"n","http":{"_iClientId":"i","headers":[{"name":"X-Key"}]},"settings":{"$json":"{\\"a\\":1.10}"},"1":true}'
    )
    assert to_bson(tree) == tree


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (Secret("s3cret"), "cannot hold a Secret"),
        (datetime(2026, 1, 1, tzinfo=UTC), "cannot hold a datetime"),
        ((1, 2), "cannot hold a tuple"),
        (float("nan"), "must be finite"),
        (float("inf"), "must be finite"),
    ],
    ids=["secret", "date", "tuple", "nan", "inf"],
)
@pytest.mark.parametrize("write", [to_json, to_bson])
def test_what_is_no_tree_is_refused(write: Any, value: Any, sentence: str) -> None:
    """A secret in clear, or a value that JSON cannot hold, is never stored, and its value not told."""
    with pytest.raises(TypeError, match=sentence) as failure:
        write({"a": [{"b": value}]})
    assert "s3cret" not in str(failure.value)
