"""Checks of the input of a request for a response: a string, or messages, calls and reasoning.

Items of earlier answers come back with members that mean nothing to the model; those are left out.
So is the state of an item: one that is said to be unfinished would be continued by the model, and
a value that begins in it would end in the answer.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from gateway.core.requests.fields import (
    Check,
    Exact,
    Kind,
    identifier,
    left_out,
    list_of,
    tagged_object,
    text,
)

MAX_ITEMS: Final = 4096
MAX_PARTS: Final = 1024


def response_input(name: str, value: Any) -> Any:
    """Accept a string or a list of items: messages, calls of functions, their outputs, reasoning.

    Items without a type are messages.
    """
    return value if isinstance(value, str) else _items(name, value)


def _item(name: str, value: Any) -> Any:
    if not isinstance(value, dict) or value.get("type", "message") != "message":
        checked = tagged_object(name, value, kinds=_ITEMS)
        if checked["type"] == "reasoning":
            checked.setdefault("summary", [])  # vLLM knows a reasoning by it
        return checked
    untyped = {member: inner for member, inner in value.items() if member != "type"}
    return {"type": Exact("message"), **tagged_object(name, untyped, kinds=_ROLES, tag="role")}


def _asked(name: str, value: Any) -> Any:
    return value if isinstance(value, str) else _asked_parts(name, value)


def _joined(check: Check) -> Check:
    """Return the check for a string, or for parts that pass *check* and become one string.

    Of several parts vLLM reads only the first.
    """

    def check_joined(name: str, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return "".join(
            [part.get("text") or part.get("refusal") or "" for part in check(name, value)]
        )

    return check_joined


def _one_text(*kinds: str) -> Check:
    """Return the check for a list of parts of these *kinds*, each of which holds a text."""
    members = {kind: Kind(_PART, needs=(_member_of(kind),)) for kind in kinds}
    return list_of(partial(tagged_object, kinds=members), at_most=MAX_PARTS)


def _reasoning(kind: str) -> Check:
    """Return the check for the parts of a reasoning, which become one part of this *kind*."""
    parts = list_of(
        partial(tagged_object, kinds={kind: Kind({"text": text}, needs=("text",))}),
        at_most=MAX_PARTS,
        at_least=0,
    )

    def check(name: str, value: Any) -> Any:
        joined = "".join([part["text"] for part in parts(name, value)])
        return [{"type": Exact(kind), "text": joined}] if joined else []

    return check


def _member_of(kind: str) -> str:
    return "refusal" if kind == "refusal" else "text"


_PART: Final[dict[str, Check]] = {
    "text": text,
    "refusal": text,
    "annotations": left_out,
    "logprobs": left_out,
}
_RETURNED: Final[dict[str, Check]] = {"id": left_out, "status": left_out, "phase": left_out}
_asked_parts: Final = _one_text("input_text")
_ASKED: Final = Kind(_RETURNED | {"content": _asked}, needs=("content",))
_ROLES: Final = {
    "user": _ASKED,
    "system": _ASKED,
    "developer": _ASKED,
    "assistant": Kind(
        _RETURNED | {"content": _joined(_one_text("output_text", "input_text", "refusal"))},
        needs=("content",),
    ),
}
_ITEMS: Final = {
    "function_call": Kind(
        _RETURNED | {"call_id": identifier, "name": identifier, "arguments": text},
        needs=("call_id", "name", "arguments"),
    ),
    "function_call_output": Kind(
        _RETURNED | {"call_id": identifier, "output": _joined(_one_text("input_text"))},
        needs=("call_id", "output"),
    ),
    "reasoning": Kind(
        _RETURNED
        | {
            "content": _reasoning("reasoning_text"),
            "summary": _reasoning("summary_text"),
            "encrypted_content": left_out,
        }
    ),
}
_items: Final = list_of(_item, at_most=MAX_ITEMS)
