"""What may still come of a value that began earlier: states, made when a text needs them.

A ``State`` is the set of positions that are alive for one start of a possible value. All streams of
a process share what one ``States`` has learnt; it is bounded, and what it forgot it learns anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from gateway.core.pii.keywords import NOBODY
from gateway.core.pii.tables import Tables

# Beyond this everything is forgotten, so that no text can fill the memory: a state has some 20 KB.
MAX_STATES: Final = 12_000
MAX_STEPS: Final = 500_000

# Where the text stands in a row of numbers: nowhere, at a digit, or at so many separators after it.
NO_ROW: Final = 0
AT_DIGIT: Final = 1
LONGEST_ROW_GAP: Final = 6

_NONE: Final[frozenset[int]] = frozenset()


@final
class State(dict[int, "State | None"]):
    """A set of positions, the *moves* from it; ``state[kind]`` is None if no value is left.

    *ends*: the detectors that are satisfied here, or the contexts of which a word ends. *tailed*:
    only detectors with a tail are alive here. *lead_limit*: set where nothing but a lead is alive.
    *merges*: two starts in this state have the same future, so the older is enough.
    """

    __slots__ = ("_learn", "ends", "lead_limit", "merges", "moves", "tailed")

    def __init__(
        self,
        learn: Callable[[frozenset[int], int], State | None],
        moves: frozenset[int],
    ) -> None:
        super().__init__()
        self._learn = learn
        self.moves = moves
        self.ends: tuple[int, ...] = ()
        self.tailed = False
        self.lead_limit = 0
        self.merges = False

    def __missing__(self, kind: int) -> State | None:
        """Work out where a character of *kind* leads."""
        target = self[kind] = self._learn(self.moves, kind)
        return target

    # A state is itself, whatever it has learnt.
    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__


class States:
    """The automaton of *tables*, made deterministic while it is used.

    *words* is where the words of contexts begin, ``boundaries[detector]`` what watches the end of a
    value.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        at_sets: dict[int, set[int]] = {}
        for position, number in enumerate(tables.set_of):
            at_sets.setdefault(number, set()).add(position)
        self._at_sets = at_sets
        self._at_kind: dict[int, frozenset[int]] = {}
        self._states: dict[frozenset[int], State] = {}
        self._entries: dict[tuple[int, int, bool], State] = {}
        self._steps = 0
        self.words = State(self._step, frozenset(tables.automaton.follow[tables.keywords.first]))
        self.boundaries = {
            detector: State(self._step, first) for detector, first in tables.boundaries.items()
        }

    def entry(self, bar: int, mask: int, row: int) -> State:
        """Return the state in which a value may begin.

        *bar* is ``tables.bars`` of the character before it, *mask* says which contexts hold, *row*
        where the text stands in a row of numbers.
        """
        key = bar, mask, row > AT_DIGIT
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MAX_STATES:
                self._forget()
            barred = self.tables.kinds.members[bar]
            moves = [
                start.first
                for start in self.tables.starts
                if (not start.after or start.after & mask)
                and not start.unless & mask
                and start.barred not in barred
                and not (start.first_in_row and row > AT_DIGIT)
            ]
            entry = self._entries[key] = State(self._step, _NONE.union(*moves))
        return entry

    def next_row(self, row: int, kind: int) -> int:
        """Return where the text stands in a row of numbers once a character of *kind* was read."""
        members = self.tables.kinds.members[kind]
        if self.tables.digits in members:
            return AT_DIGIT
        if row and row < LONGEST_ROW_GAP and self.tables.separators in members:
            return row + 1
        return NO_ROW

    def _step(self, moves: frozenset[int], kind: int) -> State | None:
        """Return the state after a character of *kind*, out of the positions in *moves*."""
        self._steps += 1
        if self._steps >= MAX_STEPS:
            self._forget()
        at_kind = self._at_kind.get(kind)
        if at_kind is None:
            sets = [self._at_sets.get(number, _NONE) for number in self.tables.kinds.members[kind]]
            at_kind = self._at_kind[kind] = _NONE.union(*sets)
        alive = moves & at_kind
        if not alive:
            return None
        state = self._states.get(alive)
        if state is None:
            if len(self._states) >= MAX_STATES:
                self._forget()
            state = self._states[alive] = self._new_state(alive)
        return state

    def _new_state(self, alive: frozenset[int]) -> State:
        tables, automaton = self.tables, self.tables.automaton
        state = State(self._step, _NONE.union(*[automaton.follow[p] for p in alive]))
        owners = {automaton.owner[p] for p in alive}
        if NOBODY in owners:
            state.ends = tuple(
                sorted(_NONE.union(*[tables.keywords.ends.get(p, _NONE) for p in alive]))
            )
            return state
        state.ends = tuple(sorted({automaton.owner[p] for p in alive & automaton.accepting}))
        detectors = [tables.detectors[owner] for owner in owners]
        state.tailed = all(detector.tail for detector in detectors)
        # Leads have no end, so each state has one at most; its check sees the longest.
        state.merges = all(detector.lead for detector in detectors)
        # While a finite pattern is alive as well, it bounds the length and needs every character.
        if alive <= automaton.leading:
            state.lead_limit = max(detector.lead_limit for detector in detectors)
        return state

    def _forget(self) -> None:
        """Drop what was learnt. Walks go on with the states that they hold, which learn anew."""
        lasting = (self.words, *self.boundaries.values())
        for state in (*self._states.values(), *self._entries.values(), *lasting):
            state.clear()
        self._states.clear()
        self._entries.clear()
        self._steps = 0
