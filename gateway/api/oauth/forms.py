"""The body of a call of the token service: a form, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from gateway.core.errors import MalformedRequest

MAX_FORM_BYTES: Final = 16384
MAX_FORM_FIELDS: Final = 16
_FORM_TYPE: Final = "application/x-www-form-urlencoded"


async def parse_form(request: Request) -> Mapping[str, str]:
    """Return the fields of the body, each of which may be there once (RFC 6749 §3.2).

    A field without a value counts as left out. Raises ``MalformedRequest``.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM_TYPE:
        raise MalformedRequest(f"The body must be {_FORM_TYPE}.")
    try:
        pairs = parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError:
        raise MalformedRequest from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedRequest("A field appears twice.")
    return {name: value for name, value in fields.items() if value}


def get_field(fields: Mapping[str, str], name: str) -> str:
    """Return a field that must be there. Raises ``MalformedRequest``."""
    if name not in fields:
        raise MalformedRequest(f"The field {name} is missing.")
    return fields[name]
