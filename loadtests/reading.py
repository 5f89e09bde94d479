"""Reads the streams that arrived, after the clock has stopped: words, order, personal data, ending.

Nothing of this runs while tokens are counted, so that the client stays lighter than what it
measures.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from loadtests.invented import Answer

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
    return Reading(text, is_done, first_at, tuple(_time_words(text, ends)))


def _time_words(text: str, ends: Sequence[tuple[int, float]]) -> Iterator[tuple[str, float]]:
    position = 0
    for match in _WORD.finditer(text):
        while ends[position][0] < match.end():
            position += 1
        yield match.group(), ends[position][1]


def find_faults(reading: Reading, expected: Answer, *, redacted: bool) -> list[str]:
    """Return everything that is wrong with a stream that should carry *expected*."""
    faults = []
    words = tuple(word for word, _ in reading.word_times)
    if words != expected.words:
        lost = len(set(expected.words) - set(words))
        faults.append(f"{lost} words lost, {len(words)} of {len(expected.words)} there")
    if not reading.is_done:
        faults.append("not finished")
    wrong = "personal data arrived" if redacted else "personal data missing"
    faults += [wrong for item in expected.planted if (item in reading.text) == redacted]
    return faults


def find_lateness(reading: Reading, expected: Answer, *, pace_seconds: float) -> list[float]:
    """Return by how much each word missed the schedule, beyond the best of its stream."""
    places = {piece.strip(): place for place, piece in enumerate(expected.pieces)}
    offsets = [
        at - places[word] * pace_seconds for word, at in reading.word_times if word in places
    ]
    best = min(offsets, default=0.0)
    return [offset - best for offset in offsets]
