"""A streamed message (Anthropic): named events, block by block.

Each block's text passes a scrubber of its own. Events, blocks and members that are not known here
are dropped: nobody could say which of them a client joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from gateway.core.answers.asked import Asked
from gateway.core.answers.fields import index_of, member, safe_name
from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.answers.messages import (
    MAX_BLOCK_INDEX,
    frame,
    head_of_block,
    stop_of,
    usage_of,
)
from gateway.core.answers.repeated_event import (
    PROBE,
    RepeatedEvent,
    find_repeated_event,
    say_ordinary,
)
from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.sse import ServerSentEvent, encode_event
from gateway.core.strict_json import load_json
from gateway.core.text_scrubbers import TextScrubber

Event = dict[str, Any]

_DELTA: Final = "content_block_delta"
# For each kind of block: the kind of its deltas, which member of them is text, and what it holds.
_TEXTS: Final = {
    "text": ("text_delta", "text", "text"),
    "thinking": ("thinking_delta", "thinking", "thinking"),
    "tool_use": ("input_json_delta", "partial_json", "arguments"),
}


class _Block:
    """One block on its way out, under an *index* of ours: those that are dropped leave no gap."""

    __slots__ = ("_delta", "_index", "_member", "_scrubber", "is_open")

    def __init__(self, index: int, kind: str, texts: JoinedTexts) -> None:
        self._index = index
        self._delta, self._member, field = _TEXTS[kind]
        self._scrubber: TextScrubber = texts.new(field)
        self.is_open = True

    def event(self, kind: str, **members: Any) -> Event:
        """Return an event about this block."""
        return {"type": kind, "index": self._index, **members}

    def take(self, delta: Event) -> Iterator[Event]:
        """Give the event for what of *delta* is safe to say, if anything is."""
        kind = member(delta, "type", str)
        if not self.is_open:
            raise ScrubFailed
        if kind == self._delta:
            yield from self.say(member(delta, self._member, str) or "")
        elif kind == "signature_delta" and self._member == "thinking":
            signature = safe_name(member(delta, "signature", str), "redacted") or ""
            yield self.event(_DELTA, delta={"type": kind, "signature": signature})
        elif kind in {name for name, _, _ in _TEXTS.values()}:
            raise ScrubFailed

    def say(self, text: str) -> Iterator[Event]:
        """Give the event for what of *text* is safe to say, if anything is."""
        yield from self._said(self.hear(text))

    def hear(self, text: str) -> str:
        """Return what is now safe to send of the block's text, which goes on with *text*."""
        if not self.is_open:
            raise ScrubFailed
        return self._scrubber.feed(text)

    def find_repeated(self, event: ServerSentEvent, received: Event) -> RepeatedEvent | None:
        """Return the shape of *event*, a delta of this block; None if it says no text."""
        delta = received.get("delta") or {}
        text = delta.get(self._member)
        if delta.get("type") != self._delta or not text:
            return None
        return find_repeated_event(
            event,
            text,
            probed=received | {"delta": delta | {self._member: PROBE}},
            sent=b"".join(map(_encoded, self._said(PROBE))),
            say=self.hear,
        )

    def finish(self) -> Iterator[Event]:
        """Give what is still held; a block ends once."""
        if not self.is_open:
            raise ScrubFailed
        self.is_open = False
        yield from self._said(self._scrubber.finish())

    def _said(self, safe: str) -> Iterator[Event]:
        if safe:
            delta = {"type": self._delta, self._member: safe}
            yield self.event(_DELTA, delta=delta)


class MessageEvents:
    """Rebuilds the events of a message, as an ``EventRebuilder``.

    Held text goes out in a delta before its block ends.
    """

    __slots__ = ("_asked", "_blocks", "_repeated", "_shown", "_started", "_texts", "is_done")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._texts = JoinedTexts(asked.scrubbers)
        self._blocks: dict[int, _Block | None] = {}
        self._repeated: list[RepeatedEvent] = []  # the one of the block that speaks now
        self._shown = 0
        self._started = False
        self.is_done = False

    def take(self, event: ServerSentEvent) -> bytes:
        """Return the events that are safe to send after *event*, often none."""
        received = load_json(event.data, otherwise=ScrubFailed())
        if type(received) is not dict:
            raise ScrubFailed
        kind = member(received, "type", str)
        if kind == "error" or "error" in received:
            raise UpstreamUnavailable
        if self.is_done or kind is None or event.name not in {"", kind}:
            raise ScrubFailed
        safe = b"".join(map(_encoded, self._rebuild(kind, received)))
        if kind == _DELTA:
            self._remember(event, received)
        return safe

    def take_ordinary(self, blocks: list[bytes], at: int) -> tuple[bytes, int]:
        """Return what is safe to send after *blocks* that only go on, and how many these are."""
        return say_ordinary(blocks, at, shapes=self._repeated, tally=self._asked.tally)

    def _remember(self, event: ServerSentEvent, received: Event) -> None:
        """Keep the shape of *event*: mostly the next one differs in its text alone."""
        block = self._blocks[received["index"]]
        if block is not None:
            repeated = block.find_repeated(event, received)
            self._repeated = [repeated] if repeated else []

    def _rebuild(self, kind: str, received: Event) -> Iterator[Event]:
        if kind == "ping":
            yield {"type": kind}
        elif kind == "message_start":
            yield self._start(received)
        elif kind == "content_block_start":
            yield from self._open(received)
        elif kind in {_DELTA, "content_block_stop"}:
            yield from self._take_block(kind, received)
        elif kind == "message_delta":
            yield from self._finish_blocks()
            delta = stop_of(member(received, "delta", dict) or {}, self._asked)
            yield {"type": kind, "delta": delta, "usage": usage_of(received, self._asked)}
        elif kind == "message_stop":
            yield from self._finish_blocks()
            self.is_done = True
            yield {"type": kind}

    def _start(self, received: Event) -> Event:
        message = frame(received.get("message"))
        if self._started:
            raise ScrubFailed
        self._started = True
        usage = usage_of(received["message"], self._asked)
        ended = {"stop_reason": None, "stop_sequence": None}
        return {"type": "message_start", "message": message | ended | {"usage": usage}}

    def _open(self, received: Event) -> Iterator[Event]:
        place = index_of(received, MAX_BLOCK_INDEX)
        if place in self._blocks:
            raise ScrubFailed
        begun = member(received, "content_block", dict) or {}
        head = head_of_block(begun, self._shown)
        self._blocks[place] = None
        if head is None:
            return
        kind = head["type"]
        block = self._blocks[place] = _Block(self._shown, kind, self._texts)
        self._shown += 1
        yield block.event("content_block_start", content_block=head)
        if text := member(begun, kind, str):  # a tool_use has no member of that name
            yield from block.say(text)

    def _take_block(self, kind: str, received: Event) -> Iterator[Event]:
        place = index_of(received, MAX_BLOCK_INDEX)
        if place not in self._blocks:
            raise ScrubFailed
        block = self._blocks[place]
        if block is None:
            return
        if kind == "content_block_stop":
            yield from block.finish()
            yield block.event(kind)
        else:
            self._asked.tally.see_pieces(1)
            yield from block.take(member(received, "delta", dict) or {})

    def _finish_blocks(self) -> Iterator[Event]:
        """Give what blocks still hold that were not ended as they should."""
        for block in self._blocks.values():
            if block is not None and block.is_open:
                yield from block.finish()
                yield block.event("content_block_stop")


def _encoded(event: Event) -> bytes:
    return encode_event(orjson.dumps(event), name=event["type"])
