"""The paging methods that exports can name."""

from __future__ import annotations

from typing import Final

from fairlead.domain.registry import Registry
from fairlead.engine.ports import PagingStrategy
from fairlead.paging.body import RenderedBody
from fairlead.paging.linkheader import LinkHeader
from fairlead.paging.page import PageNumbers
from fairlead.paging.relativeuri import RenderedUri
from fairlead.paging.skip import SkippedRecords
from fairlead.paging.token import Tokens
from fairlead.paging.url import NextPageUrl

paging_strategies: Final[Registry[PagingStrategy]] = Registry("paging method")
"""All of them, by name."""

paging_strategies.add("page", PageNumbers())
paging_strategies.add("skip", SkippedRecords())
paging_strategies.add("token", Tokens())
paging_strategies.add("url", NextPageUrl())
paging_strategies.add("linkheader", LinkHeader())
paging_strategies.add("relativeuri", RenderedUri())
paging_strategies.add("body", RenderedBody())
