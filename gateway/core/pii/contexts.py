"""Which contexts hold at a place of the text: the words seen so far, and how far each reaches."""

from __future__ import annotations

from gateway.core.pii.kinds import SKIPPED
from gateway.core.pii.states import State
from gateway.core.pii.tables import Tables


class Announcements:
    """What was announced in one stream, whose words are found from the state *words* on."""

    __slots__ = (
        "_after_letter",
        "_ends",
        "_fresh",
        "_letters",
        "_mask",
        "_members",
        "_reaches",
        "_state",
    )

    def __init__(self, tables: Tables, words: State) -> None:
        self._letters = tables.letters
        self._members = tables.kinds.members
        self._reaches = tables.reaches
        self._state = words
        self._after_letter = False
        self._fresh: tuple[int, ...] = ()  # contexts of which a word has just ended
        # Where the last word of each context ended that holds. It reaches further than any before.
        self._ends: dict[int, int] = {}
        self._mask = 0

    def holding(self, kind: int, at: int) -> int:
        """Return the bits of the contexts that hold at offset *at*, where *kind* stands."""
        if self._fresh:
            # Where the word goes on it is another one.
            is_part = self._after_letter and self._is(kind, self._letters)
            for place in () if is_part else self._fresh:
                self._ends[place] = at
                self._mask |= 1 << place
            self._fresh = ()
        return self._mask

    def take(self, kind: int, at: int) -> None:
        """Go on behind the character of *kind* at offset *at*."""
        for place, end in list(self._ends.items()):
            reach = self._reaches[place]
            inside = reach.takes_invisible if kind == SKIPPED else self._is(kind, reach.number)
            if inside == reach.stops or at >= end + reach.gap:
                del self._ends[place]
                self._mask -= 1 << place
        if kind == SKIPPED:
            return
        state = self._state[kind]
        if state is None:
            raise AssertionError  # words begin anywhere
        self._state = state
        self._fresh = state.ends
        self._after_letter = self._is(kind, self._letters)

    def _is(self, kind: int, number: int) -> bool:
        return kind != SKIPPED and number in self._members[kind]
