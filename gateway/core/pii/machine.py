"""The automaton of all detectors, made deterministic while it is used.

A ``State`` is the set of positions that are alive for one start of a possible value, a ``Front``
all states that are alive at a point of the text. All streams of a process share what one
``Machine`` has learnt.
"""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

from gateway.core.pii.context import Reaches
from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.front import WIDEST_LEARNT, Front
from gateway.core.pii.keywords import Keywords
from gateway.core.pii.kinds import SKIPPED, Kinds
from gateway.core.pii.numerals import CHINESE
from gateway.core.pii.positions import Automaton
from gateway.core.pii.state import Accept, State
from gateway.core.pii.syntax import LOOSE_SEPARATORS, parse_class

# More than texts of people and models reach (figures in ADR 0007); beyond it the machine forgets
# and learns anew, so that no text can fill the memory.
MAX_STATES: Final = 50_000
MAX_FRONTS: Final = 50_000
MAX_STEPS: Final = 500_000

# Where the text stands in a row of numbers: nowhere, at a digit, or at so many separators after it.
NO_ROW: Final = 0
AT_DIGIT: Final = 1
LONGEST_ROW_GAP: Final = 6
_DIGITS: Final = frozenset(string.digits).union(CHINESE)

_NONE: Final[frozenset[int]] = frozenset()


class _Start(NamedTuple):
    """Where a detector begins, and what must or must not stand before it."""

    detector: Detector
    first: frozenset[int]
    barred: int  # the number of the set of characters that may not stand before
    after: int
    unless: int


