"""Parse an untrusted JSON object so strictly that no other parser can read it differently.

Refused beyond RFC 8259: duplicate member names (parsers disagree on which one counts), numbers that
are not finite, nesting deeper than ``MAX_DEPTH`` and bodies longer than ``MAX_BODY_BYTES``.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from gateway.core.errors import MalformedRequest, PayloadTooLarge

# A long context is a few hundred thousand tokens, so about a million characters, escaped at worst.
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
# Tool schemas nest about twenty levels in practice, each of them two levels of JSON.
MAX_DEPTH: Final = 64

# Possessive quantifiers: never any backtracking, whatever the body.
_STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"')


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that *body* is.

    Raises ``PayloadTooLarge`` for a long body and ``MalformedRequest`` for all other faults.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedRequest("The body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    # A colon outside strings belongs to exactly one member, so a duplicate leaves one too many.
    if _STRING.sub(b"", body).count(b":") != _count_members(value):
        raise MalformedRequest("The body holds a member twice.")
    return value


def _count_members(value: dict[str, Any]) -> int:
    """Return how many members all objects in *value* hold; refuse what is nested too deeply."""
    members = 0
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                members += len(item)
                below += [inner for inner in item.values() if isinstance(inner, dict | list)]
            else:
                below += [inner for inner in item if isinstance(inner, dict | list)]
        if not below:
            return members
        level = below
    raise MalformedRequest("The body is nested too deeply.")
