"""Answers to a request for a response (OpenAI), in one piece: their frame, and their items.

What a response repeats of its request (instructions, tools, metadata, input) is left out.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.answers.asked import Asked
from gateway.core.answers.fields import (
    MAX_TOOL_INDEX,
    count,
    identifier,
    member,
    model_of,
    number,
    safe_name,
)
from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.answers.logprobs import TokenText, rebuild_entries
from gateway.core.answers.unknown import scrub_unknown, unknown_members
from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.grants import Parameter
from gateway.core.text_scrubbers import Slices

MAX_OUTPUT_INDEX: Final = MAX_TOOL_INDEX
"""Of an item of the output, and of a part of an item."""

STATUSES: Final = frozenset({"in_progress", "completed", "incomplete"})
_REASONS: Final = frozenset({"max_output_tokens", "content_filter"})

PART_TEXT: Final = {
    "output_text": "text",
    "refusal": "refusal",
    "reasoning_text": "text",
    "summary_text": "text",
}
"""Which member of each kind of part is the model's words."""


def frame(received: Any, status: str | None = None) -> dict[str, Any]:
    """Return the members around the output of a response, with an empty output.

    *status* is what the event says that brought it. Raises ``UpstreamUnavailable`` for a response
    that failed, whose error is not shown, and ``ScrubFailed`` for what is no response.
    """
    if type(received) is not dict:
        raise ScrubFailed
    status = status or member(received, "status", str)
    if received.get("error") is not None or status in {"failed", "cancelled"}:
        raise UpstreamUnavailable
    if status not in STATUSES:
        raise ScrubFailed
    return {
        "id": identifier(received.get("id")),
        "object": "response",
        "created_at": count(received.get("created_at")),
        "status": status,
        "error": None,
        "incomplete_details": _incomplete(received),
        "instructions": None,
        "metadata": {},
        "model": model_of(received),
        "output": [],
        "parallel_tool_calls": received.get("parallel_tool_calls") is not False,
        "temperature": number(received, "temperature"),
        "tool_choice": "auto",
        "tools": [],
        "top_p": number(received, "top_p"),
        "usage": _usage(received),
    }


def see_cost(framed: dict[str, Any], asked: Asked) -> None:
    """Let the tally of *asked* know what the response with the frame *framed* cost."""
    if framed["usage"] is not None:
        asked.tally.see_usage(framed["usage"]["total_tokens"])


def _incomplete(received: dict[str, Any]) -> dict[str, str] | None:
    details = member(received, "incomplete_details", dict)
    reason = None if details is None else member(details, "reason", str)
    if reason is not None and reason not in _REASONS:
        raise ScrubFailed
    return None if reason is None else {"reason": reason}


def _usage(received: dict[str, Any]) -> dict[str, Any] | None:
    counts = member(received, "usage", dict)
    if counts is None:
        return None
    given, made = (member(counts, f"{side}_tokens_details", dict) for side in ("input", "output"))
    return {
        "input_tokens": count(counts.get("input_tokens", 0)),
        "input_tokens_details": {"cached_tokens": count((given or {}).get("cached_tokens", 0))},
        "output_tokens": count(counts.get("output_tokens", 0)),
        "output_tokens_details": {
            "reasoning_tokens": count((made or {}).get("reasoning_tokens", 0))
        },
        "total_tokens": count(counts.get("total_tokens", 0)),
    }


def head_of_item(received: Any, place: int) -> dict[str, Any] | None:
    """Return what an item of the output at *place* says beside its texts, or None.

    None is for an item of a kind that is not known here. Names that the model may have written are
    checked.
    """
    if type(received) is not dict:
        raise ScrubFailed
    kind = member(received, "type", str)
    shape = _HEADS.get(kind or "")
    if shape is None:
        return None
    head: dict[str, Any] = {
        "id": safe_name(member(received, "id", str), f"item_{place}") or f"item_{place}",
        "type": kind,
        "status": _status_of(received),
        **shape,
    }
    if kind == "function_call":
        call_id = f"call_{place}"
        head["call_id"] = safe_name(member(received, "call_id", str), call_id) or call_id
        head["name"] = safe_name(member(received, "name", str), "redacted") or "redacted"
    return head


_HEADS: Final[dict[str, dict[str, Any]]] = {
    "message": {"role": "assistant"},
    "function_call": {},
    "reasoning": {},
}


def _status_of(item: dict[str, Any]) -> str:
    status = member(item, "status", str) or "completed"
    if status not in STATUSES:
        raise ScrubFailed
    return str(status)


def part(kind: str, text: str) -> dict[str, Any]:
    """Return a part of *kind* that says *text*."""
    shaped: dict[str, Any] = {"type": kind, PART_TEXT[kind]: text}
    if kind == "output_text":
        shaped["annotations"] = []
    return shaped


def rebuild_response(received: dict[str, Any], asked: Asked) -> Slices[dict[str, Any]]:
    """Return the response that is safe to send; see ``WholeAnswerScrubber``."""
    response = frame(received)
    see_cost(response, asked)
    items = member(received, "output", list) or []
    if len(items) > MAX_OUTPUT_INDEX + 1:
        raise ScrubFailed
    texts = JoinedTexts(asked.scrubbers)
    for place, item in enumerate(items):
        response["output"] += [(yield from _item(item, place, asked, texts=texts))]
    return response


_KNOWN: Final = frozenset(
    ["id", "type", "status", "role", "call_id", "name", "arguments", "content", "summary"]
)
_KNOWN_OF_PART: Final = frozenset({"type", "text", "refusal"})


def _item(item: Any, place: int, asked: Asked, *, texts: JoinedTexts) -> Slices[dict[str, Any]]:
    scrubbers = asked.scrubbers
    head = head_of_item(item, place)
    if head is None:
        return (yield from scrub_unknown(item, scrubbers))
    beside = yield from scrub_unknown(unknown_members(item, _KNOWN), scrubbers)
    if head["type"] == "function_call":
        received = member(item, "arguments", str) or ""
        head["arguments"] = yield from scrubbers.in_slices("arguments", received)
        return beside | head
    if head["type"] == "reasoning":
        head["summary"] = yield from _parts(item, "summary", asked, texts=texts)
    head["content"] = yield from _parts(item, "content", asked, texts=texts)
    return beside | head


def _parts(
    item: dict[str, Any], name: str, asked: Asked, *, texts: JoinedTexts
) -> Slices[list[Any]]:
    received = member(item, name, list) or []
    if len(received) > MAX_OUTPUT_INDEX + 1:
        raise ScrubFailed
    rebuilt: list[Any] = []
    for one in received:
        if type(one) is not dict:
            raise ScrubFailed
        rebuilt += [(yield from _part(one, asked, texts=texts))]
    return rebuilt


def _part(received: dict[str, Any], asked: Asked, *, texts: JoinedTexts) -> Slices[dict[str, Any]]:
    kind = member(received, "type", str) or ""
    if kind not in PART_TEXT:
        return (yield from scrub_unknown(received, asked.scrubbers))
    said = member(received, PART_TEXT[kind], str) or ""
    beside = unknown_members(received, _KNOWN_OF_PART)
    safe = yield from texts.in_slices(kind, said)
    shown = (yield from scrub_unknown(beside, asked.scrubbers)) | part(kind, safe)
    entries = member(received, "logprobs", list)
    if entries is not None and Parameter.LOGPROBS in asked.parameters:
        same = TokenText(asked.scrubbers, kind)
        shown["logprobs"] = [] if safe != said else (yield from rebuild_entries(entries, same))
    return shown
