"""The OpenAPI document of the public listener: what may be called, and how calls are refused.

It is derived from the tables that decide, so it names no path and no member that is not served.
What values a member may have is for ``gateway/parameters.md`` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.discovery import DOCUMENT_MEDIA_TYPE, DOCUMENT_PATH, KEYS_MEDIA_TYPE
from gateway.api.oauth.metadata import (
    INTROSPECTION_PATH,
    JWKS_PATH,
    METADATA_PATH,
    REVOCATION_PATH,
)
from gateway.api.problems import PROBLEMS
from gateway.control.tokens import TOKEN_PATH
from gateway.core.apis import APIS, Api, ErrorShape
from gateway.core.ohttp import PROFILES
from gateway.pipeline.decapsulate import GATEWAY_RESOURCE

PUBLIC_DOCUMENT_PATH: Final = "/openapi.json"

_Object = dict[str, Any]  # an object of the document

_JSON: Final = "application/json"
_TEXT: Final = {"type": "string"}
_ANY: Final = {"type": "object"}
_MEMBERS: Final[Mapping[str, _Object]] = {
    "model": _TEXT,
    "messages": {"type": "array", "minItems": 1, "items": _ANY},
    "stream": {"type": ["boolean", "null"]},
    "max_tokens": {"type": ["integer", "null"]},
    "temperature": {"type": ["number", "null"]},
    "top_p": {"type": ["number", "null"]},
    "n": {"type": ["integer", "null"]},
}
"""Those that everybody sends; of the others the document has the names."""

_OF_A_CALL: Final = (400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504)
_OF_A_LIST: Final = (401, 403, 404, 408, 413, 415, 429, 500, 502, 503, 504)
_OF_A_FORM: Final = (400, 401, 403, 408, 413, 415, 422, 429, 500, 503)
_OF_A_SEAL: Final = (400, 403, 408, 413, 415, 422, 429, 500, 503)
_OF_ANY: Final = (403, 500, 503)

_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "dpop": {"type": "http", "scheme": "dpop", "description": "RFC 9449, with a field DPoP."},
    "client": {"type": "http", "scheme": "basic", "description": "client_id and a secret."},
}
_SCHEMAS: Final[Mapping[str, _Object]] = {
    "OpenaiError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": _TEXT,
                    "type": _TEXT,
                    "param": {"type": ["string", "null"], "description": "A JSON pointer."},
                    "code": {"type": "string", "enum": sorted(PROBLEMS)},
                },
            }
        },
    },
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {"type": _TEXT, "message": _TEXT},
            },
        },
    },
    "OauthError": {
        "description": "RFC 6749 \u00a75.2",
        "type": "object",
        "required": ["error"],
        "properties": {"error": _TEXT, "error_description": _TEXT},
    },
    "Problem": {
        "description": "RFC 9457",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "code": {"type": "string", "enum": sorted(PROBLEMS)},
        },
    },
    "AccessToken": {
        "description": "RFC 6749 \u00a75.1",
        "type": "object",
        "required": ["access_token", "token_type", "expires_in"],
        "properties": {
            "access_token": _TEXT,
            "token_type": {"enum": ["Bearer", "DPoP"]},
            "expires_in": {"type": "integer", "minimum": 0, "maximum": 3600},
        },
    },
    "Introspection": {
        "description": "RFC 7662 \u00a72.2",
        "type": "object",
        "required": ["active"],
        "properties": {"active": {"type": "boolean"}},
    },
}


def describe_public_api(issuer: str) -> dict[str, Any]:
    """Return the document (OpenAPI 3.1) of a gateway whose origin is *issuer*."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sealgate",
            "version": "1",
            "description": "The calls below /v1 and /oauth2 may be sent sealed (RFC 9458) to "
            f"{GATEWAY_RESOURCE}; in the clear they need a client to which that is allowed.",
        },
        "servers": [{"url": issuer}],
        "paths": {**_model_paths(), **_token_paths(), **_key_paths(), **_health_paths()},
        "components": {"schemas": _SCHEMAS, "securitySchemes": _SECURITY},
    }


def build_public_document(issuer: str) -> ASGIApp:
    """Return the ASGI application that serves the document."""
    body = orjson.dumps(describe_public_api(issuer))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, media_type=_JSON)(scope, receive, send)

    return serve


def _model_paths() -> _Object:
    shown = {
        "security": [{"bearer": []}, {"dpop": []}],
        "responses": {"200": _answer(_JSON, _ANY)} | _refusals(_OF_A_LIST, "OpenaiError"),
    }
    name = {"name": "model", "in": "path", "required": True, "schema": _TEXT}
    return {
        **{api.path: {"post": _call(api)} for api in APIS.values()},
        "/v1/models": {"get": shown},
        "/v1/models/{model}": {"get": {"parameters": [name], **shown}},
    }


