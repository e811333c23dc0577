"""Where browsers reach the REST edge."""

from __future__ import annotations

import pytest

from fairlead.public_url import PublicUrl


@pytest.mark.parametrize(
    ("configured", "address", "bound", "url"),
    [
        ("https://x.test/fairlead", "127.0.0.1:0", "127.0.0.1:41000", "https://x.test/fairlead"),
        (None, "127.0.0.1:8080", None, "http://127.0.0.1:8080"),
        (None, "127.0.0.1:0", "127.0.0.1:41000", "http://127.0.0.1:41000"),
        (None, "0.0.0.0:0", "0.0.0.0:41000", "http://localhost:41000"),
        (None, "[::]:80", "[::]:80", "http://localhost:80"),
        (None, "[::1]:80", "[::1]:80", "http://[::1]:80"),
    ],
)
def test_the_setting_counts_else_the_address_that_is_bound(
    configured: str | None, address: str, bound: str | None, url: str
) -> None:
    """contract.md 2.9: default is the HTTP address; nobody can call an address that means all of them."""
    public = PublicUrl(configured, address)
    if bound:
        public.listens(bound)
    assert public() == url
