"""From templates to one complete request (connections.md 13.1 to 13.3, handlebars.md 2.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fairlead.codecs.media_types import accept, content_type
from fairlead.domain import urls
from fairlead.domain.document import Tree
from fairlead.domain.errors import InvalidContent, Problem
from fairlead.domain.http import Headers, HttpRequest, can_be_set
from fairlead.domain.paths import Path, PathError, compile_path
from fairlead.domain.product import ACCEPT_ENCODING, USER_AGENT
from fairlead.domain.selector import check_selector
from fairlead.engine.ports import Json, Place, Scope, Template, TemplateError, Templates
from fairlead.engine.run import Run

_OPEN_PLACES: Final = (
    "connection._id",
    "connection.name",
    "connection.settings",
    "connection.http.baseURI",
    "connection.http.unencrypted",
    "connection.rest.baseURI",
    "connection.rest.unencrypted",
)


@dataclass(frozen=True, slots=True)
class HeaderTemplate:
    """A configured header: its name and its compiled value. ``secret``: it may carry a credential, so it stays at the origin."""

    name: str
    value: Template
    secret: bool = False


class TemplateCollector:
    """Compiles the templates and paths of one document and gathers every problem with its field instead of stopping at the first."""

    def __init__(self, templates: Templates, problems: list[Problem]) -> None:
        self._templates = templates
        self._problems = problems

    def compile(self, text: Json, place: Place, field: str, *, strict: bool = False) -> Template:
        """The compiled text; a text that cannot be compiled is noted as ``invalid_template`` and stands for nothing."""
        try:
            return self._templates.compile(text if isinstance(text, str) else "", place, strict=strict)
        except TemplateError as error:
            self._problems.append(Problem("invalid_template", f"{field}: {error.message}", field))
            return self._templates.compile("", place)

    def path(self, text: Json, field: str) -> Path | None:
        """The compiled path, nothing when there is none; one that cannot be read is noted as ``invalid_field``."""
        if not isinstance(text, str) or not text:
            return None
        try:
            return compile_path(text)
        except PathError as error:
            self._problems.append(Problem("invalid_field", f"{field}: {error}", field))
            return None

    def selector(self, text: Json, field: str, media_types: Collection[str]) -> None:
        """Notes a path into answers of these media types that cannot be read as ``invalid_field`` (connections.md 5.1)."""
        if not isinstance(text, str) or not text:
            return
        try:
            check_selector(text, media_types)
        except PathError as error:
            self._problems.append(Problem("invalid_field", f"{field}: {error}", field))

    def headers(self, entries: Json, field: str, *, strict: bool = False) -> tuple[HeaderTemplate, ...]:
        """Compiled ``headers[]`` of a connection or resource; names that cannot be set are problems."""
        compiled = []
        for index, entry in enumerate(entries or ()):
            name = entry.get("name") or ""
            if not can_be_set(name):
                where = f"{field}.{index}.name"
                self._problems.append(
                    Problem("invalid_field", f"{where}: {name!r} is not a header that can be set", where)
                )
                continue
            value = self.compile(entry.get("value"), Place.PLAIN, f"{field}.{index}.value", strict=strict)
            compiled.append(HeaderTemplate(name, value, reads_secrets(value)))
        return tuple(compiled)


_REVEALING: Final = frozenset(("getValue", "hmac", "hash", "aws4"))


def reads_secrets(template: Template) -> bool:
    """Whether a template can show a credential of the connection (connections.md 13.4): it reads the connection or the iClient
    anywhere but at places that hold none, or computes a signature. ``getValue`` may be given any path. What else may show one, a whole
    context printed, is found by its value (``domain/redirects.py``)."""
    return not _REVEALING.isdisjoint(template.helpers) or any(
        path.split(".")[0] in ("connection", "iClient") and not path.startswith(_OPEN_PLACES) for path in template.paths
    )


def dynamic_lookups(templates: Iterable[tuple[str, Template]], lookups: Iterable[Tree]) -> Iterator[Problem]:
    """Templates (with their fields) that read the result of a dynamic or cache lookup: known, and not run by this build."""
    names = {entry.get("name") for entry in lookups if entry.get("relativeURI") or entry.get("_lookupCacheId")}
    for field, template in templates:
        used = {path.removeprefix("lookup.").strip("[]") for path in template.paths if path.startswith("lookup.")}
        if used & names or (names and "lookup" in template.paths):
            message = f"{field}: a dynamic lookup in a template is stored but not supported by this build yet"
            yield Problem("feature_not_supported", message, field)


@dataclass(frozen=True, slots=True)
class Target:
    """What one request of a resource is made from. ``url`` replaces base and relative URI (a next page's own address);
    ``query`` sets or replaces parameters after rendering."""

    method: str
    relative_uri: Template | None = None
    body: Template | bytes | None = None
    headers: Sequence[HeaderTemplate] = ()
    media_type: str | None = None
    accept: str | None = None
    url: str | None = None
    query: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Builds every request of one connection: base URI and headers are compiled once."""

    base_uri: Template
    headers: tuple[HeaderTemplate, ...]
    media_type: str
    success_media_type: str | None

    @classmethod
    def of(cls, http: Mapping[str, Json], collector: TemplateCollector) -> RequestBuilder:
        """From the connection's block; problems go to the collector, fields below ``http``."""
        return cls(
            collector.compile(http.get("baseURI"), Place.PLAIN, "http.baseURI"),
            collector.headers(http.get("headers"), "http.headers"),
            http.get("mediaType") or "json",
            http.get("successMediaType"),
        )

    def build(self, run: Run, target: Target, scope: Scope, *, field: str = "") -> HttpRequest:
        """The request, not yet signed. Renders base URI, relative URI, body, then headers. Raises ``InvalidContent`` with
        ``field``: ``invalid_template`` for a template that fails, ``invalid_field`` for a URI that is none or has another origin."""
        redact = run.connection.redactor
        try:
            scope.signing = lambda: _known_before(target, scope)
            url, relative = self._url(target, scope)
            body = _rendered(target.body, scope)
            headers = Headers(
                [
                    ("Accept", self._accept(target)),
                    ("User-Agent", USER_AGENT),
                    ("Accept-Encoding", ACCEPT_ENCODING),
                ]
            )
            media_type = target.media_type or self.media_type
            written = content_type(media_type, body) if body is not None else None
            if written is not None:
                headers.set("Content-Type", written)
            marked = frozenset(h.name.lower() for h in (*self.headers, *target.headers) if h.secret)
            secret_body = target.body is not None and not isinstance(target.body, bytes) and reads_secrets(target.body)
            request = HttpRequest(target.method, url, headers, body, marked, secret_body)
            signing = SigningOptions(request, relative, scope)
            scope.signing = signing
            for header in (*self.headers, *target.headers):
                self._set(headers, header, scope)
            for name, value in signing.added():
                headers.set(name, value)
                request.secret_headers |= {name.lower()}
        except TemplateError as error:
            raise InvalidContent(Problem("invalid_template", redact(error.message), field or None)) from None
        except urls.UrlError as error:
            raise InvalidContent(Problem("invalid_field", redact(str(error)), field or None)) from None
        return request

    def _url(self, target: Target, scope: Scope) -> tuple[str, str]:
        """The URL, and the rendered text of its relative part; the URL itself where it is given whole."""
        base = self.base_uri.render(scope)
        if target.url is not None:
            url = relative = target.url
        else:
            relative = target.relative_uri.render(scope) if target.relative_uri is not None else ""
            url = urls.join(base, relative)
        for name, value in (target.query or {}).items():
            url = urls.set_query(url, name, value)
        return url, relative

    def _accept(self, target: Target) -> str:
        word = target.accept or self.success_media_type or target.media_type or self.media_type
        return accept(word)

    @staticmethod
    def _set(headers: Headers, header: HeaderTemplate, scope: Scope) -> None:
        value = header.value.render(scope)
        if any(c in value for c in "\r\n\0"):
            raise TemplateError(f"header {header.name}: the rendered value holds a line break or a zero byte")
        value = value.strip()
        if value == "":
            headers.remove(header.name)
        else:
            headers.set(header.name, value)


def _rendered(body: Template | bytes | None, scope: Scope) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.render(scope).encode("utf-8", "surrogatepass")


def _of_connection(scope: Scope) -> dict[str, Json]:
    """The members of ``hashOptions`` that come from the connection."""
    connection = scope.context.get("connection")
    http = (connection.get("http") if isinstance(connection, dict) else None) or {}
    return {"http": {"encrypted": http.get("encrypted")}, "baseURI": http.get("baseURI") or ""}


def _known_before(target: Target, scope: Scope) -> dict[str, Json]:
    """``hashOptions`` and ``hmacOptions`` while the URI is rendered (handlebars.md 6.7): ``relativeURI`` is its text before that."""
    relative = target.relative_uri.text if target.relative_uri is not None else ""
    return {"method": target.method, **_of_connection(scope), "relativeURI": relative}


def _path_of(relative: str) -> str:
    """A rendered relative URI with one leading slash and without query and fragment; of a whole URL its path."""
    if relative.startswith(("http://", "https://")):
        relative, _ = urls.path_and_query(relative)
    return "/" + relative.partition("#")[0].partition("?")[0].lstrip("/")


class SigningOptions:
    """What ``hashOptions`` and ``hmacOptions`` hold for a request in the making (handlebars.md 6.7); made when a template asks.

    ``aws4`` adds headers of its own to the members: ``added`` tells them, they belong to the request.
    """

    def __init__(self, request: HttpRequest, relative: str, scope: Scope) -> None:
        self._request = request
        self._relative = relative
        self._scope = scope
        self._given: dict[str, str] = {}
        self._members: dict[str, Json] | None = None

    def __call__(self) -> Mapping[str, Json]:
        if self._members is None:
            self._members = self._made()
        return self._members

    def added(self) -> Iterator[tuple[str, str]]:
        """Headers that a helper put into the members."""
        if self._members is not None:
            for name, value in self._members["headers"].items():
                if self._given.get(name) != value:
                    yield name, value

    def _made(self) -> dict[str, Json]:
        request = self._request
        _, query = urls.path_and_query(request.url)
        pairs = urls.query_pairs(request.url)
        unsigned = sorted((n, v) for n, v in pairs if n not in ("sign", "access_token"))
        body = (request.body or b"").decode("utf-8", "replace")
        form = "urlencoded" in (request.headers.get("Content-Type") or "")
        self._given = {name.lower(): value for name, value in request.headers.items()}
        return {
            "headers": dict(self._given),
            "body": body,
            "bodyParametersMap": dict(urls.form_pairs(body)) if form else {},
            "method": request.method,
            **_of_connection(self._scope),
            "relativeURI": _path_of(self._relative),
            "urlParameters": query,
            "urlParametersMap": dict(pairs),
            "orderedQueryParams": "&".join(f"{name}={value}" for name, value in unsigned),
            "URI": request.url,
        }
