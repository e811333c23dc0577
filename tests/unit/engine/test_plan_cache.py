"""Documents are compiled once for each version of their connection (issue 5: compiled once per document version)."""

from __future__ import annotations

from typing import Any

import pytest

from fairlead.domain.document import Tree
from fairlead.engine import plan_cache as module
from fairlead.engine.plan_cache import PlanCache
from fairlead.mapping.compiler import MappingCompiler
from tests.unit.engine.exporting import FIRST, MINE, SECOND, Service, orders


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Tree]:
    """Documents whose mapping was compiled: once for each plan."""
    seen: list[Tree] = []
    original = MappingCompiler.compile

    def compile(self: MappingCompiler, tree: Tree) -> Any:
        seen.append(tree)
        return original(self, tree)

    monkeypatch.setattr(MappingCompiler, "compile", compile)
    return seen


async def test_a_document_is_compiled_once(compiled: list[Tree]) -> None:
    """For all its pages, and for calls that differ in nothing else; another document or connection has a plan of its own."""
    service = Service()
    state = (await service.page(orders())).state
    await service.page(orders(), state)
    await service.execute(orders())
    assert len(compiled) == 1
    await service.execute(orders(name="another"))
    await service.execute(orders(), to=SECOND)
    assert len(compiled) == 3


async def test_a_plan_of_another_version_is_not_used(compiled: list[Tree]) -> None:
    """Its templates and paths were compiled for another connection."""
    service = Service()
    await service.execute(orders())
    prepared = await service.preparer.stored(MINE, FIRST)
    service.store.write(FIRST)
    assert (await service.preparer.stored(MINE, FIRST)).rules is not prepared.rules
    await service.execute(orders())
    assert len(compiled) == 2


async def test_the_order_of_members_counts() -> None:
    """rest.query goes into the URL as it is written."""
    service = Service()
    prepared = await service.preparer.stored(MINE, FIRST)
    cache = PlanCache[str]()
    first, _ = cache.key(prepared, {"rest": {"query": {"a": "1", "b": "2"}}})
    second, _ = cache.key(prepared, {"rest": {"query": {"b": "2", "a": "1"}}})
    assert first != second
    assert first != cache.key(prepared, {"rest": {"query": {"a": "1", "b": "2"}}}, "mapping")[0]


async def test_plans_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in the text of their documents; the one that was used last stays."""
    service = Service()
    prepared = await service.preparer.stored(MINE, FIRST)
    for bound, value in (("MAXIMUM_PLANS", 3), ("MAXIMUM_TEXT", 40)):
        with monkeypatch.context() as patch:
            patch.setattr(module, bound, value)
            cache = PlanCache[int]()
            keys = [cache.key(prepared, {"n": number})[0] for number in range(6)]
            for number, key in enumerate(keys):
                cache.keep(key, 10, prepared, number)
                assert cache.find(keys[0], prepared) == 0
            found = [cache.find(key, prepared) for key in keys]
            assert found[0] == 0
            assert found[5] == 5
            assert len([one for one in found if one is not None]) == (3 if bound == "MAXIMUM_PLANS" else 4)
            assert cache.keep(("c", "", b"large"), 50 << 20, prepared, 9) == 9
            assert cache.find(("c", "", b"large"), prepared) is None
