"""The automaton of all detectors, made deterministic while it is used.

A ``State`` is the set of positions that are alive for one start of a possible value. It is a dict
from the next written character to the next state, filled at the first use, so that a step costs one
dict look-up. All streams of a process share the states of one ``Machine``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Final

from gateway.core.pii.detector import Detector
from gateway.core.pii.folding import FOLD, INVISIBLE, spellings
from gateway.core.pii.positions import Automaton
from gateway.core.pii.syntax import parse_class

# Far more states than any text of people or models reaches (measured: below 4,000 over 1,400 texts
# full of personal data); beyond it the cache starts anew, so that no text can fill the memory.
MAX_STATES: Final = 50_000

# A self-loop over fewer characters than this is not worth a regular expression of its own.
_WORTH_A_RUN: Final = 20
_BASIC_PLANE: Final = "\uffff"
# Narrow enough to leave out the emoji, which are frequent and begin nothing.
_WIDEST_GAP: Final = 0x800
_RUN_ALPHABET: Final = string.ascii_letters + string.digits + string.punctuation


class State(dict[str, "State | None"]):
    """What may still come of a value that began earlier; ``state[char]`` is None if nothing.

    *accepts*: detectors satisfied here, each with the state that watches its right boundary (None
    where it has none). *sole*: the detector with a tail that is alone alive here. *lead_limit*:
    set where nothing but a lead is alive. *gated*: some of the detectors count only after one of
    their words. *merges*: two starts in this state have the same
    future, so the older is enough.
    """

    __slots__ = (
        "accepts",
        "gated",
        "lead_limit",
        "machine",
        "merges",
        "moves",
        "run",
        "sole",
    )

    def __init__(self, machine: Machine, moves: Iterable[int]) -> None:
        super().__init__()
        self.machine = machine
        self.moves = frozenset(moves)
        self.accepts: tuple[tuple[Detector, State | None], ...] = ()
        self.sole: Detector | None = None
        self.lead_limit = 0
        self.gated = False
        self.merges = False
        self.run: Run | None = None

    def __missing__(self, char: str) -> State | None:
        """Compute a step; keep it if the character is one of the finitely many that matter."""
        if char in INVISIBLE:
            self[char] = self
            return self
        plain = FOLD.get(char, char)
        if plain in self.machine.alphabet:
            target = self[char] = self.machine.step(self.moves, plain)
            return target
        if char in FOLD:
            self[char] = None
        return None  # one of very many: quick to tell, and not worth the memory


class Run:
    """A stretch of characters that leaves a state as it is and starts nothing new.

    *chars* are those characters, *match* finds the end of the stretch. It only saves time: stepping
    through the stretch one by one gives the same.
    """

    __slots__ = ("chars", "match")

    def __init__(self, chars: frozenset[str]) -> None:
        self.chars = chars
        self.match = re.compile(f"[{_escaped(chars)}]+").match


class _Starts(dict[str, State]):
    """The state in which a value begins after a character; ``""`` is the start of the text."""

    def __init__(self, machine: Machine, *, announced: bool) -> None:
        super().__init__()
        self._machine = machine
        self._announced = announced

    def __missing__(self, previous: str) -> State:
        plain = FOLD.get(previous, previous)
        if plain not in self._machine.barring:
            plain = ""  # nothing is barred, as at the start of the text
            if previous and previous not in FOLD:
                return self[plain]
        state = self[previous] = self._machine.start_after(plain, announced=self._announced)
        return state


class Machine:
    """The automaton of *detectors*. Raises ``ValueError`` for a declaration that is not valid."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._automaton = Automaton()
        self._barred: list[tuple[frozenset[int], frozenset[str]]] = []
        self._gated: set[int] = set()
        self.words: tuple[str, ...] = ()
        self._boundary: dict[Detector, State | None] = {}
        for detector in detectors:
            first = self._automaton.add(detector)
            self._barred.append((first, parse_class(detector.not_after)))
            self._boundary[detector] = _boundary(detector)
            if detector.words:
                self._gated |= first
                self.words += tuple(word for word in detector.words if word not in self.words)
        self.barring = frozenset().union(*[barred for _, barred in self._barred])
        self.alphabet = frozenset().union(*self._automaton.options)
        self._states: dict[frozenset[int], State] = {}
        self._entries: dict[frozenset[int], State] = {}
        self._runs: dict[frozenset[int], Run | None] = {}
        self.starts = _Starts(self, announced=True)
        # Where none of the words stands before: without the detectors that need one.
        self.quiet_starts = _Starts(self, announced=False)
        self.search_start = re.compile(self._start_pattern()).search

    def start_after(self, previous: str, *, announced: bool) -> State:
        """Return the state in which a value may begin after the folded character *previous*.

        *announced* says whether one of ``words`` stands before it.
        """
        moves: frozenset[int] = frozenset()
        for first, barred in self._barred:
            if previous not in barred:
                moves |= first if announced else first - self._gated
        entry = self._entries.get(moves)
        if entry is None:
            entry = self._entries[moves] = State(self, moves)
        return entry

    def step(self, moves: frozenset[int], plain: str) -> State | None:
        """Return the state after the folded character *plain*, out of the positions in *moves*."""
        options = self._automaton.options
        alive = frozenset([position for position in moves if plain in options[position]])
        if not alive:
            return None
        state = self._states.get(alive)
        if state is None:
            if len(self._states) >= MAX_STATES:
                self._forget()
            state = self._states[alive] = self._new_state(alive)
            if state.lead_limit:
                if alive not in self._runs:
                    self._runs[alive] = None  # finding a run may come by here again
                    self._runs[alive] = self._find_run(state)
                state.run = self._runs[alive]
        return state

    def _forget(self) -> None:
        """Drop all states. Streams go on with those that they hold, which then grow anew."""
        for state in (*self._states.values(), *self._entries.values()):
            state.clear()
        self._states.clear()

    def _new_state(self, alive: frozenset[int]) -> State:
        automaton = self._automaton
        state = State(self, frozenset().union(*[automaton.follow[p] for p in alive]))
        owners = {automaton.owner[p]: None for p in sorted(alive)}
        ended = {automaton.owner[p]: None for p in sorted(alive & automaton.accepting)}
        state.accepts = tuple((detector, self._boundary[detector]) for detector in ended)
        only = next(iter(owners)) if len(owners) == 1 else None
        state.gated = any(owner.words for owner in owners)
        state.sole = only if only is not None and only.tail else None
        state.merges = all(owner.check is None and owner.lead for owner in owners)
        # While a finite pattern is alive as well, it bounds the length and needs every character.
        if alive <= automaton.leading:
            state.lead_limit = max(owner.lead_limit for owner in owners)
        return state

    def _find_run(self, state: State) -> Run | None:
        chars = {c for c in _RUN_ALPHABET if state[c] is state}
        while True:
            # A character after which another one of the run starts a value is where the run ends;
            # drop the one that is in the way of most others.
            clashes = {p: sum(self.starts[p][c] is not None for c in chars) for p in chars}
            worst = max(sorted(clashes), key=clashes.__getitem__, default="")
            if not worst or not clashes[worst]:
                break
            started = {c: sum(self.starts[p][c] is not None for p in chars) for c in chars}
            blocked = max(sorted(started), key=started.__getitem__)
            chars.discard(worst if clashes[worst] >= started[blocked] else blocked)
        return Run(frozenset(chars)) if len(chars) >= _WORTH_A_RUN else None

    def _start_pattern(self) -> str:
        """Return a pattern for every place where a value can begin, and for few others."""
        options = self._automaton.options
        first = frozenset().union(*[options[p] for positions, _ in self._barred for p in positions])
        barred = frozenset.intersection(*[barred for _, barred in self._barred])
        # The engine looks up characters of the basic plane in a table and all others one by one,
        # so those go in as a few wide ranges; the exact check comes after the search.
        written = spellings(first)
        begin = _escaped(char for char in written if char <= _BASIC_PLANE)
        begin += _wide_ranges(char for char in written if char > _BASIC_PLANE)
        before = _escaped(char for char in spellings(barred) if char <= _BASIC_PLANE)
        # The class comes first: the engine scans for a class far faster than for an assertion.
        return f"(?s:[{begin}](?<![{before}].))" if barred else f"[{begin}]"


def _boundary(detector: Detector) -> State | None:
    """Return the state that watches what follows a value, or None if anything may."""
    if not detector.not_before:
        return None
    watcher = Detector(label=detector.label, pattern=detector.not_before)
    return Machine([watcher]).starts[""]


def _wide_ranges(chars: Iterable[str]) -> str:
    """Return character ranges that hold all *chars* and whatever lies in small gaps between."""
    ranges: list[list[str]] = []
    for char in sorted(chars):
        if ranges and ord(char) - ord(ranges[-1][1]) <= _WIDEST_GAP:
            ranges[-1][1] = char
        else:
            ranges.append([char, char])
    return "".join([f"{first}-{last}" for first, last in ranges])


def _escaped(chars: Iterable[str]) -> str:
    return "".join(sorted(re.escape(char) for char in chars))
