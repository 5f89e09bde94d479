"""The public listener keeps to its own OpenAPI document, whatever is sent to it."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
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

from gateway.api.public_document import describe_public_api
from gateway.app import build_applications
from gateway.backends.memory_replay import MemoryReplayStore
from gateway.backends.quotas import LimitsQuotaStore
from gateway.backends.shared_memory import SharedMemory
from gateway.configured_stages import Outside
from gateway.control.clients import ClientGrants
from gateway.control.room import ControlRoom
from gateway.core.access_log import AccessRecord
from gateway.core.grants import RAW_PARAMETERS, Parameter, every_operation
from gateway.core.ohttp import PROFILES
from gateway.core.upstream_port import UpstreamRequest
from gateway.settings import load_configuration
from tests.fakes.control import LOCAL, FakeClock, make_room, proof
from tests.fakes.http import http
from tests.fakes.world import FakeAnswer, FakeUpstream

ORIGIN = "https://127.0.0.1:8443"
OPERATIONS = [
    found.ok()
    for found in schemathesis.openapi.from_dict(describe_public_api(ORIGIN)).get_all_operations()
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
CONFIGURATION = """\
[models.tiny]
[limits]
token_requests_per_minute = 100000
[overload]
address_milliseconds = 1000
stranger_milliseconds = 1000
"""
_SAID = [{"role": "user", "content": "hi"}]
CALLS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "tiny", "messages": _SAID},
    "/v1/completions": {"model": "tiny", "prompt": "hi"},
    "/v1/embeddings": {"model": "tiny", "input": "hi"},
    "/v1/messages": {"model": "tiny", "max_tokens": 5, "messages": _SAID},
    "/v1/responses": {"model": "tiny", "input": "hi"},
}
AS_IT_WAS = ("model", "tiny")
GRANTS = ClientGrants(
    grants=every_operation({"tiny"}),
    networks=(ip_network("127.0.0.0/8"),),
    plaintext_allowed=True,
    parameters=frozenset(Parameter) - RAW_PARAMETERS,
)


class Unwilling(FakeUpstream):
    """A model server that lists its models and refuses every call of one, which it counts."""

    calls = 0

    async def send(self, request: UpstreamRequest) -> FakeAnswer:
        """Return an answer that says nothing of the call."""
        if request.method == "GET":
            return await super().send(request)
        self.calls += 1
        return FakeAnswer([], status=400)


class Caller:
    """An application that calls the public listener in the clear, known or not."""

    def __init__(self, folder: Path, runner: asyncio.Runner) -> None:
        self._runner = runner
        self.upstream = Unwilling(FakeAnswer([b'{"object":"list","data":[]}']))
        file = folder / "sealgate.toml"
        file.write_text(CONFIGURATION, "utf-8")
        room = make_room(folder, FakeClock())
        clock = room.clock
        outside = Outside(
            upstream=self.upstream,
            access_log=Forgetting(),
            replay_store=MemoryReplayStore(clock),
            memory=SharedMemory(LimitsQuotaStore.in_memory(clock)),
        )
        runner.run(self._start(room, file, outside))

    async def _start(self, room: ControlRoom, file: Path, outside: Outside) -> None:
        await room.keys.ensure_first()
        issued = await room.clients.create(LOCAL, GRANTS)
        token = await room.tokens.issue(proof(issued))
        secret = f"{issued.client_id}:{issued.secret.reveal()}"
        self._bearer = f"Bearer {token.token.reveal()}"
        self._basic = f"Basic {b64encode(secret.encode()).decode()}"
        self._app = build_applications(load_configuration(file), room, outside).public

    def call(self, case: Any, *, is_known: bool) -> httpx.Response:
        """Send what *case* says, in the name of a client if *is_known*."""
        return self._runner.run(self._send(case, is_known=is_known))

    async def _send(self, case: Any, *, is_known: bool) -> httpx.Response:
        asked = case.as_transport_kwargs(base_url=ORIGIN)
        headers = httpx.Headers(dict(asked["headers"]))
        headers.pop("authorization", None)
        if is_known:
            is_form = case.path.startswith("/oauth2/")
            headers["authorization"] = self._basic if is_form else self._bearer
        body = {"json": asked["json"]} if "json" in asked else {"content": asked.get("data")}
        if isinstance(body.get("content"), dict):
            body = {"data": body["content"]}
        async with http(self._app) as client:
            return await client.request(
                asked["method"], asked["url"], params=asked.get("params"), headers=headers, **body
            )


@schemathesis.serializer(*PROFILES)
def sealed(_context: Any, value: Any) -> bytes:
    """Return what a stranger may send as a sealed message: anything."""
    return value if isinstance(value, bytes) else str(value).encode()


class Forgetting:
    """An access log that keeps nothing."""

    def write(self, record: AccessRecord) -> None:
        """Drop *record*."""


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """Give the application."""
    with asyncio.Runner() as runner:
        yield Caller(tmp_path_factory.mktemp("gateway"), runner)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
@settings(max_examples=12)
@given(data=st.data())
def test_answers_are_as_documented(caller: Caller, operation: Any, data: st.DataObject) -> None:
    """By status, type and shape; what is asked for may be anything that the document allows."""
    case = data.draw(operation.as_strategy())
    response = caller.call(case, is_known=data.draw(st.booleans()))
    case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize(
    "operation",
    [operation for operation in OPERATIONS if operation.path in CALLS],
    ids=lambda operation: operation.label,
)
@settings(max_examples=12)
@given(data=st.data())
def test_calls_that_go_further_are_as_documented(
    caller: Caller, operation: Any, data: st.DataObject
) -> None:
    """A good call with any one member changed: what is made up whole ends at its first error."""
    case = data.draw(operation.as_strategy())
    good = CALLS[operation.path]
    drawn = sorted(case.body.items()) if isinstance(case.body, dict) else []
    changed = data.draw(st.sampled_from([AS_IT_WAS, *drawn]))
    case.body = {**good, changed[0]: changed[1]}
    before = caller.upstream.calls
    response = caller.call(case, is_known=True)
    assert caller.upstream.calls == before + 1 or changed != AS_IT_WAS
    case.validate_response(response, checks=CHECKS)
