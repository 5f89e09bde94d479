"""The allow-list of an answer: which members go out, and how each is checked or scrubbed.

Members that carry the model's words pass a scrubber of their own for each choice, field and tool
call; members that carry numbers or names pass a strict check. What is not known here is in
``unknown``.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.pii import scrub
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.fields import MAX_PROMPTS

# Members of a delta or a message that are the model's words.
MESSAGE_TEXTS: Final = ("content", "reasoning", "reasoning_content", "refusal")
# Members of a delta or a message that are known, and those of a choice.
MESSAGE_MEMBERS: Final = frozenset([*MESSAGE_TEXTS, "role", "tool_calls"])
CHOICE_MEMBERS: Final = frozenset(["index", "delta", "message", "text", "finish_reason"])
MAX_CHOICE_INDEX: Final = HIGHEST.choices * MAX_PROMPTS - 1
MAX_TOOL_INDEX: Final = 127
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MODEL: Final = re.compile(r"[A-Za-z0-9_./:@+-]{1,256}")
_FINISH_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter", "abort"})
_USAGE: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_MAX_NUMBER: Final = 2**53
_MAX_SETTING: Final = 100  # temperatures and shares


def member(value: dict[str, Any], name: str, kind: type) -> Any:
    """Return the member *name* of exactly the type *kind*, or None if absent or null.

    Raises ``ScrubFailed`` for any other type.
    """
    found = value.get(name)
    if found is not None and type(found) is not kind:
        raise ScrubFailed
    return found


def index_of(value: Any, limit: int) -> int:
    """Return the member ``index`` of an object in a list, from 0 to *limit*."""
    index = value.get("index") if type(value) is dict else None
    if type(index) is not int or not 0 <= index <= limit:
        raise ScrubFailed
    return index


def envelope(
    received: dict[str, Any], kind: str, first: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the members around the choices: id, object, created, model.

    Those of the *first* event of an answer count for all of them. Raises ``UpstreamUnavailable`` if
    *received* is an error of the model server, whose text is not shown, and ``ScrubFailed`` if it
    is not an answer.
    """
    if "error" in received or received.get("object") == "error":
        raise UpstreamUnavailable
    said = {
        "id": _verified_identifier(received.get("id")),
        "object": kind,
        "created": count(received.get("created")),
        "model": model_of(received),
    }
    return first or said | {"id": identifier(said["id"])}


def finish_reason(choice: dict[str, Any]) -> str | None:
    """Return why a choice ended, or None if it goes on."""
    reason = member(choice, "finish_reason", str)
    if reason == "error":
        raise UpstreamUnavailable
    if reason is not None and reason not in _FINISH_REASONS:
        raise ScrubFailed
    return str(reason) if reason is not None else None


def usage(received: dict[str, Any]) -> dict[str, int] | None:
    """Return the token counts of *received*, or None if it has none."""
    counts = member(received, "usage", dict)
    if counts is None:
        return None
    return {name: count(counts.get(name, 0)) for name in _USAGE}


def role(delta: dict[str, Any]) -> str | None:
    """Return the role, which can only be the assistant's."""
    named = member(delta, "role", str)
    if named not in {None, "assistant"}:
        raise ScrubFailed
    return "assistant" if named else None


def tool_call_id(call: dict[str, Any], index: int) -> str | None:
    """Return the identifier of a tool call; some parsers let the model write it."""
    return safe_name(member(call, "id", str), f"call_{index}")


def tool_name(function: dict[str, Any]) -> str | None:
    """Return the function that the model calls, if it looks like a name and like nothing else."""
    return safe_name(member(function, "name", str), "redacted")


def safe_name(name: str | None, substitute: str) -> str | None:
    """Return *name*, or its *substitute* if it may be more than a name; None if there is none."""
    if name is None:
        return None
    if not _IDENTIFIER.fullmatch(name) or scrub(name) != name:
        return substitute
    return name


def identifier(value: Any) -> str:
    """Return *value*, which the model server made up: letters, digits and ``_ . : -``.

    What looks like personal data as well is not shown.
    """
    return safe_name(_verified_identifier(value), "redacted") or ""


def _verified_identifier(value: Any) -> str:
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise ScrubFailed
    return value


def model_of(received: dict[str, Any]) -> str:
    """Return the name of the model that answered."""
    model = received.get("model")
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        raise ScrubFailed
    return model


def number(received: dict[str, Any], name: str) -> float | None:
    """Return the setting *name* of the model, a small number, or None if it says none."""
    value = received.get(name)
    if value is not None and (type(value) not in {int, float} or not 0 <= value <= _MAX_SETTING):
        raise ScrubFailed
    return value


def count(value: Any) -> int:
    """Return *value*, a whole number that is not negative."""
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise ScrubFailed
    return value
