"""Answers of the model server with one text in a field of choice: streamed in pieces, or whole.

One row for each field of each API in which the model's words can stand, with what to read it by.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

import orjson

from gateway.core.grants import Operation

Event = dict[str, Any]


class Field(NamedTuple):
    """One text of one API.

    *stream* and *whole* make the answers that say it, *said* and *said_whole* read it in what came
    out: of a whole answer, and of each event of a stream.
    """

    operation: Operation
    name: str
    stream: Callable[[Sequence[str]], bytes]
    whole: Callable[[str], bytes]
    said: Callable[[Event], str | None]
    said_whole: Callable[[Any], str]
    is_json: bool = False

    def read(self, out: bytes) -> str:
        """Return the joined text of the stream *out*."""
        return "".join([self.said(event) or "" for event in events_of(out)])

    def written(self, text: str) -> str:
        """Return *text* as it stands in the field."""
        return json.dumps({"a": text}, ensure_ascii=False) if self.is_json else text


def events_of(stream: bytes) -> list[Event]:
    """Return what the events of *stream* carry, ``[DONE]`` left out."""
    lines = [line for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [orjson.loads(line[6:]) for line in lines if line != b"data: [DONE]"]


def plain(*events: Event) -> bytes:
    """Return *events* as vLLM writes those of a chat."""
    written = b"".join([b"data: " + orjson.dumps(event) + b"\n\n" for event in events])
    return written + b"data: [DONE]\n\n"


def named(*events: Event) -> bytes:
    """Return *events* as vLLM writes those that have a name."""
    return b"".join(
        [
            b"event: " + event["type"].encode() + b"\ndata: " + orjson.dumps(event) + b"\n\n"
            for event in events
        ]
    )


def nested(value: Any, *path: str | int) -> Any:
    """Return what stands at *path* in *value*, or None."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


# Chats and completions

_USAGE: Final = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def choices(*all_choices: Event, **members: Any) -> Event:
    """Return an answer, or an event of one, with choices."""
    frame = {"id": "cmpl-1", "object": "x", "created": 7, "model": "tiny"}
    return {**frame, "choices": all_choices, **members}


def _choice(name: str, path: tuple[str | int, ...], delta: Callable[[str], Event]) -> Field:
    """Return the row of a text of a choice of a chat; *path* is where it stands beside others."""

    def one(said: Event, reason: str | None = None) -> Event:
        return choices({"index": 0, "delta": said, "finish_reason": reason})

    def stream(pieces: Sequence[str]) -> bytes:
        start = one({"role": "assistant", "content": ""})
        return plain(start, *[one(delta(piece)) for piece in pieces], one({}, "stop"))

    def whole(text: str) -> bytes:
        message = {"role": "assistant", **delta(text)}
        return orjson.dumps(
            choices({"index": 0, "message": message, "finish_reason": "stop"}, usage=_USAGE)
        )

    return Field(
        Operation.CHAT_COMPLETIONS,
        name,
        stream,
        whole,
        lambda event: nested(event, "choices", 0, "delta", *path),
        lambda answer: nested(answer, "choices", 0, "message", *path),
        is_json=name == "arguments",
    )


