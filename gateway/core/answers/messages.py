"""Answers to a request for a message (Anthropic), in one piece: their frame, and their blocks."""

from __future__ import annotations

from typing import Any, Final

import orjson

from gateway.core.answers.asked import Asked
from gateway.core.answers.fields import count, identifier, member, model_of, safe_name
from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.answers.unknown import scrub_unknown, unknown_members
from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.strict_json import load_json
from gateway.core.text_scrubbers import Slices, TextScrubbers

MAX_BLOCK_INDEX: Final = 127
_STOP_REASONS: Final = frozenset(
    ["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"]
)
_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
)
_KNOWN: Final = frozenset(["type", "text", "thinking", "signature", "id", "name", "input"])


def frame(received: Any) -> dict[str, Any]:
    """Return the members around the blocks of a message, without blocks.

    Raises ``UpstreamUnavailable`` for an error, which is not shown, and ``ScrubFailed`` for what is
    no message.
    """
    if type(received) is not dict:
        raise ScrubFailed
    if "error" in received or received.get("type") == "error":
        raise UpstreamUnavailable
    return {
        "id": identifier(received.get("id")),
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": model_of(received),
    }


def stop_of(received: dict[str, Any], asked: Asked) -> dict[str, str | None]:
    """Return why a message ended; the sequence at which it did only if it is the caller's own."""
    reason = member(received, "stop_reason", str)
    if reason is not None and reason not in _STOP_REASONS:
        raise ScrubFailed
    sequence = member(received, "stop_sequence", str)
    return {
        "stop_reason": reason,
        "stop_sequence": sequence if sequence in asked.stops else None,
    }


def usage_of(received: dict[str, Any], asked: Asked) -> dict[str, int]:
    """Return the token counts of *received*, and let the tally of *asked* know their sum."""
    counts = member(received, "usage", dict) or {}
    usage = {name: count(counts[name]) for name in _COUNTS if counts.get(name) is not None}
    if usage:
        asked.tally.see_usage(sum(usage.values()))
    return {"input_tokens": 0, "output_tokens": 0} | usage


def head_of_block(received: Any, place: int) -> dict[str, Any] | None:
    """Return a block without its text, or None if its kind is not known here."""
    if type(received) is not dict:
        raise ScrubFailed
    kind = member(received, "type", str)
    if kind == "text":
        return {"type": "text", "text": ""}
    if kind == "thinking":
        signature = safe_name(member(received, "signature", str), "redacted") or ""
        return {"type": "thinking", "thinking": "", "signature": signature}
    if kind == "tool_use":
        return {
            "type": "tool_use",
            "id": safe_name(member(received, "id", str), f"call_{place}") or f"call_{place}",
            "name": safe_name(member(received, "name", str), "redacted") or "redacted",
            "input": {},
        }
    return None


def rebuild_message(received: dict[str, Any], asked: Asked) -> Slices[dict[str, Any]]:
    """Return the message that is safe to send; see ``WholeAnswerScrubber``."""
    message = frame(received) | stop_of(received, asked) | {"usage": usage_of(received, asked)}
    blocks = member(received, "content", list) or []
    if len(blocks) > MAX_BLOCK_INDEX + 1:
        raise ScrubFailed
    texts = JoinedTexts(asked.scrubbers)
    for place, block in enumerate(blocks):
        message["content"] += [(yield from _block(block, place, asked.scrubbers, texts=texts))]
    return message


def _block(
    block: Any, place: int, scrubbers: TextScrubbers, *, texts: JoinedTexts
) -> Slices[dict[str, Any]]:
    head = head_of_block(block, place)
    if head is None:
        return (yield from scrub_unknown(block, scrubbers))
    beside = yield from scrub_unknown(unknown_members(block, _KNOWN), scrubbers)
    if head["type"] == "tool_use":
        head["input"] = yield from _input(block, scrubbers)
    else:
        name = head["type"]
        head[name] = yield from texts.in_slices(name, member(block, name, str) or "")
    return beside | head


def _input(block: dict[str, Any], scrubbers: TextScrubbers) -> Slices[Any]:
    """Return the input of a tool, scrubbed as the JSON that it is in a stream."""
    written = orjson.dumps(member(block, "input", dict) or {}).decode()
    safe = yield from scrubbers.in_slices("arguments", written)
    return load_json(safe.encode(), otherwise=ScrubFailed())
