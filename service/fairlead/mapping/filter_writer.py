"""Expressions of Python for the nodes of a filter's tree.

Conditions of the usual kinds are written out for the usual types; everything else calls the operators, which say what is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Raw

from fairlead.domain.jsonvalue import Json
from fairlead.mapping.filter_operators import Result
from fairlead.mapping.filter_tree import Call, Constant, Node, Read
from fairlead.mapping.filter_values import Value, numeric

_SYMBOLS: Final = {"greaterthan": ">", "greaterthanequals": ">=", "lessthan": "<", "lessthanequals": "<="}
_MIRRORED: Final = {
    "greaterthan": "lessthan",
    "greaterthanequals": "lessthanequals",
    "lessthan": "greaterthan",
    "lessthanequals": "greaterthanequals",
}
_ROOTS: Final = {"extract": "row", "settings": "settings", "context": "context"}
_LONGEST_WALK: Final = 8
"""Names of a path that is written out; each costs two levels of brackets, of which Python reads 200."""
_LETTERS: Final = re.compile("[A-Za-z0-9_ ]*")


_PREPARED: Final = {
    "row": "record if type(record) is dict else row_of(record)",
    "settings": "row_of(scope.context.get('settings'))",
    "context": "scope.context",
    "work": "Work(record, None, scope, scope.lookups)",
    "settings_work": "Work(scope.context.get('settings'), None, scope, scope.lookups)",
    "context_work": "Work(scope.context, None, scope, scope.lookups)",
}
_WORKS: Final = {"extract": "work", "settings": "settings_work", "context": "context_work"}


class Writer:
    """Writes expressions; ``bound`` are the values that they name, ``prepared`` what they need once per record."""

    def __init__(self) -> None:
        self.bound: dict[str, Value] = {}
        self.prepared: dict[str, str] = {}
        self._temporaries = 0

    def truth(self, node: Node) -> str:
        """A Python expression of the node's truth, a ``bool``."""
        return self.value(node) if _gives(node) is Result.BOOLEAN else f"truth({self.value(node)})"

    def value(self, node: Node) -> str:
        """A Python expression of the node's value."""
        if isinstance(node, Constant):
            return self._bind(node.value)
        if isinstance(node, Read):
            return self._read(node)
        if node.name in _SYMBOLS:
            return self._order(node.name, *node.operands)
        if node.name in _WRITTEN_OUT:
            return _WRITTEN_OUT[node.name](self, *node.operands)
        return self._call(node.name, *map(self.value, node.operands))

    def _call(self, name: str, *operands: str) -> str:
        return f"op_{name}({', '.join(operands)})"

    def _bind(self, value: Value) -> str:
        name = f"c{len(self.bound)}"
        self.bound[name] = value
        return name

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"t{self._temporaries}"

    def _prepare(self, name: str) -> str:
        self.prepared[name] = _PREPARED[name]
        return name

    # -- reading ------------------------------------------------------------------------------------------------------

    def _read(self, node: Read) -> str:
        names = node.source.steps or ()
        if not 0 < len(names) <= _LONGEST_WALK or not all(isinstance(name, str) for name in names):
            return f"given({self._bind(node.source.read)}({self._prepare(_WORKS[node.root])}))"
        root = self._prepare(_ROOTS[node.root])
        if names == (node.path,):
            return f"{root}.get({self._bind(node.path)})"
        found = f"{root}.get({self._bind(names[0])}, NOTHING)"
        for name in names[1:]:
            level = self._temporary()
            found = f"({level}.get({self._bind(name)}, NOTHING) if type({level} := {found}) is dict else NOTHING)"
        last = self._temporary()
        return f"({last} if ({last} := {found}) is not NOTHING else {root}.get({self._bind(node.path)}))"

    # -- conversions --------------------------------------------------------------------------------------------------

    def string(self, operand: Node) -> str:
        if _is_text(operand):
            return self.value(operand)
        return self._unless("str", operand, "op_string")

    def number(self, operand: Node) -> str:
        return self._unless("int", operand, "op_number")

    def lowercase(self, operand: Node) -> str:
        return f"{self.value(operand)}.lower()" if _is_text(operand) else self._call("lowercase", self.value(operand))

    def uppercase(self, operand: Node) -> str:
        return f"{self.value(operand)}.upper()" if _is_text(operand) else self._call("uppercase", self.value(operand))

    def _unless(self, kind: str, operand: Node, function: str) -> str:
        name = self._temporary()
        return f"({name} if type({name} := {self.value(operand)}) is {kind} else {function}({name}))"

    # -- comparing ----------------------------------------------------------------------------------------------------

    def equals(self, left: Node, right: Node) -> str:
        if isinstance(left, Constant):
            left, right = right, left
        if _is_text(left) and _is_text(right):
            return f"({self.value(left)} == {self.value(right)})"
        if isinstance(right, Constant):
            if right.value is None:
                return f"({self.value(left)} is None)"
            if _is_plain(right.value):
                return f"({self.value(left)} == {self._bind(right.value)})"
            if type(right.value) is int:
                if isinstance(left, Call) and left.name == "number":
                    return f"({self._unless('int', left.operands[0], 'numeric')} == {self._bind(right.value)})"
                name, constant = self._temporary(), self._bind(right.value)
                otherwise = self._call("equals", name, constant)
                return f"({name} == {constant} if type({name} := {self.value(left)}) is int else {otherwise})"
        return self._call("equals", self.value(left), self.value(right))

    def notequals(self, left: Node, right: Node) -> str:
        return f"(not {self.equals(left, right)})"

    def _order(self, operator: str, left: Node, right: Node) -> str:
        if isinstance(left, Constant):
            operator, left, right = _MIRRORED[operator], right, left
        symbol = _SYMBOLS[operator]
        if _is_text(left) and _is_text(right):
            return f"({self.value(left)} {symbol} {self.value(right)})"
        one, other = self._temporary(), self._temporary()
        if isinstance(right, Constant) and isinstance(right.value, str | int | float | Raw):
            kind = "str" if isinstance(right.value, str) else "int"
            if kind == "int" and isinstance(left, Call) and left.name == "number":
                left = left.operands[0]  # with a number on the other side its operand is read as one anyhow
            other = self._bind(right.value if kind == "str" else numeric(right.value))
            test = f"type({one} := {self.value(left)}) is {kind}"
        else:
            test = f"type({one} := {self.value(left)}) is type({other} := {self.value(right)}) is int"
        return f"({one} {symbol} {other} if {test} else {self._call(operator, one, other)})"

    def contains(self, left: Node, right: Node) -> str:
        if not _is_text(right):
            return self._call("contains", self.value(left), self.value(right))
        name, part = self._temporary(), self._temporary()
        test = f"type({name} := {self.value(left)}) is type({part} := {self.value(right)})"
        return f"({part} in {name} if {test} else {self._call('contains', name, part)})"

    def doesnotcontain(self, left: Node, right: Node) -> str:
        return f"(not {self.contains(left, right)})"

    def matches(self, left: Node, right: Node) -> str:
        if isinstance(right, Constant) and isinstance(right.value, str) and _LETTERS.fullmatch(right.value):
            name, pattern = self._temporary(), self._bind(right.value)
            otherwise = self._call("matches", name, pattern, "scope.regex_time")
            return f"({pattern} in {name} if type({name} := {self.value(left)}) is str else {otherwise})"
        return self._call("matches", self.value(left), self.value(right), "scope.regex_time")

    def empty(self, operand: Node) -> str:
        name = self._temporary()
        return f"(({name} := {self.value(operand)}) is None or (not {name} and type({name}) in empties))"

    def notempty(self, operand: Node) -> str:
        return f"(not {self.empty(operand)})"

    def anyof(self, left: Node, right: Node) -> str:
        elements = right.value if isinstance(right, Constant) else ()
        otherwise = self._bind(elements)
        if not elements or not all(isinstance(element, str) for element in elements):
            return self._call("anyof", self.value(left), otherwise)
        name, texts = self._temporary(), self._bind(frozenset(elements))
        test = f"type({name} := {self.value(left)}) is str"
        return f"({name} in {texts} if {test} else {self._call('anyof', name, otherwise)})"

    # -- joining ------------------------------------------------------------------------------------------------------

    def and_(self, *operands: Node) -> str:
        return f"({' and '.join(map(self.truth, operands))})" if operands else "True"

    def or_(self, *operands: Node) -> str:
        return f"({' or '.join(map(self.truth, operands))})" if operands else "False"

    def not_(self, operand: Node) -> str:
        return f"(not {self.truth(operand)})"


