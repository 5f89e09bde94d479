"""The admin API keeps to its own OpenAPI document, whatever is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.api.admin.app import build_admin_app
from gateway.api.admin.session import Proofs
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.core.identity import Role
from gateway.core.token_verifier import TokenVerifier
from tests.fakes.control import FakeClock, make_room, token_of
from tests.fakes.http import http

DOCUMENT = build_admin_app(SimpleNamespace(clock=None, idempotency=None), None).openapi()
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
# Between them they may make every call, and none of them is what a call here takes away.
ROLES = (Role.OPERATOR, Role.OWNER, Role.AUDITOR)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
_NO_LIMIT = 10**9


class Callers:
    """Staff of each role, who call one admin app and one control room."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._room = make_room(folder, FakeClock())
        runner.run(self._room.keys.ensure_first())
        proofs = Proofs(
            verifier=TokenVerifier(self._room.tokens.rules.expectations),
            replay_store=MemoryReplayStore(self._room.clock),
            authorities=frozenset({b"gateway.example"}),
            nonces=self._room.snapshots.dpop_nonces,
        )
        self._app = build_admin_app(self._room, proofs, calls_per_minute=_NO_LIMIT)

    def call(self, case: Any, role: Role) -> httpx.Response:
        """Send what *case* says, with a fresh token: calls revoke them, and their keys."""
        return self._runner.run(self._send(case, role))

    async def _send(self, case: Any, role: Role) -> httpx.Response:
        asked = case.as_transport_kwargs(base_url="https://gateway.example")
        token = await token_of(self._room, role)
        async with http(self._app, token=token) as client:
            headers = httpx.Headers(dict(asked["headers"]))
            headers["authorization"] = client.headers["authorization"]
            body = {"json": asked["json"]} if "json" in asked else {"content": asked.get("data")}
            return await client.request(
                asked["method"],
                asked["url"],
                params=asked.get("params"),
                headers=headers,
                **body,
            )


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """Give the staff of a control room."""
    with asyncio.Runner() as runner:
        yield Callers(tmp_path_factory.mktemp("room"), runner)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(max_examples=6)
@given(data=st.data())
def test_answers_are_as_documented(callers: Callers, operation: Any, data: st.DataObject) -> None:
    """By status, type and shape; what is asked for may be anything that the document allows."""
    case = data.draw(operation.as_strategy())
    response = callers.call(case, data.draw(st.sampled_from(ROLES)))
    case.validate_response(response, checks=CHECKS)
