"""The OpenAPI document says how to call and how a call is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.api.admin.app import PREFIX, build_admin_app
from gateway.core.identity import Role
from tests.fakes.http import http
from tests.unit.gateway.api.admin.conftest import CallAs

DOCUMENT = build_admin_app(SimpleNamespace(clock=None, idempotency=None), None).openapi()
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
NAMES = [f"{method} {path}" for method, path, _ in OPERATIONS]


def names(operation: dict[str, Any]) -> set[str]:
    """Return the names of the parameters of an operation."""
    return {parameter["name"] for parameter in operation["parameters"]}


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_every_operation_says_how_it_is_refused(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    """Refusals are problem+json, every answer names its call, every write takes a key."""
    for status, answer in operation["responses"].items():
        assert "Request-Id" in answer["headers"]
        if int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"]
    assert {"400", "401", "403", "422", "429", "500", "503"} <= set(operation["responses"])
    assert ("Idempotency-Key" in names(operation)) == (method != "get")
    assert ("412" in operation["responses"]) == ("If-Match" in names(operation))
    assert ("404" in operation["responses"]) == ("{" in path or method != "get")


def test_changes_of_clients_ask_for_versions() -> None:
    """Every write to one client takes If-Match and answers with an entity tag."""
    for method, path, operation in OPERATIONS:
        if path.startswith(f"{PREFIX}/clients/") and method != "get":
            assert "If-Match" in names(operation)
            (good,) = (a for s, a in operation["responses"].items() if s in {"200", "201"})
            assert "ETag" in good["headers"]


def test_document_names_tokens_and_problems() -> None:
    """The schemes of RFC 6750 and RFC 9449 are there, and the shape of a refusal."""
    assert {s["scheme"] for s in DOCUMENT["components"]["securitySchemes"].values()} == {
        "bearer",
        "dpop",
    }
    assert DOCUMENT["security"] == [{"bearer": []}, {"dpop": []}]
    codes = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert {"permission_denied", "version_mismatch", "invalid_member"} <= set(codes)
    assert "HTTPValidationError" not in str(DOCUMENT)


def test_bare_model_names_are_in_the_document() -> None:
    """A grant may be written as a name or as an object, and the document says so."""
    models = DOCUMENT["components"]["schemas"]["GrantsIn"]["properties"]["models"]
    assert "anyOf" in str(models)
    assert "GrantShape" in str(models)


async def test_document_is_what_is_served(app: FastAPI, call_as: CallAs) -> None:
    """Anybody may read the document, and it is the one that is tested here."""
    async with http(app) as client:
        assert (await client.get(f"{PREFIX}/openapi.json")).json() == DOCUMENT
    operator: httpx.AsyncClient = await call_as(Role.OPERATOR)
    assert (await operator.get("openapi.json")).json() == DOCUMENT