_WRITTEN_OUT: Final[Mapping[str, Callable[..., str]]] = {
    "string": Writer.string,
    "number": Writer.number,
    "lowercase": Writer.lowercase,
    "uppercase": Writer.uppercase,
    "equals": Writer.equals,
    "notequals": Writer.notequals,
    "contains": Writer.contains,
    "doesnotcontain": Writer.doesnotcontain,
    "matches": Writer.matches,
    "empty": Writer.empty,
    "isempty": Writer.empty,
    "notempty": Writer.notempty,
    "isnotempty": Writer.notempty,
    "anyof": Writer.anyof,
    "and": Writer.and_,
    "or": Writer.or_,
    "not": Writer.not_,
}


def _gives(node: Node) -> Result:
    if isinstance(node, Call):
        return node.operator.result
    return Result.ANY


def _is_text(node: Node) -> bool:
    """Whether the value is text for sure, never null."""
    if isinstance(node, Constant):
        return isinstance(node.value, str)
    if not isinstance(node, Call) or node.operator.result is not Result.TEXT:
        return False
    return node.name == "string" or _is_text(node.operands[0])


def _is_plain(value: Json) -> bool:
    """Whether nothing but this very text is equal to it: no number, boolean, array or object has it as its text."""
    return (
        isinstance(value, str)
        and value not in ("true", "false")
        and value[:1] not in ("[", "{")
        and numeric(value) is None
    )
