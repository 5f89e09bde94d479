"""A small request costs little memory, whatever is in it."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import pytest

from gateway.core import bhttp
from gateway.core.apis import APIS
from gateway.core.errors import SealgateError
from gateway.core.grants import Operation, Parameter
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.limits import limited

SMALL = 10_000
MAX_MEMORY = 2**20
CHAT = b'{"model":"t","messages":[{"role":"user","content":"x"}],'
TOOL = CHAT + b'"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":'


def filled(before: bytes, element: bytes, after: bytes) -> bytes:
    """Return as many elements as a small body has room for, between the other two."""
    room = SMALL - len(before) - len(after)
    return before + b",".join([element] * (room // (len(element) + 1))) + after


BODIES = [
    (Operation.CHAT_COMPLETIONS, filled(TOOL + b'{"anyOf":[', b"{}", b"]}}}]}")),
    (Operation.CHAT_COMPLETIONS, filled(TOOL + b'{"anyOf":[', b"[]", b"]}}}]}")),
    (Operation.CHAT_COMPLETIONS, filled(TOOL + b'{"enum":[', b'"a"', b"]}}}]}")),
    (Operation.CHAT_COMPLETIONS, filled(TOOL + b'{"enum":[', b"1.5", b"]}}}]}")),
    (
        Operation.CHAT_COMPLETIONS,
        filled(
            b'{"model":"t","messages":[{"role":"user","content":[',
            b'{"type":"text","text":""}',
            b"]}]}",
        ),
    ),
    (Operation.COMPLETIONS, filled(b'{"model":"t","prompt":[', b"[9]", b"]}")),
    (
        Operation.RESPONSES,
        filled(b'{"model":"t","input":[', b'{"role":"user","content":""}', b"]}"),
    ),
    (Operation.EMBEDDINGS, filled(b'{"model":"t","input":[', b'""', b"]}")),
    (Operation.CHAT_COMPLETIONS, b'{"a":' * 1600 + b"1" + b"}" * 1600),
]


@pytest.mark.parametrize(("operation", "body"), BODIES)
def test_a_small_body_costs_little(operation: Operation, body: bytes) -> None:
    """Less than a hundred times its size, for a client that may ask for anything."""
    assert len(body) <= SMALL
    tracemalloc.start()
    try:
        with suppress(SealgateError):
            limited(APIS[operation].parse(body, frozenset(Parameter)), HIGHEST)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MAX_MEMORY


@pytest.mark.parametrize("body", [bytes(SMALL), b"\x02" + b"\x01a\x00" * 3300])
def test_a_small_message_costs_little(body: bytes) -> None:
    """So does what is not even a request."""
    tracemalloc.start()
    try:
        with suppress(SealgateError):
            bhttp.parse_request(body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MAX_MEMORY
