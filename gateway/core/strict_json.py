"""Parse an untrusted JSON object so strictly that no other parser can read it differently.

Refused beyond RFC 8259: duplicate member names (parsers disagree on which one counts), numbers that
are not finite, integers beyond 64 bits, nesting deeper than ``MAX_DEPTH``, bodies longer than
``MAX_BODY_BYTES`` and those of more than ``MAX_ITEMS`` members and elements.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, Final

import orjson

from gateway.core.errors import MalformedRequest, PayloadTooLarge, SealgateError

# A long context is a few hundred thousand tokens, so about a million characters, escaped at worst.
MAX_BODY_BYTES: Final = 6 * 1024 * 1024
# Tool schemas nest about twenty levels in practice, each of them two levels of JSON.
MAX_DEPTH: Final = 64
# A parsed element takes up to a hundred times the memory of its two bytes. The longest lists that
# a request may hold, of messages and of their parts, stay far below this in practice.
MAX_ITEMS: Final = 100_000

# Integers beyond 64 bits would silently become floating-point numbers on their way through.
_LONG_DIGITS: Final = re.compile(rb"[0-9]{19,}+")  # 18 digits always fit
_MAX_DIGITS: Final = 20
_INTEGERS: Final = range(-(2**63), 2**64)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that *body* is.

    Raises ``PayloadTooLarge`` for a body that is long or made of very many pieces, and
    ``MalformedRequest`` for all other faults.
    """
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge
    structure = _structure(body)
    value = load_json(body, otherwise=MalformedRequest("The body is not valid JSON."))
    if not isinstance(value, dict):
        raise MalformedRequest("The body must be a JSON object.")
    _verify_integers(structure)
    # A colon outside strings belongs to exactly one member, so a duplicate leaves one too many.
    if structure.count(b":") != _count_members(value):
        raise MalformedRequest("The body holds a member twice.")
    return value


def load_json(data: bytes, *, otherwise: SealgateError) -> Any:
    """Return what the JSON text *data* says, or raise *otherwise*.

    The parser's own error holds all of *data*, so it must not hang on ours as its context either.
    """
    with suppress(orjson.JSONDecodeError):
        return orjson.loads(data)
    raise otherwise


def _structure(body: bytes) -> bytes:
    """Return *body* without its strings; refuse, before it is parsed, what has too many pieces.

    A few passes of C, so no body keeps the event loop for long. What this makes of a body that is
    no JSON does not matter as long as it is right up to the first fault, where the parser stops.
    """
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > 2 * MAX_ITEMS:
        raise PayloadTooLarge
    structure = b"".join(unescaped.split(b'"')[::2])
    if structure.count(b",") + structure.count(b"[") + structure.count(b"{") > MAX_ITEMS:
        raise PayloadTooLarge
    return structure


def _verify_integers(structure: bytes) -> None:
    for found in _LONG_DIGITS.finditer(structure):
        start, end = found.span()
        if structure[start - 1 : start] == b"." or structure[end : end + 1] in {b".", b"e", b"E"}:
            continue  # a part of a floating-point number
        sign = -1 if structure[start - 1 : start] == b"-" else 1
        if end - start > _MAX_DIGITS or sign * int(found.group()) not in _INTEGERS:
            raise MalformedRequest("The body holds an integer of more than 64 bits.")


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
