"""Made-up records through made-up mappings: the rules, the generated function and a second evaluator agree."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.engine.ports import MappingError, Operation
from tests.unit.mapping import naive
from tests.unit.mapping.support import both_ways, compiled

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS: st.SearchStrategy[Any] = st.sampled_from([None, True, False, 0, 1, 7, "", "x", "7", "yes", "USA", "?"])
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=3)
RECORDS = OBJECTS | st.lists(OBJECTS, max_size=3)
LOOKUPS: dict[str, Any] = {
    "strict": {"map": {"USA": "US", "x": "", "7": {"k": 1}, "true": None}},
    "lenient": {"map": {"USA": "US", "1": 5}, "allowFailures": True},
    "usual": {"map": {"USA": "US"}, "allowFailures": True, "default": "ZZ"},
}
OPERATIONS = st.sampled_from(["create", "update"])
WHENS_2 = ["record_created", "record_updated", "extract_not_empty"]


def path_text(steps: list[Any]) -> str:
    """``["a", 0, "*", "b"]`` to ``a[0][*].b``."""
    text = ""
    for step in steps:
        if isinstance(step, int) or step == naive.STAR:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


PATHS = st.lists(NAMES | NAMES | NAMES | st.sampled_from([0, 1, naive.STAR]), min_size=1, max_size=4)
NAMED_PATHS = st.builds(lambda name, rest: [name, *rest], NAMES, PATHS | st.just([]))
TARGETS = st.builds(
    lambda name, rest: [name, *rest], NAMES, st.lists(NAMES | st.sampled_from([0, 1, naive.STAR]), max_size=2)
)


def some(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the members, or none."""
    return st.fixed_dictionaries({}, optional=strategies)


FIELD = st.builds(
    lambda generate, more, rare: {"generate": generate, **more, **rare},
    TARGETS,
    some(extract=PATHS, hardCodedValue=JSON),
    st.just({})
    | some(
        lookupName=st.sampled_from(["strict", "lenient", "usual"]),
        default=JSON,
        dataType=st.sampled_from(["string", "number", "boolean"]),
        discardIfEmpty=st.booleans(),
        immutable=st.booleans(),
        when=st.sampled_from([*WHENS_2, "ignore_if_set", "lookup_empty", "lookup_not_empty"]),
    ),
).map(lambda field: _judged(field))


def _judged(field: dict[str, Any]) -> dict[str, Any]:
    if field.get("when", "").startswith("lookup"):
        field.setdefault("lookupName", "lenient")
    if "extract" in field:
        field["text"] = path_text(field["extract"])
    return field


LISTS = st.builds(
    lambda generate, fields: {"generate": generate, "fields": fields}, TARGETS, st.lists(FIELD, min_size=1, max_size=4)
)
MAPPINGS = st.fixed_dictionaries({"fields": st.lists(FIELD, max_size=5), "lists": st.lists(LISTS, max_size=2)})


def document(field: dict[str, Any]) -> dict[str, Any]:
    """A field as it stands in a document."""
    made = {name: value for name, value in field.items() if name not in ("text", "when")}
    made["generate"] = path_text(field["generate"])
    if "extract" in field:
        made["extract"] = field["text"]
    if "when" in field:
        made["conditional"] = {"when": field["when"]}
    if "fields" in field:
        made["fields"] = [document(inner) for inner in field["fields"]]
    return made


def outcome(model: dict[str, Any], record: Any, operation: str) -> str:
    """What comes out, or the code of the error."""
    lookups = [{"name": name, **lookup} for name, lookup in LOOKUPS.items()]
    mapper = compiled(model.pop("mapping", {}), lookups=lookups, **model)
    before = json.dumps(record)
    try:
        return both_ways(mapper, record, Operation(operation))
    except MappingError as error:
        return error.code
    finally:
        assert json.dumps(record) == before


def expected(made: Any) -> str:
    """The same of the second evaluator."""
    return json.dumps(made, separators=(",", ":"), ensure_ascii=False)