class Machine:
    """The automaton of *detectors*. Raises ``ValueError`` for a declaration that is not valid."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self.detectors = tuple(detectors)
        self._automaton = Automaton()
        self._order = {detector: place for place, detector in enumerate(self.detectors)}
        self._sets: dict[frozenset[str], int] = {}
        contexts = dict.fromkeys(c for d in self.detectors for c in (*d.after, *d.unless))
        self.contexts: tuple[Context, ...] = tuple(contexts)
        self.keywords = Keywords(self.contexts)
        self.reaches = Reaches(self.contexts)
        bits = {context: 1 << place for place, context in enumerate(self.contexts)}
        self._starts = [self._add(detector, bits) for detector in self.detectors]
        self._barring = frozenset([start.barred for start in self._starts])
        self._boundaries = self._add_boundaries()
        self._at_sets: dict[int, set[int]] = defaultdict(set)
        for position, options in enumerate(self._automaton.options):
            self._at_sets[self._number(options)].add(position)
        self._digits = self._number(_DIGITS)
        self._separators = self._number(LOOSE_SEPARATORS)
        self.kinds = Kinds(self._sets)
        self._at_kind: dict[int, frozenset[int]] = {}
        self._learnt_steps = 0
        self._states: dict[frozenset[int], State] = {}
        self._entries: dict[frozenset[int], State] = {}
        self._fronts: dict[tuple[int, ...], Front] = {}
        self._profiles: dict[tuple[frozenset[int], int], int] = {}
        self._profile_steps: dict[tuple[int, int], int] = {}
        self._announced: dict[tuple[int, int], State] = {}
        self._profile_list: list[tuple[frozenset[int], int]] = []
        self.first_front = self.front(self._profile(_NONE, NO_ROW), 0, ())

    def _number(self, chars: frozenset[str]) -> int:
        return self._sets.setdefault(chars, len(self._sets))

    def _add(self, detector: Detector, bits: dict[Context, int]) -> _Start:
        return _Start(
            detector,
            self._automaton.add(detector),
            self._number(parse_class(detector.not_after)),
            sum(bits[context] for context in detector.after),
            sum(bits[context] for context in detector.unless),
        )

    def _add_boundaries(self) -> dict[Detector, frozenset[int]]:
        return {
            detector: self._automaton.add_boundary(pattern, detector)
            for detector in self.detectors
            if (pattern := detector.not_before or detector.followed_by)
        }

    # --- what comes before a value

    def _profile(self, barred: frozenset[int], row: int) -> int:
        key = barred, row
        if key not in self._profiles:
            self._profiles[key] = len(self._profile_list)
            self._profile_list.append(key)
        return self._profiles[key]

    def next_profile(self, profile: int, kind: int) -> int:
        """Return what stands before the next character once one of *kind* was read.

        That is all the memory of the past that a start has: the sets that the last character
        belongs to, and whether it continues a row of numbers.
        """
        following = self._profile_steps.get((profile, kind))
        if following is None:
            following = self._profile_steps[profile, kind] = self._next_profile(profile, kind)
        return following

    def _next_profile(self, profile: int, kind: int) -> int:
        members = self.kinds.members[kind]
        row = self._profile_list[profile][1]
        if self._digits in members:
            row = AT_DIGIT
        elif row and row < LONGEST_ROW_GAP and self._separators in members:
            row += 1
        else:
            row = NO_ROW
        return self._profile(self._barring.intersection(members), row)

    def front_after(self, text: str) -> Front:
        """Return the front behind *text*, with nothing open."""
        profile = self.first_front.profile
        for char in text[-LONGEST_ROW_GAP - 1 :]:
            kind = self.kinds[char]
            if kind != SKIPPED:
                profile = self.next_profile(profile, kind)
        return self.front(profile, 0, ())

    def entry(self, profile: int, mask: int) -> State:
        """Return the state in which a value may begin: *mask* says which contexts hold."""
        entry = self._announced.get((profile, mask))
        if entry is None:
            if len(self._announced) >= MAX_FRONTS:
                self._forget()
            entry = self._announced[profile, mask] = self._new_entry(profile, mask)
        return entry

    def _new_entry(self, profile: int, mask: int) -> State:
        barred, row = self._profile_list[profile]
        moves: set[int] = set()
        for start in self._starts:
            announced = not start.after or start.after & mask
            in_row = start.detector.first_in_row and row > AT_DIGIT
            if announced and not start.unless & mask and start.barred not in barred and not in_row:
                moves |= start.first
        entry = self._entries.get(key := frozenset(moves))
        if entry is None:
            entry = self._entries[key] = State(self.step, key)
        return entry

    # --- states and fronts, made when they are needed

    def step(self, moves: frozenset[int], kind: int) -> State | None:
        """Return the state after a character of *kind*, out of the positions in *moves*."""
        at_kind = self._at_kind.get(kind)
        if at_kind is None:
            sets = [self._at_sets[number] for number in self.kinds.members[kind]]
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
        automaton = self._automaton
        state = State(self.step, _NONE.union(*[automaton.follow[p] for p in alive]))
        owners = {automaton.owner[p]: None for p in sorted(alive)}
        ends = alive & automaton.accepting
        state.ended = bool(ends)
        ended = sorted({self._order[automaton.owner[p]] for p in ends})
        state.accepts = tuple([self._accept(order) for order in ended])
        state.tailed = all(owner.tail for owner in owners)
        # Leads have no end, so each state has one at most; its check sees the longest.
        state.merges = all(owner.lead for owner in owners)
        # While a finite pattern is alive as well, it bounds the length and needs every character.
        if alive <= automaton.leading:
            state.lead_limit = max(owner.lead_limit for owner in owners)
        return state

    def _accept(self, order: int) -> Accept:
        detector = self.detectors[order]
        first = self._boundaries.get(detector)
        boundary = None
        if first is not None:
            boundary = self._entries.get(first)
            if boundary is None:
                boundary = self._entries[first] = State(self.step, first)
        return Accept(detector, boundary, order)

    def front(self, profile: int, mask: int, states: tuple[State, ...]) -> Front:
        """Return the front of *states*, oldest first, with what stands before the next one."""
        if len(states) > WIDEST_LEARNT:
            return Front(self, states, profile=profile, mask=mask)
        key = (profile, mask, *map(id, states))
        front = self._fronts.get(key)
        if front is None:
            if len(self._fronts) >= MAX_FRONTS:
                self._forget()
            front = self._fronts[key] = Front(self, states, profile=profile, mask=mask)
        return front

    def note_step(self) -> None:
        """Count a step that a front has learnt; forget everything when there are too many."""
        self._learnt_steps += 1
        if self._learnt_steps >= MAX_STEPS:
            self._forget()

    def _forget(self) -> None:
        """Drop what was learnt. Streams go on with the fronts that they hold, which learn anew."""
        for front in self._fronts.values():
            front.forget()
        for state in (*self._states.values(), *self._entries.values()):
            state.clear()
        self._fronts.clear()
        self._announced.clear()
        self._states.clear()
        self._learnt_steps = 0