def _call(piece: str) -> Event:
    return {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def _beside_delta() -> Field:
    def one(piece: str, reason: str | None = None) -> Event:
        return choices({"index": 0, "delta": {}, "finish_reason": reason, "news": {"said": piece}})

    return Field(
        Operation.CHAT_COMPLETIONS,
        "unknown-of-choice",
        lambda pieces: plain(*[one(piece) for piece in pieces], one("", "stop")),
        lambda text: orjson.dumps(
            choices({"index": 0, "message": {}, "finish_reason": "stop", "news": {"said": text}})
        ),
        lambda event: nested(event, "choices", 0, "news", "said"),
        lambda answer: nested(answer, "choices", 0, "news", "said"),
    )


def _completion() -> Field:
    def one(piece: str, reason: str | None = None) -> Event:
        return choices({"index": 0, "text": piece, "finish_reason": reason})

    return Field(
        Operation.COMPLETIONS,
        "text",
        lambda pieces: plain(*[one(piece) for piece in pieces], one("", "stop")),
        lambda text: orjson.dumps(one(text, "stop")),
        lambda event: nested(event, "choices", 0, "text"),
        lambda answer: nested(answer, "choices", 0, "text"),
    )


# Responses


def response(*output: Event, status: str = "completed", **members: Any) -> Event:
    """Return a response with items; it repeats its request, as vLLM's does."""
    frame = {"id": "resp_1", "object": "response", "created_at": 7, "model": "tiny"}
    echo = {"instructions": "canary", "metadata": {"a": "canary"}, "user": "canary"}
    counts = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
    usage = {"usage": counts if status == "completed" else None}
    return {**frame, **echo, "status": status, "output": output, **usage, **members}


_SUBJECTS: Final = {
    "output_text": ("message", "content", "response.output_text"),
    "refusal": ("message", "content", "response.refusal"),
    "reasoning_text": ("reasoning", "content", "response.reasoning_text"),
    "summary_text": ("reasoning", "summary", "response.reasoning_summary_text"),
    "arguments": ("function_call", "", "response.function_call_arguments"),
}


def item(kind: str, text: str, status: str = "completed") -> Event:
    """Return the item of a response that says *text* in a part of *kind*."""
    item_kind, place, _ = _SUBJECTS[kind]
    head = {"type": item_kind, "id": "it_1", "status": status}
    if item_kind == "function_call":
        return {**head, "call_id": "call_1", "name": "send", "arguments": text}
    said = {"type": kind, "refusal" if kind == "refusal" else "text": text}
    parts = {"content": [], **({"summary": []} if item_kind == "reasoning" else {})}
    return {**head, **parts, place: [said]}


def response_events(kind: str, pieces: Sequence[str]) -> list[Event]:
    """Return the events of a response that says *pieces* in one text of *kind*."""
    _, place, subject = _SUBJECTS[kind]
    where = {"item_id": "it_1", "output_index": 0, **({f"{place}_index": 0} if place else {})}
    text = "".join(pieces)
    member = {"refusal": "refusal", "arguments": "arguments"}.get(kind, "text")
    begun = {**item(kind, "", "in_progress"), **({place: []} if place else {})}
    events: list[Event] = [
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.in_progress", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
    ]
    part = "response.reasoning_summary_part" if place == "summary" else "response.content_part"
    if place:
        empty = {"type": kind, member: ""}
        events.append({"type": f"{part}.added", **where, "part": empty})
    events += [{"type": f"{subject}.delta", **where, "delta": piece} for piece in pieces]
    events.append({"type": f"{subject}.done", **where, member: text})
    if place:
        events.append({"type": f"{part}.done", **where, "part": {"type": kind, member: text}})
    done = item(kind, text)
    events.append({"type": "response.output_item.done", "output_index": 0, "item": done})
    events.append({"type": "response.completed", "response": response(done)})
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def _of_response(kind: str) -> Field:
    _, place, subject = _SUBJECTS[kind]
    member = {"refusal": "refusal", "arguments": "arguments"}.get(kind, "text")
    path = ("output", 0, place, 0, member) if place else ("output", 0, member)
    return Field(
        Operation.RESPONSES,
        kind,
        lambda pieces: named(*response_events(kind, pieces)),
        lambda text: orjson.dumps(response(item(kind, text))),
        lambda event: event["delta"] if event["type"] == f"{subject}.delta" else None,
        lambda answer: nested(answer, *path),
        is_json=kind == "arguments",
    )


# Messages


def message(*content: Event, **members: Any) -> Event:
    """Return a message with blocks."""
    frame = {"id": "msg_1", "type": "message", "role": "assistant", "model": "tiny"}
    counts = {"usage": {"input_tokens": 5, "output_tokens": 2}}
    return {**frame, "content": content, "stop_reason": "end_turn", **counts, **members}


_DELTAS: Final = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


def block(kind: str, text: str) -> Event:
    """Return the block of *kind* that says *text*."""
    if kind == "tool_use":
        return {"type": kind, "id": "call_1", "name": "send", "input": json.loads(text or "{}")}
    return {"type": kind, kind: text}


def message_events(kind: str, pieces: Iterable[str]) -> list[Event]:
    """Return the events of a message that says *pieces* in one block of *kind*."""
    delta, member = _DELTAS[kind]
    start = message(stop_reason=None, usage={"input_tokens": 5, "output_tokens": 0})
    return [
        {"type": "message_start", "message": start},
        {"type": "ping"},
        {"type": "content_block_start", "index": 0, "content_block": block(kind, "")},
        *[
            {"type": "content_block_delta", "index": 0, "delta": {"type": delta, member: piece}}
            for piece in pieces
        ],
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"input_tokens": 5, "output_tokens": 2},
        },
        {"type": "message_stop"},
    ]


def _of_message(kind: str) -> Field:
    _, member = _DELTAS[kind]

    def said_whole(answer: Any) -> str:
        if kind == "tool_use":
            return json.dumps(answer["content"][0]["input"], ensure_ascii=False)
        return str(answer["content"][0][kind])

    return Field(
        Operation.MESSAGES,
        kind,
        lambda pieces: named(*message_events(kind, pieces)),
        lambda text: orjson.dumps(message(block(kind, text))),
        lambda event: nested(event, "delta", member),
        said_whole,
        is_json=kind == "tool_use",
    )


FIELDS: Final = (
    *[
        _choice(name, (name,), lambda piece, name=name: {name: piece})  # type: ignore[misc]
        for name in ("content", "reasoning", "reasoning_content", "refusal")
    ],
    _choice("arguments", ("tool_calls", 0, "function", "arguments"), _call),
    _choice("unknown-of-message", ("news", "said"), lambda piece: {"news": {"said": piece}}),
    _beside_delta(),
    _completion(),
    *[_of_response(kind) for kind in _SUBJECTS],
    *[_of_message(kind) for kind in _DELTAS],
)
"""Every field of every API in which the model's words can stand."""


def pieces_of(text: str, cuts: Sequence[int]) -> list[str]:
    """Return *text* cut at *cuts*."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in itertools.pairwise(places)]
