"""What may still come of one value that began earlier: a state of the automaton of detectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.core.pii.detector import Detector


class Accept(NamedTuple):
    """A *detector* that is satisfied.

    *boundary* watches what follows the value, if that matters; *order* is the place of the detector
    among all.
    """

    detector: Detector
    boundary: State | None
    order: int


class State(dict[int, "State | None"]):
    """A set of positions, the *moves* from it; ``state[kind]`` is None if no value is left.

    *accepts*: detectors satisfied here. *ended*: a boundary is complete here. *tailed*: only
    detectors with a tail are alive here. *lead_limit*: set where nothing but a lead is alive.
    *merges*: two starts in this state have the same future, so the older is enough.
    """

    __slots__ = ("_learn", "accepts", "ended", "lead_limit", "merges", "moves", "tailed")

    def __init__(
        self,
        learn: Callable[[frozenset[int], int], State | None],
        moves: frozenset[int],
    ) -> None:
        super().__init__()
        self._learn = learn
        self.moves = moves
        self.accepts: tuple[Accept, ...] = ()
        self.ended = False
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
