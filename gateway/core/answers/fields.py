"""The allow-list of an answer: which members go out, and how each is checked or scrubbed.

Members that carry the model's words pass a scrubber of their own for each choice, field and tool
call; members that carry numbers or names pass a strict check. Everything else is dropped: token
strings, token ids, prompts, matched stop strings and whatever a later vLLM adds.
"""

from __future__ import annotations

import re
from typing import Any, Final

from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.pii import scrub

# Members of a delta or a message that are the model's words.
MESSAGE_TEXTS: Final = ("content", "reasoning", "reasoning_content", "refusal")
MAX_CHOICE_INDEX: Final = 127
MAX_TOOL_INDEX: Final = 127
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_MODEL: Final = re.compile(r"[A-Za-z0-9_./:@+-]{1,256}")
_FINISH_REASONS: Final = frozenset({"stop", "length", "tool_calls", "content_filter", "abort"})
_USAGE: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_MAX_NUMBER: Final = 2**53


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


def envelope(received: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the members around the choices: id, object, created, model.

    Raises ``UpstreamUnavailable`` if *received* is an error of the model server, whose text is not
    shown, and ``ScrubFailed`` if it is not an answer.
    """
    if "error" in received or received.get("object") == "error":
        raise UpstreamUnavailable
    answer_id, model = received.get("id"), received.get("model")
    if not isinstance(answer_id, str) or not _IDENTIFIER.fullmatch(answer_id):
        raise ScrubFailed
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        raise ScrubFailed
    created = _count(received.get("created"))
    return {"id": answer_id, "object": kind, "created": created, "model": model}


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
    return {name: _count(counts.get(name, 0)) for name in _USAGE}


def role(delta: dict[str, Any]) -> str | None:
    """Return the role, which can only be the assistant's."""
    named = member(delta, "role", str)
    if named not in {None, "assistant"}:
        raise ScrubFailed
    return "assistant" if named else None


def tool_call_id(call: dict[str, Any], index: int) -> str | None:
    """Return the identifier of a tool call; some parsers let the model write it."""
    return _safe_name(member(call, "id", str), f"call_{index}")


def tool_name(function: dict[str, Any]) -> str | None:
    """Return the function that the model calls, if it looks like a name and like nothing else."""
    return _safe_name(member(function, "name", str), "redacted")


def _safe_name(name: str | None, substitute: str) -> str | None:
    if name is None:
        return None
    if not _IDENTIFIER.fullmatch(name) or scrub(name) != name:
        return substitute
    return name


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_NUMBER:
        raise ScrubFailed
    return value
