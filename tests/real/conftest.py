"""fairlead with everything embedded, as in the scenarios of ``tests/e2e``, against servers of other people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import rest, running, settings
from tests.servers.httpbin import httpbin
from tests.servers.httpd import Httpd, httpd
from tests.servers.mocks import github, soap, stripe
from tests.servers.nginx import Nginx, nginx
from tests.servers.provider import provider

__all__ = ["rest", "running", "settings"]


@pytest.fixture(scope="session")
def apache() -> Iterator[Httpd]:
    """Apache httpd."""
    with httpd() as server:
        yield server


@pytest.fixture(scope="session")
def edge_server() -> Iterator[Nginx]:
    """nginx."""
    with nginx() as server:
        yield server


@pytest.fixture(scope="session")
def bin_url() -> Iterator[str]:
    """httpbin."""
    with httpbin() as url:
        yield url


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """oidc-provider."""
    with provider() as url:
        yield url


@pytest.fixture(scope="session")
def github_url() -> Iterator[str]:
    """The mock of GitHub."""
    with github() as url:
        yield url


@pytest.fixture(scope="session")
def stripe_url() -> Iterator[str]:
    """The mock of Stripe."""
    with stripe() as url:
        yield url


@pytest.fixture(scope="session")
def soap_url() -> Iterator[str]:
    """The SOAP service."""
    with soap() as url:
        yield url
