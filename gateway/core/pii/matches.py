"""What a scrubber keeps of the values that were spelled, and which of them can still matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.core.pii.state import Accept, State


class Finding(NamedTuple):
    """A value that was replaced: its label, the rule that found it, its place in the input."""

    label: str
    rule: str
    start: int
    end: int


class Match:
    """A value that a pattern accepted, from offset *begin* to *end*.

    *boundary* watches what follows it, if that matters.
    """

    __slots__ = ("begin", "boundary", "detector", "end", "order")

    def __init__(self, begin: int, end: int, accept: Accept) -> None:
        self.begin = begin
        self.end = end
        self.detector = accept.detector
        self.order = accept.order
        self.boundary: State | None = accept.boundary

    def held_from(self, sent: int) -> int:
        """Return where the part of it begins that is not sent or replaced before *sent*."""
        return max(self.begin, sent)


def covers(match: Match, other: Match, sent: int) -> bool:
    """Say whether *other*, not yet *sent*, lies inside *match*, so that it never comes to anything.

    *match* is replaced first, or a still older one is that overlaps it, and what is left of *other*
    lies inside what is left of *match*. Of two equals the detector that is declared first wins.
    """
    begin, other_begin = match.held_from(sent), other.held_from(sent)
    if begin == other_begin and match.end == other.end:
        return match.order <= other.order
    return begin <= other_begin and match.end >= other.end


def with_candidate(candidates: list[Match], match: Match, sent: int) -> list[Match]:
    """Return *candidates* with *match* among them, and without any that lies inside another."""
    for other in candidates:
        if covers(other, match, sent):
            return candidates
    return [*[other for other in candidates if not covers(match, other, sent)], match]


def first_of(candidates: Iterable[Match], sent: int) -> Match:
    """Return the leftmost, then longest, then first declared of *candidates*."""
    return min(candidates, key=lambda match: (match.held_from(sent), -match.end, match.order))
