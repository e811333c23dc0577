"""Both versions of mapping once more, written straight from exports-imports.md 10, 11 and 14 without a thought for speed.

Paths are lists of steps here (``"*"`` for every element); conversions and lookups are left to the smallest reading of the text.
"""

from __future__ import annotations

import copy
import json
from typing import Any

MISSING = object()
STAR = "*"


class Fails(Exception):
    """The record fails; the code."""


def empty(value: Any) -> bool:
    """Missing, null, ``""``, ``[]``, ``{}``."""
    return value is MISSING or value is None or value == "" or value == [] or value == {}


def step_in(value: Any, step: Any) -> Any:
    """A member or an element."""
    if isinstance(value, dict):
        return value.get(str(step), MISSING)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return MISSING


def elements(value: Any) -> list[Any]:
    """What ``[*]`` goes over."""
    if value is MISSING or value is None:
        return []
    return value if isinstance(value, list) else [value]


def matches(value: Any, steps: list[Any]) -> list[Any]:
    """Every value at the end of the steps."""
    if value is MISSING:
        return []
    if not steps:
        return [value]
    if steps[0] == STAR:
        return [found for element in elements(value) for found in matches(element, steps[1:])]
    return matches(step_in(value, steps[0]), steps[1:])


def base(record: Any, steps: list[Any]) -> Any:
    """Where a path begins: plain ones in the first row of grouped rows."""
    if isinstance(record, list) and not isinstance(steps[0], int) and steps[0] != STAR:
        return record[0] if record else MISSING
    return record


def text_of(value: Any) -> str:
    """The text of a value."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def convert(value: Any, kind: str | None) -> Any:
    """``dataType``, for texts, integers, booleans, objects and arrays."""
    if kind == "array" and value == "":
        return [""]
    if empty(value) or kind is None:
        return value
    if kind == "string":
        return text_of(value)
    if kind == "number":
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, int):
            return value
        if isinstance(value, str) and value.strip().lstrip("-").isdigit():
            return int(value)
        raise Fails("mapping_error")
    if kind == "boolean":
        word = text_of(value).lower()
        if word in ("true", "yes", "y", "t", "1", "false", "no", "n", "f", "0"):
            return word in ("true", "yes", "y", "t", "1")
        raise Fails("mapping_error")
    if kind == "object" and not isinstance(value, dict):
        raise Fails("mapping_error")
    if kind == "array" and not isinstance(value, list):
        return [value]
    return value


def look_up(value: Any, lookup: dict[str, Any]) -> Any:
    """A static lookup."""
    if not empty(value) and text_of(value) in lookup["map"]:
        return lookup["map"][text_of(value)]
    if not lookup.get("allowFailures"):
        raise Fails("lookup_no_match")
    return lookup.get("default", MISSING)


def each(value: Any, action: Any, *, listed: bool) -> Any:
    """The action on a value, or on every value of a list, without those that come to nothing."""
    if listed and isinstance(value, list):
        return [result for item in value if (result := action(item)) is not MISSING]
    return action(value)


# -- 1.0 ----------------------------------------------------------------------------------------------------------


def is_set(made: Any, steps: list[Any]) -> bool:
    """Whether there is a value that is not empty at the target."""
    return any(not empty(found) for found in matches(made, steps))


def put(node: Any, steps: list[Any], value: Any) -> Any:
    """The node with the value set."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step == STAR or (isinstance(step, int) and not isinstance(node, dict)):
        node = node if isinstance(node, list) else []
        several = (value if isinstance(value, list) else [value]) if step == STAR else [value]
        for index, one in enumerate(several):
            at = index if step == STAR else step
            node += [None] * (at + 1 - len(node))
            node[at] = put(node[at], rest, one)
        return node
    node = node if isinstance(node, dict) else {}
    node[str(step)] = put(node.get(str(step)), rest, value)
    return node


