"""What a walk keeps of the values that were spelled, and which of them can still matter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gateway.core.pii.states import State


class Finding(NamedTuple):
    """A value that was replaced: its label, the rule that found it, its place in the input."""

    label: str
    rule: str
    start: int
    end: int


class Match:
    """A value of the detector number *order*, from offset *begin* to *end*.

    *boundary* watches what follows it, if that matters. *certain*: no check can refuse it any more.
    """

    __slots__ = ("begin", "boundary", "certain", "end", "order")

    def __init__(self, begin: int, end: int, order: int, *, certain: bool) -> None:
        self.begin = begin
        self.end = end
        self.order = order
        self.certain = certain
        self.boundary: State | None = None

    def held_from(self, sent: int) -> int:
        """Return where the part of it begins that is not sent or replaced before *sent*."""
        return max(self.begin, sent)

    def rank(self, sent: int) -> tuple[int, int, int, int]:
        """Return what is smallest for the leftmost, then longest, then first declared."""
        return self.held_from(sent), -self.end, self.order, self.begin

    def covers(self, other: Match, sent: int) -> bool:
        """Say whether *other* lies inside this one, so that it comes to nothing if this is certain.

        This one is replaced first, or a still older one is that overlaps it, and what is left of
        *other* lies inside what is left of this one.
        """
        return self.rank(sent) <= other.rank(sent) and self.end >= other.end


def with_match(matches: list[Match], match: Match, sent: int) -> list[Match]:
    """Return *matches* with *match* among them, and without any that lies inside a certain one."""
    for other in matches:
        if other.certain and other.covers(match, sent):
            return matches
    if match.certain:
        matches = [other for other in matches if not match.covers(other, sent)]
    return [*matches, match]


def first_of(matches: Iterable[Match], sent: int) -> Match:
    """Return the leftmost, then longest, then first declared of *matches*."""
    return min(matches, key=lambda match: match.rank(sent))
