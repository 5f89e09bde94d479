"""A streamed response (OpenAI): named events, of which the later ones repeat the earlier.

Each text passes its scrubber once, as it comes in deltas; every event that repeats it is written
anew from what was said. Events and members that are not known here are dropped: nobody could say
which of them a client joins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from gateway.core.answers.asked import Asked
from gateway.core.answers.fields import member
from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.answers.response_output import (
    KIND_OF_SUBJECT,
    KINDS,
    PART_SUBJECTS,
    OutputItem,
    TextKind,
    index_in,
    place_of,
)
from gateway.core.answers.responses import PART_TEXT, frame, head_of_item, see_cost
from gateway.core.errors import ScrubFailed, UpstreamUnavailable
from gateway.core.sse import ServerSentEvent, encode_event
from gateway.core.strict_json import load_json

MAX_EVENT_BYTES: Final = 16 * 1024 * 1024
"""The last event repeats the whole answer, and three of them the request."""

_DONE: Final = b"[DONE]"

Event = dict[str, Any]

_ENDS: Final = {"response.completed": "completed", "response.incomplete": "incomplete"}
_FAILURES: Final = frozenset({"error", "response.failed", "response.error"})


class ResponseEvents:
    """Rebuilds the events of a response, as an ``EventRebuilder``.

    Held text goes out in a delta before the event that says that it is complete. What it remembers
    is at most *max_characters*.
    """

    __slots__ = ("_asked", "_characters_left", "_done", "_items", "_number", "_texts", "is_done")

    def __init__(self, asked: Asked, *, max_characters: int = MAX_EVENT_BYTES) -> None:
        self._asked = asked
        self._items: dict[int, OutputItem | None] = {}
        self._texts = JoinedTexts(asked.scrubbers)
        self._done: set[int] = set()  # items
        self._characters_left = max_characters
        self._number = 0
        self.is_done = False

    def take(self, event: ServerSentEvent) -> bytes:
        """Return the events that are safe to send after *event*, often none."""
        if event.data == _DONE and self.is_done:
            return b""
        received = load_json(event.data, otherwise=ScrubFailed())
        if type(received) is not dict:
            raise ScrubFailed
        kind = member(received, "type", str)
        if "error" in received or kind in _FAILURES:
            raise UpstreamUnavailable
        if self.is_done or kind is None or event.name not in {"", kind}:
            raise ScrubFailed
        return b"".join([self._encoded(safe) for safe in self._rebuild(kind, received)])

    def take_ordinary(self, blocks: list[bytes], at: int) -> tuple[bytes, int]:  # noqa: ARG002
        """Take nothing: events are numbered, so that none is like the one before."""
        return b"", 0

    def _encoded(self, event: Event) -> bytes:
        # The gateway counts by itself: it says more events than it got, and fewer.
        numbered = {**event, "sequence_number": self._number}
        self._number += 1
        self._characters_left -= len(event.get("delta", ""))
        if self._characters_left < 0:
            raise ScrubFailed
        return encode_event(orjson.dumps(numbered), name=event["type"])

    def _rebuild(self, kind: str, received: Event) -> Iterator[Event]:
        subject, _, step = kind.rpartition(".")
        if kind in {"response.created", "response.in_progress"}:
            yield {"type": kind, "response": frame(received.get("response"), "in_progress")}
        elif kind in _ENDS:
            yield from self._end(kind, received)
        elif subject == "response.output_item":
            yield from self._take_item(kind, step, received)
        elif subject in KIND_OF_SUBJECT:
            yield from self._take_text(KIND_OF_SUBJECT[subject], step, received)
        elif subject in PART_SUBJECTS:
            yield from self._take_part(step, received)

    def _end(self, kind: str, received: Event) -> Iterator[Event]:
        status = _ENDS[kind]
        response = frame(received.get("response"), status)
        see_cost(response, self._asked)
        for index in sorted(self._items):
            item = self._items[index]
            if item is not None:
                yield from item.finish({}, status=status)
                response["output"].append(item.whole())
        self.is_done = True
        yield {"type": kind, "response": response}

    def _take_item(self, kind: str, step: str, received: Event) -> Iterator[Event]:
        index = index_in(received, "output_index")
        is_new = index not in self._items
        head = head_of_item(received.get("item"), index)
        if step not in {"added", "done"} or is_new is not (step == "added") or index in self._done:
            raise ScrubFailed
        if is_new:
            item = None if head is None else OutputItem(index, head, self._texts)
            self._items[index] = item
        elif (item := self._items[index]) is not None:
            if head is None:
                raise ScrubFailed
            self._done.add(index)
            yield from item.finish(received["item"], status=head["status"])
        if item is not None:
            yield {"type": kind, "output_index": index, "item": item.whole()}

    def _take_text(self, kind: TextKind, step: str, received: Event) -> Iterator[Event]:
        item = self._item_of(received)
        if item is None:
            return
        place = place_of(kind, received)
        if step == "delta":
            self._asked.tally.see_pieces(1)
            yield from item.say(place, member(received, "delta", str) or "")
        if step == "done":
            whole = member(received, PART_TEXT.get(kind.name, "arguments"), str)
            yield from item.end_text(place, whole or "")

    def _take_part(self, step: str, received: Event) -> Iterator[Event]:
        item = self._item_of(received)
        part = member(received, "part", dict) or {}
        name = member(part, "type", str)
        if item is None or name not in PART_TEXT:
            return
        place = place_of(KINDS[name], received)
        text = member(part, PART_TEXT[name], str) or ""
        if step == "added":
            yield from item.open_part(place, text)
        if step == "done":
            yield from item.end_part(place, text)

    def _item_of(self, received: Event) -> OutputItem | None:
        """Return the item that an event is about, or None if its kind is not known here."""
        index = index_in(received, "output_index")
        if index not in self._items:
            raise ScrubFailed
        return self._items[index]