def finish(field: dict[str, Any], value: Any, made: Any, lookups: dict[str, Any], *, listed: bool) -> None:
    """Steps 3 to 8."""
    when = field.get("when")
    if when == "extract_not_empty" and empty(value):
        return
    judged = None
    if "lookupName" in field:
        value = judged = each(value, lambda one: look_up(one, lookups[field["lookupName"]]), listed=listed)
    if when == "lookup_empty" and not empty(judged):
        return
    if when == "lookup_not_empty" and empty(judged):
        return
    if empty(value) and "default" in field:
        value = field["default"]
    value = each(value, lambda one: convert(one, field.get("dataType")), listed=listed)
    if (field.get("discardIfEmpty") and empty(value)) or value is MISSING:
        return
    put(made, field["generate"], copy.deepcopy(value))


def skipped(field: dict[str, Any], made: Any, operation: str) -> bool:
    """Step 1."""
    when = field.get("when")
    if when == "record_created" and operation == "update":
        return True
    if when == "record_updated" and operation != "update":
        return True
    if field.get("immutable") and operation == "update":
        return True
    return when == "ignore_if_set" and is_set(made, field["generate"])


def read(record: Any, steps: list[Any], text: str) -> Any:
    """The value of an extract outside of lists."""
    start = base(record, steps)
    if STAR in steps:
        before = steps[: steps.index(STAR)]
        array = matches(start, before)
        if array:
            return MISSING if array[0] is None else matches(start, steps)
    else:
        found = matches(start, steps)
        if found:
            return found[0]
    return step_in(base(record, ["name"]), text)


def rows_of(value: Any, parts: list[list[Any]]) -> list[list[tuple[int, Any]]]:
    """Nested arrays unwound: for each innermost element the index and element of every level."""
    if not parts:
        return [[]]
    found = matches(value, parts[0])
    below = elements(found[0]) if found else []
    return [[(index, element), *more] for index, element in enumerate(below) for more in rows_of(element, parts[1:])]


def parts_of(steps: list[Any]) -> list[list[Any]]:
    """The steps, cut at the stars."""
    parts: list[list[Any]] = [[]]
    for step in steps:
        if step == STAR:
            parts.append([])
        else:
            parts[-1].append(step)
    return parts


def list_rows(tree: dict[str, Any], record: Any, lookups: dict[str, Any], operation: str) -> list[Any]:
    """The rows of a list."""
    deepest: dict[str, list[list[Any]]] = {}
    for field in tree["fields"]:
        steps = field.get("extract")
        if steps and STAR in steps:
            parts = parts_of(steps)
            key = repr(parts[0])
            if key not in deepest or len(parts) > len(deepest[key]):
                deepest[key] = parts
    groups = {key: rows_of(base(record, [*parts[0], STAR]), parts[:-1]) for key, parts in deepest.items()}
    made = []
    for number in range(max(map(len, groups.values()), default=1)):
        row: dict[str, Any] = {}
        for field in tree["fields"]:
            if skipped(field, row, operation):
                continue
            steps = field.get("extract")
            value: Any = MISSING
            if field.get("hardCodedValue") is not None:
                value = field["hardCodedValue"]
            elif steps and STAR in steps:
                parts = parts_of(steps)
                rows = groups[repr(parts[0])]
                if number < len(rows):
                    value = by_position(rows[number], parts, deepest[repr(parts[0])])
            elif steps:
                value = read(record, steps, field["text"])
            finish(field, value, row, lookups, listed=False)
        if row:
            made.append(row)
    return made


def by_position(row: list[tuple[int, Any]], parts: list[list[Any]], deepest: list[list[Any]]) -> Any:
    """The value of one starred extract on a row of its group."""
    shared = 0
    while shared < len(parts) - 1 and parts[shared] == deepest[shared]:
        shared += 1
    value = row[shared - 1][1]
    for level in range(shared, len(parts) - 1):
        found = matches(value, parts[level])
        array = elements(found[0]) if found else []
        if row[level][0] >= len(array):
            return MISSING
        value = array[row[level][0]]
    found = matches(value, parts[-1])
    return found[0] if found else MISSING


def map_1(mapping: dict[str, Any], record: Any, operation: str, lookups: dict[str, Any]) -> Any:
    """Mapping 1.0; raises ``Fails``."""
    made: dict[str, Any] = {}
    for field in mapping["fields"]:
        if skipped(field, made, operation):
            continue
        value: Any = MISSING
        listed = False
        if field.get("hardCodedValue") is not None:
            value = field["hardCodedValue"]
        elif field.get("extract"):
            value = read(record, field["extract"], field["text"])
            listed = STAR in field["extract"]
        finish(field, value, made, lookups, listed=listed)
    for tree in mapping["lists"]:
        if rows := list_rows(tree, record, lookups, operation):
            put(made, tree["generate"], rows)
    return made


