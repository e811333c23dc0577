"""What a virtual or saved model may ask for: its adaptor block, and the features that this build runs."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, Final

from fairlead.domain.dialect import written_field
from fairlead.domain.errors import InvalidContent, NotSupported, Problem, feature_not_supported

_OTHER_BLOCKS: Final = (
    "netsuite",
    "netsuite_da",
    "salesforce",
    "ftp",
    "s3",
    "rdbms",
    "mongodb",
    "wrapper",
    "webhook",
    "as2",
    "filesystem",
    "mcp",
    "dynamodb",
    "jdbc",
    "van",
)
_OTHER_EXPORT_TYPES: Final = ("blob", "webhook", "distributed", "simple", "stream")
_FILE_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("csv", "json", "xml"),
    "output": ("records",),
    "compressionFormat": (),
    "decrypt": (),
    "sortByFields": (),
    "groupByFields": (),
    "fileDefinition": (),
}
"""Members of ``file`` that would change the records, and their values that do not: the media type says what an answer is."""
_PATHS_INTO_ANSWERS: Final = ("successPath", "failPath", "errorPath")
_STRUCTURED: Final = ("xml", "csv")
"""Media types whose answers have values at paths; of the other words the answer's own ``Content-Type`` says what it is."""
_HOOKS: Final[Mapping[str, str]] = {
    "preSavePage": "pre_save_page_hook",
    "preMap": "pre_map_hook",
    "postMap": "post_map_hook",
    "postSubmit": "post_submit_hook",
    "postAggregate": "post_aggregate_hook",
}
"""Hooks and how errors call them (contract.md 1.16)."""
_SCRIPTED: Final[Mapping[str, str]] = {
    "inputFilter": "input_filter",
    "transform": "transformation",
    "responseTransform": "transformation",
}
"""The same for what may be a script in place of rules; ``filter`` has a word of its own for each kind of document."""


def adaptor_block(model: Mapping[str, Any], counting: str | None, what: str) -> None:
    """Raise when the model has no ``http`` or ``rest`` block: ``adaptor_not_supported`` when it has another adaptor's,
    ``missing_required_field`` when it has none. ``what`` is ``export`` or ``import``."""
    if counting is not None:
        return
    for name in _OTHER_BLOCKS:
        if name in model:
            raise NotSupported(
                Problem("adaptor_not_supported", f"{name} {what}s do not run in this build", f"{what}.{name}")
            )
    message = f"{what}.http (or {what}.rest) is required"
    raise InvalidContent(Problem("missing_required_field", message, f"{what}.http"))


def refuse_unsupported_import(tree: Mapping[str, Any], *, mapping_only: bool = False) -> None:
    """Raise ``feature_not_supported`` with its field for what an import asks for and this build cannot do yet. ``mapping_only``: for
    the mapping step alone, which runs no filter, no hook and no request (contract.md 2.11)."""
    if mapping_only:
        return
    refuse_hooks(tree)
    for name in ("blob", "blobKeyPath", "file", "idempotencyKeyTemplate"):
        if tree.get(name):
            raise feature_not_supported(name, name)
    http = tree.get("http") or {}
    if http.get("type") == "file" or http.get("_asyncHelperId"):
        field = "http.type" if http.get("type") == "file" else "http._asyncHelperId"
        raise feature_not_supported(field, "this kind of import")


def refuse_unsupported_export(tree: Mapping[str, Any]) -> None:
    """Raise ``feature_not_supported`` with its field for what an export asks for and this build cannot do yet."""
    refuse_hooks(tree)
    if tree.get("type") in _OTHER_EXPORT_TYPES:
        raise feature_not_supported("type", f"an export of type {tree['type']}")
    file = tree.get("file") or {}
    for name, harmless in _FILE_MEMBERS.items():
        if file.get(name) and file[name] not in harmless:
            raise feature_not_supported(f"file.{name}", f"file.{name} of an HTTP export")
    for name in ("json", "xml"):
        if (file.get(name) or {}).get("resourcePath"):
            field = f"file.{name}.resourcePath"
            raise feature_not_supported(
                field, f"{field} of an HTTP export (http.response.resourcePath says where records stand)"
            )


def refuse_unread_answers(http: Mapping[str, Any], known: Container[object], *blocks: str) -> None:
    """Raise when a path in one of these blocks of a connection would look into answers of a media type that is not ``known``."""
    if not any((http.get(block) or {}).get(path) for block in blocks for path in _PATHS_INTO_ANSWERS):
        return
    good = "successMediaType" if http.get("successMediaType") else "mediaType"
    for name in (good, "errorMediaType"):
        if http.get(name) in _STRUCTURED and http[name] not in known:
            raise feature_not_supported(f"http.{name}", f"reading {http[name]} answers")


def refuse_hooks(tree: Mapping[str, Any]) -> None:
    """Raise for a hook that would have to run: never skipped silently (contract.md 8). A stack that is called must exist (1.13)."""
    for name, source in _HOOKS.items():
        hook = (tree.get("hooks") or {}).get(name) or {}
        if hook.get("_scriptId"):
            message = f"hooks.{name}: this build has no script runtime"
            raise NotSupported(Problem("script_runtime_unavailable", message, f"hooks.{name}", source))
        if hook.get("_stackId"):
            field = f"hooks.{name}._stackId"
            message = f"{field}: no such stack in this account: {hook['_stackId']}; this build has no stacks yet"
            raise InvalidContent(Problem("invalid_ref", message, field, source))


def placed(problem: Problem, notation: str | None, what: str) -> Problem:
    """A problem of the model (``what``: ``export`` or ``import``), its field as it was written and from the top of the request body."""
    return as_written(problem, notation, what, f"{what}.")


def as_written(problem: Problem, notation: str | None, kind: str, prefix: str = "") -> Problem:
    """A problem of a document of that kind, its field, and its message where that begins with it, in the notation of the document."""
    if not problem.field:
        return problem
    source = problem.source
    if source is None and problem.code == "script_runtime_unavailable":
        source = _SCRIPTED.get(problem.field) or ("output_filter" if kind == "export" else "import_filter")
    field = prefix + written_field(problem.field, notation or "http", kind)
    told = problem.message.removeprefix(problem.field)
    message = problem.message if told == problem.message else field + told
    return Problem(problem.code, message, field, source)
