"""Bodies: JSON that every parser reads alike."""

from __future__ import annotations

import httpx
import pytest


async def status_of(client: httpx.AsyncClient, content: bytes, **headers: str) -> int:
    """Return how a new client with this body is answered."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await client.post("clients", content=content, headers=named)).status_code


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8"],
)
async def test_json_is_taken(operator: httpx.AsyncClient, media_type: str) -> None:
    """JSON passes, however its media type is written."""
    assert await status_of(operator, b"{}", content_type=media_type) == 201


@pytest.mark.parametrize(
    "media_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
     "application/jsonx", "application/problem+json", "multipart/form-data; boundary=x"],
)  # fmt: skip
async def test_another_type_is_415(operator: httpx.AsyncClient, media_type: str) -> None:
    """A form of a web page, which a browser sends without asking, is not read."""
    assert await status_of(operator, b"{}", content_type=media_type) == 415


async def test_two_types_are_415(operator: httpx.AsyncClient) -> None:
    """Of two media types nobody chooses one."""
    headers = [("content-type", "application/json"), ("content-type", "text/plain")]
    assert (await operator.post("clients", content=b"{}", headers=headers)).status_code == 415


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'""', b"null", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 60_000,
     b'{"a":' * 100 + b"1" + b"}" * 100],
)  # fmt: skip
async def test_ambiguous_json_is_400(operator: httpx.AsyncClient, content: bytes) -> None:
    """What is no JSON object, or could be read in two ways, is malformed."""
    assert await status_of(operator, content, content_type="application/json") == 400


async def test_compressed_body_is_refused(operator: httpx.AsyncClient) -> None:
    """Nothing is unpacked here."""
    fields = {"content_type": "application/json", "content_encoding": "gzip"}
    assert await status_of(operator, b"{}", **fields) == 400
