"""Forms: each field once, strictly encoded."""

from __future__ import annotations

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.oauth.forms import MAX_FORM_FIELDS, get_field, parse_form
from gateway.core.errors import MalformedRequest

FORM = "application/x-www-form-urlencoded"


def request(body: bytes, content_type: str | None = FORM) -> Request:
    """Return a request with *body*."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [] if content_type is None else [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize("content_type", [FORM, FORM.upper(), f"{FORM}; charset=UTF-8"])
async def test_fields_are_decoded(content_type: str) -> None:
    """Escapes and plus signs are read; a field without a value counts as left out."""
    fields = await parse_form(request(b"a=1&b=x%3Dy+z&c=", content_type))
    assert fields == {"a": "1", "b": "x=y z"}
    assert get_field(fields, "a") == "1"
    with pytest.raises(MalformedRequest, match="c is missing"):
        get_field(fields, "c")


@pytest.mark.parametrize("content_type", [None, "application/json", "multipart/form-data"])
async def test_other_media_types_are_refused(content_type: str | None) -> None:
    """Only forms are read."""
    with pytest.raises(MalformedRequest):
        await parse_form(request(b"a=1", content_type))


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=1",
        b"a=&a=1",
        b"a",
        b"a=1&&b=2",
        b"a=%ff",
        b"a=\xc3\xbc",
        b"&".join(b"a%d=1" % number for number in range(MAX_FORM_FIELDS + 1)),
    ],
)
async def test_bad_forms_are_refused(body: bytes) -> None:
    """Duplicates, missing signs, bad encodings and too many fields."""
    with pytest.raises(MalformedRequest):
        await parse_form(request(body))


@given(st.binary(max_size=200))
async def test_anything_is_a_form_or_refused(body: bytes) -> None:
    """No body makes the parser fail in another way."""
    try:
        fields = await parse_form(request(body))
    except MalformedRequest:
        return
    assert all(isinstance(value, str) and value for value in fields.values())
