"""The OpenAPI 3.1 document, printed from the options and comments of the contract (D20)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from fairlead.contract.plan import FieldPlan, Kind
from fairlead.contract.routes import Route
from fairlead.contract.schemas import Comments, Schema, Schemas
from fairlead.v1 import common_pb2

TITLE: Final = "fairlead"
VERSION: Final = "v1"

_ABOUT: Final = (
    "An open, self-hosted integration service that speaks the integrator.io v1 API. Every call carries "
    "`Authorization: Bearer <token>`. One trailing slash of a path is ignored. Errors are an envelope with every problem found; "
    "only 401 answers a plain message."
)

_ERRORS: Final[dict[str, str]] = {
    "400": "The body is no JSON, or a query parameter cannot be used.",
    "401": "No token, or one that is not valid.",
    "404": "No such resource in the account.",
    "412": "`If-Match` was given and is not the current `ETag`.",
    "413": "The body is over the limit.",
    "415": "The body is not JSON.",
    "422": "Something is wrong with the content, or the application failed.",
    "429": "Too many requests; see `Retry-After`.",
    "500": "A bug; the message holds the request id.",
    "503": "A part of the service is away; see `Retry-After`.",
}

_PAGE: Final[dict[str, Any]] = {
    "default": {
        "description": "A page for a person in a browser; the status says what happened.",
        "content": {"text/html": {"schema": {"type": "string"}}},
    }
}

_VERBS: Final = frozenset({"get", "put", "post", "delete", "patch"})


def openapi(routes: Iterable[Route], comments: Comments, public_url: str | None = None) -> dict[str, Any]:
    """The document of all routes, paths in alphabetical order. ``public_url`` is where clients reach the service."""
    schemas = Schemas(comments)
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for route in routes:
        verb = route.http_method.lower()
        if route.rules.internal or verb not in _VERBS:
            continue
        service = route.method.containing_service
        tags[service.name] = comments.get(service.full_name, "")
        paths.setdefault(_path(route), {})[verb] = _operation(route, schemas, comments)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": _ABOUT},
        "servers": [{"url": public_url or "/"}],
        "security": [{"bearer": []}],
        "tags": [{"name": name, "description": text} for name, text in sorted(tags.items())],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "responses": {status: _error(status, text, schemas) for status, text in _ERRORS.items()},
            "schemas": dict(sorted(schemas.components.items())),
        },
    }


def _path(route: Route) -> str:
    """The path with variables by their REST names."""
    path = route.path
    for name in route.variables:
        path = path.replace(f"{{{name}}}", f"{{{_rest_name(route, name)}}}")
    return path


def _rest_name(route: Route, field: str) -> str:
    return route.request_plan.by_proto_name[field].json_name


def _operation(route: Route, schemas: Schemas, comments: Comments) -> dict[str, Any]:
    summary, _, rest = comments.get(route.method.full_name, "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": route.method.name if route.is_main else f"{route.method.name}By{route.http_method.title()}",
        "tags": [route.method.containing_service.name],
        "summary": summary or route.method.name,
    }
    if rest:
        operation["description"] = rest
    if route.rules.open:
        operation["security"] = []
    parameters = list(_parameters(route, schemas))
    if parameters:
        operation["parameters"] = parameters
    if route.reads_body:
        operation["requestBody"] = {"required": True, "content": _json(_body(route, schemas))}
    operation["responses"] = _PAGE if route.rules.page else _responses(route, schemas)
    return operation


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:
    success = {str(route.success_status): _success(route, schemas)}
    errors = {status: {"$ref": f"#/components/responses/{status}"} for status in _failures(route)}
    return dict(sorted({**success, **errors}.items()))


def _parameters(route: Route, schemas: Schemas) -> Iterator[dict[str, Any]]:
    for descriptor, plan in route.request_plan.by_field.items():
        if plan.name in route.variables:
            yield _parameter("path", plan.json_name, descriptor, plan, schemas)
        elif plan.header:
            yield _parameter("header", plan.header, descriptor, plan, schemas)
        elif (
            route.body not in ("*", plan.name)
            and not plan.beside_body
            and plan.kind not in (Kind.OBJECT, Kind.OPEN, Kind.ROW)
        ):
            yield _parameter("query", plan.query, descriptor, plan, schemas)


def _parameter(place: str, name: str, descriptor: FieldDescriptor, plan: FieldPlan, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.field(descriptor, plan)
    parameter = {"name": name, "in": place, "description": schema.pop("description", ""), "schema": schema}
    return {**parameter, "required": True} if place == "path" else parameter


def _body(route: Route, schemas: Schemas) -> Schema:
    if route.body == "*":
        return schemas.body(route.method.input_type, route.rules.mode, route.outside)
    descriptor = route.method.input_type.fields_by_name[route.body]
    plan = route.request_plan.by_proto_name[route.body]
    if plan.kind == Kind.OBJECT and not plan.repeated and descriptor.message_type is not None:
        beside = {
            inner.json_name: schemas.field(other, inner)
            for other, inner in route.request_plan.by_field.items()
            if inner.beside_body
        }
        return schemas.body(descriptor.message_type, route.rules.mode, beside=beside)
    return schemas.field(descriptor, plan)


def _success(route: Route, schemas: Schemas) -> dict[str, Any]:
    output = route.method.output_type
    headers = {
        plan.header: {
            "schema": {"type": "string"},
            "description": schemas.field(descriptor, plan).get("description", ""),
        }
        for descriptor, plan in route.response_plan.by_field.items()
        if plan.header
    }
    if route.is_list:
        headers["Link"] = {"schema": {"type": "string"}, "description": "`next` and `prev`, when there are such pages."}
    answer: dict[str, Any] = {"description": "Success."}
    if headers:
        answer["headers"] = headers
    if route.success_status != 204:
        if route.response_body is None:
            schema = schemas.message(output)
        else:
            descriptor = output.fields_by_name[route.response_body]
            schema = schemas.field(descriptor, route.response_plan.by_proto_name[route.response_body])
        answer["content"] = _json(schema)
    return answer


def _failures(route: Route) -> list[str]:
    statuses = {"429", "500", "503"}
    if not route.rules.open:
        statuses.add("401")
    if route.variables:
        statuses |= {"404", "422"}
    if route.reads_body:
        statuses |= {"400", "413", "415", "422"}
    elif route.is_list:
        statuses.add("400")
    if any(plan.header == "If-Match" for plan in route.request_plan.fields):
        statuses.add("412")
    return sorted(statuses)


def _error(status: str, text: str, schemas: Schemas) -> dict[str, Any]:
    if status == "401":
        message = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}
        return {"description": text, "content": _json(message)}
    entry = schemas.message(common_pb2.Error.DESCRIPTOR)
    errors = {"type": "array", "minItems": 1, "items": entry}
    envelope = {"type": "object", "properties": {"errors": errors}, "required": ["errors"]}
    return {"description": text, "content": _json(envelope)}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
