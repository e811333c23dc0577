"""Rules between the fields of an iClient (contract.md 12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fairlead.domain.document import Tree
from fairlead.domain.errors import Problem
from fairlead.domain.iclient import HeaderLines, header_entries
from fairlead.domain.paths import PathError, compile_path
from fairlead.domain.rules.connection import fail_statuses, invalid, missing

_BLOCKS: Final = {
    "amazonmws": "amazonmws",
    "netsuite": "netsuite",
    "salesforce": "salesforce",
    "awsiam": "awsIam",
    "azureserviceprincipal": "azureserviceprincipal",
    "ebay-xml": "ebay",
}
"""The block that belongs to a provider, in lower case; to all others belongs ``oauth2``."""

_PATHS: Final = ("accessTokenPath", "refreshTokenPath")
"""Of answers that are never XML; ``failPath`` may be XPath, which the connection's media type says."""

_REQUESTS: Final = ("token", "refresh", "revoke")


def check_iclient(iclient: Tree) -> list[Problem]:
    """Everything that is wrong between the fields of an iClient, masks resolved and open values decoded."""
    detection = fail_statuses(iclient.get("oauth2") or {}, "oauth2")
    return [*_block(iclient), *_kept_secret(iclient), *_paths(iclient), *_headers(iclient), *detection]


def _block(iclient: Tree) -> Iterator[Problem]:
    provider = str(iclient.get("provider"))
    block = _BLOCKS.get(provider.lower(), "oauth2")
    if iclient.get(block) is None:
        yield missing(block, f"is required for provider {provider}")


def _kept_secret(iclient: Tree) -> Iterator[Problem]:
    """A mask counts as given until it is known that nothing is stored behind it (contract.md 1.7)."""
    principal = iclient.get("azureserviceprincipal")
    if isinstance(principal, dict) and not principal.get("clientSecret"):
        yield missing("azureserviceprincipal.clientSecret")


def _paths(iclient: Tree) -> Iterator[Problem]:
    oauth2 = iclient.get("oauth2") or {}
    for name in _PATHS:
        try:
            if oauth2.get(name):
                compile_path(oauth2[name])
        except PathError as error:
            yield invalid(f"oauth2.{name}", f"cannot be read: {error}")


def _headers(iclient: Tree) -> Iterator[Problem]:
    oauth2 = iclient.get("oauth2") or {}
    for name in _REQUESTS:
        headers: Any = (oauth2.get(name) or {}).get("headers")
        try:
            header_entries(headers)
        except HeaderLines as error:
            field = f"oauth2.{name}.headers"
            yield invalid(field, f"must be a list of name and value, or text with one Name: value a line; {error}")
