"""The machine of a set of detectors: what all streams share, and where their walks come from.

Compiled or not it gives the same output; it is compiled where the package was built for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from gateway.core.pii.compiled import IS_COMPILED, compiled_machine
from gateway.core.pii.detector import Detector
from gateway.core.pii.packing import pack
from gateway.core.pii.states import States
from gateway.core.pii.tables import Tables
from gateway.core.pii.walk import Judge, Walk


class AnyWalk(Protocol):
    """A walk, compiled or not; see ``Walk`` for what it does."""

    def look_at(self, before: str, /) -> int:
        """Take text that stands before."""

    def take(self, text: str, judge: Judge, /) -> int:
        """Take the next text."""

    def finish(self, judge: Judge, /) -> int:
        """End the text."""

    def skip(self) -> int:
        """Take all text so far as one that is not to be sent."""

    def needed(self) -> int:
        """Return the offset before which no value reaches back."""

    def under_way(self) -> int:
        """Return how many values the next step looks at."""


class Machine:
    """The machine of *detectors*, *compiled* if that is wanted and possible (*is_compiled*).

    *packed* are their tables if they are made already. Raises ``ValueError`` for a declaration that
    is not valid.
    """

    __slots__ = ("_new_walk", "detectors", "is_compiled")

    def __init__(
        self,
        detectors: Iterable[Detector],
        *,
        compiled: bool = True,
        packed: memoryview | None = None,
    ) -> None:
        self.detectors = tuple(detectors)
        self.is_compiled = compiled and IS_COMPILED
        self._new_walk = self._walks(packed)

    def _walks(self, packed: memoryview | None) -> Callable[[], AnyWalk]:
        if not self.is_compiled:
            return partial(Walk, States(Tables(self.detectors)))
        return compiled_machine(packed or pack(Tables(self.detectors))).walk

    def walk(self) -> AnyWalk:
        """Return a new walk."""
        return self._new_walk()
