"""The paging methods that exports can name."""

from __future__ import annotations

from fairlead.domain.registry import Registry
from fairlead.engine.ports import PagingStrategy
from fairlead.paging.body import RenderedBody
from fairlead.paging.linkheader import LinkHeader
from fairlead.paging.page import PageNumbers
from fairlead.paging.relativeuri import RenderedUri
from fairlead.paging.skip import SkippedRecords
from fairlead.paging.token import Tokens
from fairlead.paging.url import NextPageUrl


def paging_methods() -> Registry[PagingStrategy]:
    """All of them, by name."""
    registry: Registry[PagingStrategy] = Registry("paging method")
    registry.add("page", PageNumbers())
    registry.add("skip", SkippedRecords())
    registry.add("token", Tokens())
    registry.add("url", NextPageUrl())
    registry.add("linkheader", LinkHeader())
    registry.add("relativeuri", RenderedUri())
    registry.add("body", RenderedBody())
    return registry
