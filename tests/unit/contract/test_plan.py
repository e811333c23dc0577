"""Compiling descriptors: what REST cannot carry is refused when the contract is written, not when it is called."""

from __future__ import annotations

import pytest

from fairlead.contract.plan import plan_of
from fairlead.v1 import common_pb2
from tests.unit.contract.samples import BOOLEAN, MESSAGE, TEXT, FieldProto, Sample, build, descriptor_of, field, message


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Wide", [field("big", FieldProto.TYPE_INT64)]),
        ("Raw", [field("raw", FieldProto.TYPE_BYTES)]),
        ("Twice", [field("a", TEXT), field("b", TEXT, aliases=["a"])]),
    ],
)
def test_what_rest_cannot_carry_is_refused(name: str, parts: list[object]) -> None:
    """64-bit numbers, bytes outside open values (D1, D3), two fields of one name; also from a message around."""
    made = build(f"plan_{name}", message(name, *parts), message(f"Around{name}", field("inner", MESSAGE, name)))
    for _ in range(2):
        with pytest.raises(TypeError):
            plan_of(descriptor_of(made[f"Around{name}"]))


def test_a_bare_list_has_one_repeated_field() -> None:
    """Anything else has no form as a JSON array."""
    made = build("plan_bare", message("Bare", field("a", TEXT, many=True), field("b", BOOLEAN), bare_list=True))
    with pytest.raises(TypeError, match="bare list"):
        plan_of(descriptor_of(made["Bare"]))


def test_a_plan_is_compiled_once() -> None:
    """The same object every time, nested plans shared."""
    plan = plan_of(descriptor_of(Sample))
    assert plan_of(descriptor_of(Sample)) is plan
    assert plan.by_name["values"].message is plan_of(descriptor_of(common_pb2.StringList))
