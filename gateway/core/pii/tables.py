"""What all detectors together come to: positions, sets of characters, starts and contexts.

Nothing here changes once it is made, and nothing depends on a text; both walks are made from it.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.keywords import LETTERS, NO_LETTERS, Keywords
from gateway.core.pii.kinds import Kinds
from gateway.core.pii.numerals import CHINESE
from gateway.core.pii.positions import Automaton
from gateway.core.pii.syntax import LOOSE_SEPARATORS, parse_class

_DIGITS: Final = frozenset(string.digits).union(CHINESE)


class Start(NamedTuple):
    """Where a detector begins, and what must or must not stand before it."""

    first: frozenset[int]
    barred: int  # the number of the set of characters that may not stand before
    after: int  # bits of contexts
    unless: int
    first_in_row: bool


class Reach(NamedTuple):
    """How far behind its word a context holds: at most *gap* characters.

    It holds up to the first character that is not in the set *number*, or with *stops* up to the
    first that is. *takes_invisible*: invisible signs are in the set.
    """

    gap: int
    number: int
    stops: bool
    takes_invisible: bool


class Tables:
    """The tables of *detectors*. Raises ``ValueError`` for a declaration that is not valid.

    *automaton* holds their patterns, the owner of a position being the place of its detector, and
    the words of their contexts. ``set_of[position]`` is the number of the
    set of its characters. *boundaries* are, by detector, the
    positions that watch what follows a value. ``bars[kind]`` is the first kind that bars the same
    detectors from beginning after it. *sets* is how many sets there are.
    """

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self.detectors = tuple(detectors)
        self.automaton = automaton = Automaton()
        self._numbers: dict[tuple[frozenset[str], bool], int] = {}
        self.digits = self._number(_DIGITS)
        self.separators = self._number(LOOSE_SEPARATORS)
        self.letters = self._number(LETTERS)
        contexts = dict.fromkeys(c for d in self.detectors for c in (*d.after, *d.unless))
        self.contexts: tuple[Context, ...] = tuple(contexts)
        self.reaches = tuple([self._reach(context) for context in self.contexts])
        bits = {context: 1 << place for place, context in enumerate(self.contexts)}
        self.starts = tuple([self._start(place, bits) for place in range(len(self.detectors))])
        self.boundaries = {
            place: automaton.add_boundary(detector, place)
            for place, detector in enumerate(self.detectors)
            if detector.not_before or detector.followed_by
        }
        self.keywords = Keywords(self.contexts, automaton)
        self.set_of = [self._number(options) for options in automaton.options]
        self.kinds = Kinds(
            [chars for chars, _ in self._numbers],
            complements={self._number(NO_LETTERS): self.letters},
            as_written=frozenset([reach.number for reach in self.reaches]),
        )
        self.sets = len(self._numbers)
        self.bars = self._bars()

    def _number(self, chars: frozenset[str], *, as_written: bool = False) -> int:
        return self._numbers.setdefault((chars, as_written), len(self._numbers))

    def _start(self, place: int, bits: dict[Context, int]) -> Start:
        detector = self.detectors[place]
        return Start(
            self.automaton.add(detector, place),
            self._number(parse_class(detector.not_after)),
            sum(bits[context] for context in detector.after),
            sum(bits[context] for context in detector.unless),
            detector.first_in_row,
        )

    def _bars(self) -> tuple[int, ...]:
        barring = frozenset([start.barred for start in self.starts])
        first: dict[frozenset[int], int] = {}
        return tuple(
            [
                first.setdefault(barring.intersection(members), kind)
                for kind, members in enumerate(self.kinds.members)
            ]
        )

    def _reach(self, context: Context) -> Reach:
        stops = context.filler is None
        chars = context.stops if context.filler is None else context.filler
        return Reach(context.gap, self._number(chars, as_written=True), stops, " " in chars)
