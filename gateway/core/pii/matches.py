"""What a scrubber keeps of the values that are still open, and which of them can still matter."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core.pii.detector import Detector
from gateway.core.pii.machine import State


class Thread:
    """A possible value: where it *begin*s, the first character it *hold*s back, what may come.

    Both differ after an overlapping value was replaced: then only the rest is held. A thread that
    *swallows* has its placeholder out already, and what it accepts further is dropped.
    """

    __slots__ = ("begin", "hold", "state", "swallows")

    def __init__(self, begin: int, state: State) -> None:
        self.begin = begin
        self.hold = begin
        self.state = state
        self.swallows = False


class Match:
    """A value that a pattern accepted; *boundary* watches what follows it, if that matters."""

    __slots__ = ("begin", "boundary", "detector", "end", "hold")

    def __init__(self, thread: Thread, end: int, detector: Detector) -> None:
        self.begin = thread.begin
        self.hold = thread.hold
        self.end = end
        self.detector = detector
        self.boundary: State | None = None


def has_twin(state: State, threads: list[Thread]) -> bool:
    """Say whether an older thread has the same future, so that a younger one adds nothing."""
    return state.merges and any(thread.state is state for thread in threads)


def is_covered(match: Match, candidates: Iterable[Match]) -> bool:
    """Say whether *match* lies inside one of the *candidates*.

    It then never comes to anything: that candidate is replaced first, or a still older one is that
    overlaps it, and what is left of the match lies inside what is left of the candidate.
    """
    for other in candidates:  # noqa: SIM110 - a generator takes three times as long
        if other.hold <= match.hold and other.end >= match.end:
            return True
    return False


def not_covered(candidates: Iterable[Match], match: Match) -> list[Match]:
    """Return those *candidates* that a new candidate, *match*, does not make idle."""
    return [other for other in candidates if other.hold < match.hold or other.end >= match.end]


def all_from(hold: int, candidates: Iterable[Match]) -> bool:
    """Say whether all *candidates* begin at offset *hold* or after it."""
    for match in candidates:  # noqa: SIM110 - a generator takes three times as long
        if match.hold < hold:
            return False
    return True