@settings(max_examples=400, deadline=None)
@given(MAPPINGS, RECORDS, OPERATIONS)
def test_mapping_1(mapping: dict[str, Any], record: Any, operation: str) -> None:
    """Mapping 1.0 (10.1 to 10.4, 12, 14)."""
    if not mapping["fields"] and not mapping["lists"]:
        return
    try:
        wanted = expected(naive.map_1(mapping, record, operation, LOOKUPS))
    except naive.Fails as error:
        wanted = str(error)
    model = {"mapping": {name: [document(tree) for tree in trees] for name, trees in mapping.items()}}
    assert outcome(model, record, operation) == wanted


STEPS_2 = st.lists(NAMES | NAMES | NAMES | st.sampled_from([0, naive.STAR]), min_size=1, max_size=4)


def entries(nested: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Lists of entries whose objects and arrays hold others."""
    common = {
        "default": st.sampled_from(["x", "7", "yes"]),
        "lookupName": st.sampled_from(["lenient", "usual"]),
        "when": st.sampled_from(WHENS_2),
    }
    scalar = st.builds(
        lambda kind, more, rare: {"dataType": kind, **more, **rare},
        st.sampled_from(["string", "number", "boolean"]),
        some(extract=STEPS_2, hardCodedValue=st.sampled_from(["x", 7, True])),
        st.just({}) | some(**common),
    )
    objects = st.builds(
        lambda more, inner, rare: {"dataType": "object", "mappings": inner, **more, **rare},
        some(extract=STEPS_2),
        nested,
        some(when=st.sampled_from(WHENS_2)),
    )
    source = st.builds(
        lambda more, extract: {"extract": extract, **more},
        some(default=st.sampled_from(["x", "7"]), when=st.just("extract_not_empty")),
        STEPS_2,
    )
    arrays = st.builds(
        lambda kind, sources, rare: {"dataType": kind, "sources": sources, **rare},
        st.sampled_from(["stringarray", "numberarray", "booleanarray", "objectarray", "arrayarray"]),
        st.lists(source, max_size=2),
        st.just({}) | some(**common),
    )
    built = st.builds(
        lambda kind, sources, rare: {"dataType": kind, "sources": sources, **rare},
        st.sampled_from(["objectarray", "objectarray", "arrayarray"]),
        st.lists(
            st.builds(lambda more, inner: {"mappings": inner, **more}, some(extract=STEPS_2), nested),
            min_size=1,
            max_size=2,
        ),
        some(when=st.sampled_from(WHENS_2)),
    )
    named = st.builds(
        lambda name, entry: {"generate": name, **entry}, NAMES, scalar | scalar | objects | arrays | built
    )
    return st.lists(named, min_size=1, max_size=3)


ENTRIES = st.recursive(
    st.lists(
        st.builds(
            lambda name, steps, kind: {"generate": name, "dataType": kind, "extract": steps},
            NAMES,
            STEPS_2,
            st.sampled_from(["string", "boolean", "number"]),
        ),
        min_size=1,
        max_size=3,
    ),
    entries,
    max_leaves=6,
)


def document_2(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry, or a source of an array, as it stands in a document."""
    made = {name: value for name, value in entry.items() if name not in ("when", "sources")}
    if "extract" in entry:
        text = path_text(entry["extract"])
        made["extract"] = f"${text}" if text.startswith("[") else f"$.{text}"
    if "when" in entry:
        made["conditional"] = {"when": entry["when"]}
    if "mappings" in entry:
        made["mappings"] = [document_2(inner) for inner in entry["mappings"]]
    if "sources" in entry:
        made["buildArrayHelper"] = [document_2(source) for source in entry["sources"]]
    return {**made, "status": "Active"}


@settings(max_examples=400, deadline=None)
@given(ENTRIES, RECORDS, OPERATIONS)
def test_mapping_2(tree: list[dict[str, Any]], record: Any, operation: str) -> None:
    """Mapping 2.0 (11, 12, 14)."""
    try:
        wanted = expected(naive.map_2(tree, record, operation, LOOKUPS))
    except naive.Fails as error:
        wanted = str(error)
    model = {"mappings": [document_2(entry) for entry in tree]}
    assert outcome(model, record, operation) == wanted
