"""The name that was probably meant (contract.md 1.8)."""

from __future__ import annotations

import pytest

from fairlead.contract.suggest import nearest


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("usrname", "username"),
        ("username2", "username"),
        ("usernmae", "username"),
        ("userna", "username"),
        ("usern", None),
        ("pasword", "password"),
        ("ur", "uri"),
        ("xy", None),
        ("", None),
        ("u" * 1000, None),
    ],
)
def test_the_nearest_name_within_two_edits_is_proposed(key: str, suggestion: str | None) -> None:
    """Three edits are too far, and so is a name that shares nothing with the key."""
    assert nearest(key, ["username", "password", "uri"]) == suggestion


def test_the_nearest_wins_and_then_the_first() -> None:
    """Fewer edits first, then the order of the contract."""
    assert nearest("name1", ["named", "name", "names"]) == "named"
    assert nearest("nam", ["naming", "name"]) == "name"
