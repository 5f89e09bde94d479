"""The OpenAPI document of the admin API, completed with what no route says of itself.

Who may call, how a call is refused, and which headers every call or every write takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI

from gateway.api.admin.idempotency import HEADER, MAX_KEY_CHARS, REPLAYED
from gateway.api.problems import PROBLEMS

_WRITES: Final = frozenset({"post", "put", "patch", "delete"})
_ALWAYS: Final = (400, 401, 403, 422, 429, 500, 503)
_WHEN_WRITTEN: Final = (409, 413, 415)

_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "dpop": {"type": "http", "scheme": "dpop", "description": "RFC 9449, with a field DPoP."},
}
_PROBLEM: Final = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). A code names the reason and stays as it is.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": sorted(PROBLEMS)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "RFC 6901, into the body."},
                    "parameter": {"type": "string", "description": "Of the query."},
                },
            },
        },
    },
}
_TEXT: Final = {"type": "string"}
_REQUEST_ID: Final = {"description": "The name of the call in the audit trail.", "schema": _TEXT}
_ENTITY_TAG: Final = {"description": "The version of the client, for If-Match.", "schema": _TEXT}
_REPLAYED: Final = {
    "description": "Only true: the answer of the first call.",
    "schema": {"type": "string", "const": "true"},
}
_KEY: Final = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Makes the call happen once, however often it is sent within a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS},
}
_TITLES: Final = {problem.status: problem.title for problem in PROBLEMS.values()} | {
    401: "No valid access token",
    403: "Permission denied",
    409: "Not in a state for this",
    422: "Unknown or invalid members, or a reused key",
    429: "Too many calls",
}


class DocumentedApp(FastAPI):
    """An application whose document says all that there is to know to call it."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            _complete(document)
            self.openapi_schema = document
        return self.openapi_schema


def _complete(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = _SECURITY
    document["security"] = [{name: []} for name in _SECURITY]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete_operation(operation, path, is_write=method in _WRITES)


def _complete_operation(operation: dict[str, Any], path: str, *, is_write: bool) -> None:
    parameters = operation.setdefault("parameters", [])
    has_version = any(parameter["name"] == "If-Match" for parameter in parameters)
    responses = operation["responses"]
    headers = {"Request-Id": _REQUEST_ID}
    if has_version or path.endswith(("/clients", "/clients/{client_id}")):
        headers["ETag"] = _ENTITY_TAG
    if is_write:
        parameters.append(_KEY)
        headers[REPLAYED] = _REPLAYED
    for status, answer in responses.items():
        if status != "422":
            answer["headers"] = headers
    for status in _problems(path, is_write=is_write, has_version=has_version):
        responses[str(status)] = _refusal(status)


def _problems(path: str, *, is_write: bool, has_version: bool) -> Iterator[int]:
    yield from _ALWAYS
    if "{" in path or is_write:
        yield 404
    if is_write:
        yield from _WHEN_WRITTEN
    if has_version:
        yield 412


def _refusal(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": _TITLES[status],
        "headers": {"Request-Id": _REQUEST_ID},
        "content": {"application/problem+json": {"schema": schema}},
    }
