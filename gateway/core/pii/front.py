"""All values that are open at a point of the text, as one state of a larger automaton.

A text meets few different fronts, so one look-up takes all open values one character further,
however many detectors there are. What is not known yet is worked out value by value, with the same
result.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol, final

from gateway.core.pii.kinds import SKIPPED, Kinds
from gateway.core.pii.state import State

# With more open values than this, what was learnt is hardly ever of use again.
WIDEST_LEARNT: Final = 6


class Step(NamedTuple):
    """What a character does to a front.

    *kept* are the places of the open values that go on, or None if all do. *frozen* are places and
    limits of leads that end here: from now on their beginning is fixed. *starts*: the character
    begins a value. *accepts*: some value may end with it.
    """

    front: Front
    kept: tuple[int, ...] | None
    frozen: tuple[tuple[int, int], ...]
    starts: bool
    accepts: bool

    def move(self, begins: list[int], at: int) -> None:
        """Change *begins*, where the values begin, as the character at offset *at* does."""
        freeze(begins, self.frozen, at)
        if self.kept is not None:
            begins[:] = [begins[place] for place in self.kept]
        if self.starts:
            begins.append(at)


def freeze(begins: list[int], frozen: tuple[tuple[int, int], ...], end: int) -> None:
    """Fix the beginning of leads that end at offset *end*, by their limits."""
    for place, limit in frozen:
        begins[place] = max(begins[place], end - limit)


class Fronts(Protocol):
    """What a front asks of its machine."""

    kinds: Kinds

    def entry(self, profile: int, mask: int) -> State:
        """Return the state in which a value may begin."""

    def next_profile(self, profile: int, kind: int) -> int:
        """Return what stands before the next character."""

    def front(self, profile: int, mask: int, states: tuple[State, ...]) -> Front:
        """Return the front of *states*."""

    def note_step(self) -> None:
        """Count what was learnt."""


@final
class Front(dict[str, "Step | Front | None"]):
    """The *states* of all open values, oldest first; ``front[char]`` is the next step.

    None means that the character changes nothing, a front that all values just go on. *profile* and
    *mask* say what stands before the next character: see ``Machine.entry``. *has_lead* says
    whether a lead is among the states.
    """

    __slots__ = ("_by_kind", "_machine", "entry", "has_lead", "mask", "profile", "states")

    def __init__(
        self, machine: Fronts, states: tuple[State, ...], *, profile: int, mask: int
    ) -> None:
        super().__init__()
        self._machine = machine
        self.profile = profile
        self.mask = mask
        self.states = states
        self.entry = machine.entry(profile, mask)
        self.has_lead = any(state.lead_limit for state in states)
        self._by_kind: dict[int, Step | Front | None] = {}

    def __missing__(self, char: str) -> Step | Front | None:
        """Work out what *char* does, and remember it."""
        kind = self._machine.kinds[char]
        if len(self.states) > WIDEST_LEARNT:
            return None if kind == SKIPPED else self._step(kind)
        if kind == SKIPPED:
            step = None
        elif kind in self._by_kind:
            step = self._by_kind[kind]
        else:
            step = self._by_kind[kind] = self._step(kind)
        self[char] = step
        self._machine.note_step()
        return step

    def holds(self, begins: list[int], end: int) -> list[int]:
        """Return from where the values wait that began at *begins*, the text being read to *end*.

        Of a lead that is longer than its limit the beginning does not wait.
        """
        if not self.has_lead:
            return begins
        return [
            max(begin, end - state.lead_limit) if state.lead_limit else begin
            for begin, state in zip(begins, self.states, strict=True)
        ]

    def without(self, places: list[int]) -> Front:
        """Return this front without the values at *places*."""
        left = [state for place, state in enumerate(self.states) if place not in places]
        return self._machine.front(self.profile, self.mask, tuple(left))

    def forget(self) -> None:
        """Drop what was learnt."""
        self.clear()
        self._by_kind.clear()

    def _step(self, kind: int) -> Step | Front | None:
        states: list[State] = []
        kept: list[int] = []
        frozen: list[tuple[int, int]] = []
        for place, state in enumerate(self.states):
            following = state[kind]
            if following is None or (following.merges and following in states):
                continue
            if state.lead_limit and not following.lead_limit:
                frozen.append((place, state.lead_limit))
            states.append(following)
            kept.append(place)
        all_go_on = len(kept) == len(self.states)
        started = self.entry[kind]
        starts = started is not None and not (started.merges and started in states)
        if started is not None and starts:
            states.append(started)
        accepts = any(state.accepts for state in states)
        profile = self._machine.next_profile(self.profile, kind)
        is_plain = all_go_on and not (starts or accepts or frozen)
        if is_plain and profile == self.profile and tuple(states) == self.states:
            return None
        front = self._machine.front(profile, self.mask, tuple(states))
        if is_plain:
            return front
        return Step(front, None if all_go_on else tuple(kept), tuple(frozen), starts, accepts)
