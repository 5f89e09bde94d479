"""Reads the streams that arrived, after the clock has stopped: words, order, personal data, ending.

Nothing of this runs while tokens are counted, so that the client stays lighter than what it
measures.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from loadtests.invented import EVENTS_BEFORE_TEXT, Answer, find_stamp

_WORD = re.compile(r"\bzu(?:ba|de|fi|go|ku|la|me|ni|po|ru)+\b")
_DATA = b"data: "


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes and the time at which they were read."""

    at: float
    data: bytes


def split_events(arrivals: Iterable[Arrival]) -> Iterator[tuple[float, bytes]]:
    """Give each event's data with the time at which its last byte came.

    Comments, and members of an event other than `data`, are left out.
    """
    rest = b""
    for arrival in arrivals:
        *complete, rest = (rest + arrival.data).split(b"\n\n")
        for event in complete:
            lines = [line for line in event.split(b"\n") if line.startswith(_DATA)]
            if lines:
                yield arrival.at, b"\n".join(line[len(_DATA) :] for line in lines)


def read_content(data: bytes) -> str:
    """Return the text that one event of a chat stream carries."""
    value: Any = orjson.loads(data)
    choices = value.get("choices") or [{}]
    return choices[0].get("delta", {}).get("content") or ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One stream, read."""

    text: str
    is_done: bool
    first_text_at: float | None
    word_times: tuple[tuple[str, float], ...]
    event_times: tuple[float, ...] = ()
    """When each event that carries text came."""
    sent_from: float | None = None
    """When the model began to send, on the clock that all processes of a machine share."""


def read_whole(body: bytes, at: float) -> Reading:
    """Return what an answer that was not streamed said."""
    value: Any = orjson.loads(body)
    content = value["choices"][0]["message"]["content"]
    words = tuple((match.group(), at) for match in _WORD.finditer(content))
    return Reading(content, is_done=True, first_text_at=at, word_times=words)


def read_stream(arrivals: Sequence[Arrival]) -> Reading:
    """Return what a stream said and when.

    A word counts as arrived when the event that ends it does, not the one that begins it.
    """
    text, first_at, is_done = "", None, False
    ends: list[tuple[int, float]] = []
    for at, data in split_events(arrivals):
        if data == b"[DONE]":
            is_done = True
            continue
        content = read_content(data)
        if content:
            first_at = at if first_at is None else first_at
            text += content
            ends.append((len(text), at))
    return Reading(
        text,
        is_done,
        first_at,
        word_times=tuple(_time_words(text, ends)),
        event_times=tuple(at for _, at in ends),
        sent_from=find_stamp(text, near=first_at) if first_at is not None else None,
    )


def _time_words(text: str, ends: Sequence[tuple[int, float]]) -> Iterator[tuple[str, float]]:
    position = 0
    for match in _WORD.finditer(text):
        while ends[position][0] < match.end():
            position += 1
        yield match.group(), ends[position][1]


def find_faults(reading: Reading, expected: Answer, *, redacted: bool | None) -> list[str]:
    """Return everything that is wrong with a stream that should carry *expected*.

    *redacted* says whether no personal data may be there, or all of it must; None asks for neither.
    """
    faults = []
    words = tuple(word for word, _ in reading.word_times)
    if words != expected.words:
        lost = len(set(expected.words) - set(words))
        faults.append(f"{lost} words lost, {len(words)} of {len(expected.words)} there")
    if not reading.is_done:
        faults.append("not finished")
    if redacted is None:
        return faults
    wrong = "personal data arrived" if redacted else "personal data missing"
    faults += [wrong for item in expected.planted if (item in reading.text) == redacted]
    return faults


def find_latencies(reading: Reading, expected: Answer, *, pace_seconds: float) -> list[float]:
    """Return how long each word took from its place in the model's schedule to the client.

    Without the model's stamp nothing is known. A model that is late itself counts against all
    targets alike, so what a target adds is the difference to the model asked directly.
    """
    if reading.sent_from is None:
        return []
    first = reading.sent_from + EVENTS_BEFORE_TEXT * pace_seconds
    places = {piece.strip(): place for place, piece in enumerate(expected.pieces)}
    return [
        at - (first + places[word] * pace_seconds)
        for word, at in reading.word_times
        if word in places
    ]


def find_gaps(reading: Reading) -> list[float]:
    """Return the times between one event with text and the next."""
    return [later - earlier for earlier, later in pairwise(reading.event_times)]