# -- 2.0 ----------------------------------------------------------------------------------------------------------


def shown(record: Any, steps: list[Any]) -> list[Any]:
    """Copies of the record, one per match, with every bracket of the path replaced by the element."""
    if not steps:
        return [record]
    if steps[0] == STAR:
        return [view for element in elements(record) for view in shown(element, steps[1:])]
    inner = step_in(record, steps[0])
    if inner is MISSING:
        return []
    views = shown(inner, steps[1:])
    return views if isinstance(steps[0], int) else [{**record, steps[0]: view} for view in views]


def map_2(entries: list[dict[str, Any]], record: Any, operation: str, lookups: dict[str, Any]) -> dict[str, Any]:
    """The members that entries of mapping 2.0 make; raises ``Fails``."""
    made: dict[str, Any] = {}
    for entry in entries:
        value = entry_value(entry, record, operation, lookups)
        if value is not MISSING and value not in ({}, []):
            made[entry["generate"]] = copy.deepcopy(value)
    return made


def entry_value(entry: dict[str, Any], record: Any, operation: str, lookups: dict[str, Any]) -> Any:
    """The value of one entry."""
    when = entry.get("when")
    if (when == "record_created" and operation == "update") or (when == "record_updated" and operation != "update"):
        return MISSING
    kind = entry["dataType"]
    array = kind.endswith("array")
    value: Any = MISSING
    if entry.get("hardCodedValue") is not None:
        value = [entry["hardCodedValue"]] if array else entry["hardCodedValue"]
    elif array:
        items = [item for source in entry["sources"] for item in source_items(source, kind, record, operation, lookups)]
        value = [item for item in items if item not in ({}, [])]
    elif "mappings" in entry:
        views = shown(record, entry["extract"]) if "extract" in entry else [record]
        value = map_2(entry["mappings"], views[0], operation, lookups) if views else MISSING
    elif "extract" in entry:
        found = matches(record, entry["extract"])
        value = found[0] if found else MISSING
    if when == "extract_not_empty" and empty(value):
        return MISSING
    if "lookupName" in entry:
        value = each(value, lambda one: look_up(one, lookups[entry["lookupName"]]), listed=array)
    if empty(value) and "default" in entry:
        value = [entry["default"]] if array else entry["default"]
    value = each(value, lambda one: convert(one, kind.removesuffix("array")), listed=array)
    if array and value is not MISSING:
        value = [item for item in value if item not in ({}, [])]
    return value


def source_items(source: dict[str, Any], kind: str, record: Any, operation: str, lookups: dict[str, Any]) -> list[Any]:
    """What one source appends."""
    if "extract" not in source:
        return [] if "mappings" not in source else of_view(source["mappings"], kind, record, operation, lookups)
    found: Any = matches(record, source["extract"])
    if STAR not in source["extract"]:
        found = found[0] if found else MISSING
    if empty(found) and source.get("when") == "extract_not_empty":
        return []
    if empty(found) and "default" in source:
        return [source["default"]]
    if "mappings" in source:
        return [
            item
            for view in shown(record, source["extract"])
            for item in of_view(source["mappings"], kind, view, operation, lookups)
        ]
    if found is MISSING:
        return []
    several = found if STAR in source["extract"] else [found]
    opened = [item for one in several for item in (one if isinstance(one, list) else [one])]
    if kind == "arrayarray" and (source["extract"][-1:] == [STAR] or not all(isinstance(i, list) for i in opened)):
        return several
    return opened


def of_view(
    entries: list[dict[str, Any]], kind: str, record: Any, operation: str, lookups: dict[str, Any]
) -> list[Any]:
    """What the entries of a source make of one view of the record."""
    if kind != "arrayarray":
        made = map_2(entries, record, operation, lookups)
        return [made] if made else []
    values = [entry_value(entry, record, operation, lookups) for entry in entries]
    return [
        value if isinstance(value, list) else [value]
        for value in values
        if value is not MISSING and value not in ({}, [])
    ]
