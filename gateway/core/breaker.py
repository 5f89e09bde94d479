"""The circuit breaker of one backend: whether calls go to it, by how the last ones ended.

Sans-IO, time is an argument. It opens after several failures in a row, lets one call through when
its time is over, and waits twice as long after each of those that fails too (ADR-0025).
"""

from __future__ import annotations

from dataclasses import dataclass

PROBE_SECONDS = 5.0
"""How long one trial call has the backend for itself; an answer may take minutes to begin."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """*failures* in a row open it, for *eject_seconds* at first and *max_eject_seconds* at most."""

    failures: int = 3
    eject_seconds: float = 1.0
    max_eject_seconds: float = 30.0


class Breaker:
    """Closed, open, or half-open: open with its time over.

    A call that began while it was closed says nothing any more once it is open: of hundreds that
    end with one crash only the first few count. Nor do trials that hang until a later one was
    answered, or until all of them end at once.
    """

    __slots__ = ("_failures", "_is_tried", "_level", "_open_until", "_rules", "ejections")

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._failures = 0
        self._level = 0
        self._open_until: float | None = None
        self._is_tried = False  # a trial is under way, and nothing is known yet
        self.ejections = 0

    @property
    def is_open(self) -> bool:
        """Whether the backend is ejected; it may be time for a trial call."""
        return self._open_until is not None

    def allows(self, now: float) -> bool:
        """Return whether a call may go to the backend."""
        return self._open_until is None or now >= self._open_until

    def begin(self, now: float) -> bool:
        """Note a call that was allowed; return whether it is a trial."""
        if self._open_until is None:
            return False
        self._open_until = now + PROBE_SECONDS
        self._is_tried = True
        return True

    def answered(self) -> None:
        """Note that the head of a trial's answer came: calls go there again, one failure ends it.

        What happens to the rest of the answer may take minutes to show.
        """
        self._open_until = None
        self._is_tried = False
        self._failures = self._rules.failures - 1

    def completed(self) -> None:
        """Note an answer that was whole."""
        if self._open_until is None:
            self._failures = self._level = 0

    def failed(self, now: float, *, was_trial: bool) -> None:
        """Note a call that failed."""
        if was_trial and self._is_tried:
            self._eject(now)
        elif self._open_until is None:
            self._failures += 1
            if self._failures >= self._rules.failures:
                self._eject(now)

    def recovered(self, now: float) -> None:
        """Note that the backend came back: there is no reason to wait with the next trial."""
        if self._open_until is not None:
            self._open_until = min(self._open_until, now)

    def _eject(self, now: float) -> None:
        rules = self._rules
        self._open_until = now + min(rules.eject_seconds * 2**self._level, rules.max_eject_seconds)
        self._level = min(self._level + 1, 16)  # far beyond any longest time
        self._failures = 0
        self._is_tried = False
        self.ejections += 1