def _call(api: Api) -> _Object:
    answers = {_JSON: {"schema": _ANY}}
    if api.new_events is not None:
        answers["text/event-stream"] = {"schema": _TEXT}
    is_anthropic = api.error_shape is ErrorShape.ANTHROPIC
    refusals = _refusals(_OF_A_CALL, "AnthropicError" if is_anthropic else "OpenaiError")
    names = sorted({*api.takes.allowed, *api.takes.granted, *api.takes.dropped})
    body = {
        "type": "object",
        "required": list(api.takes.needed),
        "properties": {name: _MEMBERS.get(name, {}) for name in names},
        "additionalProperties": False,
    }
    return {
        "operationId": api.operation.value,
        "security": [{"bearer": []}, {"dpop": []}],
        "requestBody": {"required": True, "content": {_JSON: {"schema": body}}},
        "responses": {"200": {"description": "The answer", "content": answers}} | refusals,
    }


def _token_paths() -> _Object:
    refusals = _refusals(_OF_A_FORM, "OauthError")
    cached = {"304": {"description": "As it was"}} | _refusals(_OF_ANY, "OauthError")

    def form(fields: dict[str, _Object], ok: _Object) -> _Object:
        more = {"client_id": _TEXT, "client_assertion": _TEXT, "client_assertion_type": _TEXT}
        schema = {
            "type": "object",
            "required": list(fields),
            "properties": {**fields, **more},
        }
        content = {"application/x-www-form-urlencoded": {"schema": schema}}
        return {
            "post": {
                "security": [{"client": []}, {}],
                "requestBody": {"required": True, "content": content},
                "responses": {"200": ok} | refusals,
            }
        }

    grant = {"grant_type": {"const": "client_credentials"}}
    return {
        TOKEN_PATH: form(grant, _answer(_JSON, _reference("AccessToken"))),
        REVOCATION_PATH: form({"token": _TEXT}, {"description": "It is good for nothing now"}),
        INTROSPECTION_PATH: form({"token": _TEXT}, _answer(_JSON, _reference("Introspection"))),
        JWKS_PATH: {"get": {"responses": {"200": _answer(_JSON, _ANY)} | cached}},
        METADATA_PATH: {"get": {"responses": {"200": _answer(_JSON, _ANY)} | cached}},
    }


def _key_paths() -> _Object:
    refusals = _refusals(_OF_ANY, "Problem")
    binary = {"type": "string", "format": "binary"}
    asked = {profile.request_media_type: {"schema": binary} for profile in PROFILES.values()}
    answers = {profile.response_media_type: {"schema": binary} for profile in PROFILES.values()}
    keys = {"200": _answer(KEYS_MEDIA_TYPE, binary)} | refusals
    signed = {"200": _answer(DOCUMENT_MEDIA_TYPE, _ANY)} | refusals
    sealed = {"200": {"description": "A sealed answer, of whatever status", "content": answers}}
    return {
        DOCUMENT_PATH: {"get": {"responses": signed}},
        GATEWAY_RESOURCE: {
            "get": {"responses": keys},
            "post": {
                "requestBody": {"required": True, "content": asked},
                "responses": sealed | _refusals(_OF_A_SEAL, "Problem"),
            },
        },
        PUBLIC_DOCUMENT_PATH: {"get": {"responses": {"200": _answer(_JSON, _ANY)} | refusals}},
    }


def _health_paths() -> _Object:
    words = {"text/plain": {"schema": _TEXT}}
    word = {"description": "A word", "content": words}
    unfit = {"description": "Not now", "content": words}
    refusals = _refusals((403, 500), "Problem")
    ready = {"get": {"responses": {"200": word, "503": unfit} | refusals}}
    return {"/livez": {"get": {"responses": {"200": word} | refusals}}, "/readyz": ready}


def _reference(name: str) -> _Object:
    return {"$ref": f"#/components/schemas/{name}"}


def _answer(media_type: str, schema: _Object) -> _Object:
    return {"description": "The answer", "content": {media_type: {"schema": schema}}}


def _refusals(statuses: Iterable[int], schema: str) -> _Object:
    media_type = "application/problem+json" if schema == "Problem" else _JSON
    content = {media_type: {"schema": _reference(schema)}}
    titles = {problem.status: problem.title for problem in PROBLEMS.values()}
    return {str(status): {"description": titles[status], "content": content} for status in statuses}
