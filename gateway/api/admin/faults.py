"""What is wrong with a request that does not fit its shape, said without a word of its values.

A name that the caller chose is shown only if it looks like a name; every text is one of ours or one
of the validator's that are made from our own shapes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from gateway.core.errors import InvalidMember, MalformedRequest, NotFound, SealgateError
from gateway.core.strict_json import parse_object

MAX_FAULTS: Final = 20
"""Faults named in one answer: enough to mend a request, and no answer longer than its request."""

UNKNOWN: Final = "is not known here"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_UNNAMED: Final = "holds an unknown field"
_INVALID: Final = "is not valid"
# Texts of pydantic that hold nothing but what our shapes say.
_TELLING: Final = frozenset(
    {
        "bool_type",
        "enum",
        "greater_than_equal",
        "int_parsing",
        "int_type",
        "less_than_equal",
        "list_type",
        "sealgate",
        "string_too_long",
        "string_too_short",
        "string_type",
        "timezone_aware",
        "too_long",
        "too_short",
    }
)
_OURS: Final = {
    "missing": "is missing",
    "extra_forbidden": UNKNOWN,
    "union_tag_invalid": "has an unknown kind",
    "union_tag_not_found": "must say its kind",
}


def name_faults(error: RequestValidationError) -> SealgateError:
    """Return the refusal that says which members or parameters are wrong.

    ``NotFound`` for a path that names nothing, ``MalformedRequest`` without a body.
    """
    found = error.errors()
    if any(fault["loc"][0] == "path" for fault in found):
        return NotFound()
    if any(fault["loc"] == ("body",) and fault["type"] == "missing" for fault in found):
        return MalformedRequest("The body must be a JSON object.")
    faults = [_fault(fault, error.body) for fault in found[:MAX_FAULTS]]
    return InvalidMember(faults=tuple(dict.fromkeys(faults)))


async def refuse_unknown(request: Request) -> None:
    """Raise ``InvalidMember`` for parameters, or for a body, that the route does not take.

    A dependency of every route: what is misspelt is an error, never silently nothing.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    takers = (route.dependant, *route.dependant.dependencies)
    known = {parameter.alias for taker in takers for parameter in taker.query_params}
    faults = [_unknown(name, "") for name in request.query_params if name not in known]
    body = b"" if route.body_field is not None else await request.body()
    if body:
        faults += [_unknown(name, "/") for name in parse_object(body)]
    if faults:
        raise InvalidMember(faults=tuple(dict.fromkeys(faults[:MAX_FAULTS])))


def _unknown(name: str, prefix: str) -> tuple[str, str]:
    return (prefix + name, UNKNOWN) if _NAME.fullmatch(name) else ("", _UNNAMED)


def _fault(fault: Mapping[str, Any], body: object) -> tuple[str, str]:
    where, *steps = fault["loc"]
    if where != "body":
        return str(steps[0]), _text(fault)
    pointer, is_whole = _pointer(steps, body, is_missing=fault["type"] == "missing")
    if not is_whole:
        return pointer, _UNNAMED if fault["type"] == "extra_forbidden" else _INVALID
    return pointer, _text(fault)


def _pointer(steps: Sequence[str | int], body: object, *, is_missing: bool) -> tuple[str, bool]:
    """Return the JSON pointer to what *steps* mean in *body*, and whether all of it can be said.

    Steps that are no place in the body name a variant of a shape of ours, and are left out.
    """
    pointer = ""
    for step in steps:
        if isinstance(body, dict) and step in body:
            if not _NAME.fullmatch(str(step)):
                return pointer, False
            body, pointer = body[step], f"{pointer}/{step}"
        elif isinstance(body, list) and isinstance(step, int) and step < len(body):
            body, pointer = body[step], f"{pointer}/{step}"
    return (f"{pointer}/{steps[-1]}" if is_missing else pointer), True


def _text(fault: Mapping[str, Any]) -> str:
    if fault["type"] in _TELLING:
        return str(fault["msg"])
    return _OURS.get(fault["type"], _INVALID)
