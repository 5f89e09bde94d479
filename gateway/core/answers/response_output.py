"""One item of the output of a streamed response, and what was said of its texts.

It knows how each text is named in events, and it remembers what went out, so that whatever repeats
a text later repeats just that.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any, Final, NamedTuple

from gateway.core.answers.fields import MAX_TOOL_INDEX, member
from gateway.core.answers.joined_texts import JoinedTexts
from gateway.core.answers.responses import PART_TEXT, part
from gateway.core.errors import ScrubFailed
from gateway.core.sse import MAX_EVENT_BYTES
from gateway.core.text_scrubbers import TextScrubber

Event = dict[str, Any]


class TextKind(NamedTuple):
    """One kind of text: the *subject* of its events, the item's *member* that holds it.

    *part_subject* is the subject of the events of the part that it stands in, if it stands in one.
    """

    name: str
    subject: str
    member: str
    part_subject: str = ""

    @property
    def index_member(self) -> str:
        """Which member of an event says where the text stands; empty if there is but one."""
        return f"{self.member}_index" if self.part_subject else ""

    @property
    def beside(self) -> Event:
        """What the events of the text hold beside it."""
        return {"logprobs": []} if self.name == "output_text" else {}


_CONTENT: Final = ("content", "response.content_part")
_SUMMARY: Final = ("summary", "response.reasoning_summary_part")
_KINDS: Final = (
    TextKind("output_text", "response.output_text", *_CONTENT),
    TextKind("refusal", "response.refusal", *_CONTENT),
    TextKind("reasoning_text", "response.reasoning_text", *_CONTENT),
    TextKind("summary_text", "response.reasoning_summary_text", *_SUMMARY),
    TextKind("arguments", "response.function_call_arguments", "arguments"),
)
KINDS: Final = {kind.name: kind for kind in _KINDS}
KIND_OF_SUBJECT: Final = {kind.subject: kind for kind in _KINDS}
PART_SUBJECTS: Final = frozenset({kind.part_subject for kind in _KINDS} - {""})
_OF_ITEM: Final = {
    "message": {"output_text", "refusal"},
    "reasoning": {"reasoning_text", "summary_text"},
    "function_call": {"arguments"},
}


class Place(NamedTuple):
    """Where a text stands in its item."""

    kind: TextKind
    number: int


def place_of(kind: TextKind, received: Event) -> Place:
    """Return where the text of *kind* stands that the event *received* is about."""
    return Place(kind, index_in(received, kind.index_member) if kind.index_member else 0)


def index_in(received: Event, name: str) -> int:
    """Return the index *name* of an event."""
    index = received.get(name)
    if type(index) is not int or not 0 <= index <= MAX_TOOL_INDEX:
        raise ScrubFailed
    return index


class _Text:
    """A text on its way: its scrubber, what of it was said, whether it is complete.

    *repeats* are the kinds of events that have repeated it.
    """

    __slots__ = ("has_begun", "is_complete", "repeats", "said", "scrubber")

    def __init__(self, scrubber: TextScrubber) -> None:
        self.scrubber = scrubber
        self.said = StringIO()
        self.repeats: set[str] = set()
        self.has_begun = False
        self.is_complete = False


class OutputItem:
    """One item at *index* of the output; *head* is what it says beside its texts.

    *joined* makes the scrubbers of its texts.

    Raises ``ScrubFailed`` for texts that such an item does not have, for words after the end, and
    for an event that repeats a text a second time: each would cost as much as all that was said.
    """

    __slots__ = ("_head", "_index", "_joined_texts", "_texts")

    def __init__(self, index: int, head: dict[str, Any], joined: JoinedTexts) -> None:
        self._index = index
        self._head = head
        self._joined_texts = joined
        self._texts: dict[Place, _Text] = {}

    def say(self, place: Place, delta: str) -> Iterator[Event]:
        """Give the event for what of *delta* is safe to say, if anything is."""
        # What one event says is scrubbed at one go.
        if len(delta) > MAX_EVENT_BYTES:
            raise ScrubFailed
        text = self._text_at(place)
        if text.is_complete:
            raise ScrubFailed
        text.has_begun = text.has_begun or bool(delta)
        yield from self._said(place, text.scrubber.feed(delta))

    def end_text(self, place: Place, whole: str) -> Iterator[Event]:
        """Give what is still held at *place*, then the event that says that the text is complete.

        *whole* counts only if nothing of it came before.
        """
        yield from self._complete(place, whole)
        kind, text = place.kind, self._joined(place)
        done = self._repeating(place, f"{kind.subject}.done")
        if kind.name == "arguments":
            yield {**done, "name": self._head["name"], "arguments": text}
        else:
            yield {**done, PART_TEXT[kind.name]: text, **kind.beside}

    def open_part(self, place: Place, begun: str) -> Iterator[Event]:
        """Give the event that opens the part at *place*, and of its text what has *begun*."""
        self._text_at(place)
        yield {
            "type": f"{place.kind.part_subject}.added",
            **self._address(place),
            "part": part(place.kind.name, ""),
        }
        if begun:
            yield from self.say(place, begun)

    def end_part(self, place: Place, whole: str) -> Iterator[Event]:
        """Give what is still held at *place*, then the event that says that the part is complete.

        *whole* counts only if nothing of it came before.
        """
        yield from self._complete(place, whole)
        done = self._repeating(place, f"{place.kind.part_subject}.done")
        yield {**done, "part": part(place.kind.name, self._joined(place))}

    def finish(self, received: dict[str, Any], *, status: str) -> Iterator[Event]:
        """Give all that is still held; the item now has its last *status*.

        Texts of *received*, which is the item as a whole, count only where nothing of them came
        before.
        """
        self._head["status"] = status
        for place, whole in self._texts_of(received):
            yield from self._complete(place, whole)
        for place in self._texts:
            yield from self._complete(place, "")

    def whole(self) -> dict[str, Any]:
        """Return the item with all that was said of it."""
        item = dict(self._head)
        if item["type"] == "function_call":
            return item | {"arguments": self._joined(Place(KINDS["arguments"], 0))}
        item |= {"content": []} | ({"summary": []} if item["type"] == "reasoning" else {})
        for place in sorted(self._texts, key=lambda place: place.number):
            item[place.kind.member].append(part(place.kind.name, self._joined(place)))
        return item

    def _texts_of(self, received: dict[str, Any]) -> Iterator[tuple[Place, str]]:
        arguments = member(received, "arguments", str)
        if arguments is not None and self._head["type"] == "function_call":
            yield Place(KINDS["arguments"], 0), arguments
        for name in ("summary", "content"):
            for index, one in enumerate(member(received, name, list) or ()):
                kind = member(one, "type", str) if type(one) is dict else None
                if kind in _OF_ITEM[self._head["type"]]:
                    yield Place(KINDS[kind], index), member(one, PART_TEXT[kind], str) or ""

    def _text_at(self, place: Place) -> _Text:
        text = self._texts.get(place)
        if text is None:
            if place.kind.name not in _OF_ITEM[self._head["type"]] or place.number > MAX_TOOL_INDEX:
                raise ScrubFailed
            text = self._texts[place] = _Text(self._joined_texts.new(place.kind.name))
        return text

    def _complete(self, place: Place, whole: str) -> Iterator[Event]:
        text = self._text_at(place)
        if text.is_complete:
            return
        if whole and not text.has_begun:
            yield from self.say(place, whole)
        yield from self._said(place, text.scrubber.finish())
        text.is_complete = True

    def _said(self, place: Place, safe: str) -> Iterator[Event]:
        if safe:
            self._texts[place].said.write(safe)
            yield {
                "type": f"{place.kind.subject}.delta",
                **self._address(place),
                "delta": safe,
                **place.kind.beside,
            }

    def _joined(self, place: Place) -> str:
        return self._text_at(place).said.getvalue()

    def _repeating(self, place: Place, event_type: str) -> Event:
        repeats = self._text_at(place).repeats
        if event_type in repeats:
            raise ScrubFailed
        repeats.add(event_type)
        return {"type": event_type, **self._address(place)}

    def _address(self, place: Place) -> dict[str, Any]:
        member_name = place.kind.index_member
        index = {member_name: place.number} if member_name else {}
        return {"item_id": self._head["id"], "output_index": self._index, **index}
