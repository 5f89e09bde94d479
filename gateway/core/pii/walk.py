"""The walk of one stream over its text: which values are under way, and which are final.

A walk sees one character at a time and never the text; whether a value counts, and what becomes of
it, it asks its judge. The same walk in C is in ``csrc/``; ``machine`` chooses.
"""

from __future__ import annotations

from typing import Final, Protocol

from gateway.core.pii.contexts import Announcements
from gateway.core.pii.kinds import OTHER, SKIPPED
from gateway.core.pii.matches import Match, first_of, with_match
from gateway.core.pii.states import NO_ROW, State, States

# A value without an end waits so long for another one that begins with it and has an end, such as
# an e-mail address that begins like a key: else a row of beginnings would be held back for ever.
LONGEST_UNDECIDED: Final = 48


class Judge(Protocol):
    """What a walk asks about its text. Offsets count from the beginning of the text."""

    def agrees(self, order: int, begin: int, end: int) -> bool:
        """Say whether the check of the detector number *order* lets this value count."""

    def replace(self, order: int, begin: int, end: int) -> None:
        """Replace this value; nothing before *end* is left to be sent as it is."""

    def drop(self, until: int) -> None:
        """Drop the text before *until*: it goes on a value that was replaced before."""


class Walk:
    """Everything before the offset *sent* may leave, or was replaced.

    A walk that an error has left does not go on: it raises ``RuntimeError``.
    """

    __slots__ = (
        "_announced",
        "_at",
        "_bar",
        "_begins",
        "_fails",
        "_matches",
        "_open",
        "_pending",
        "_row",
        "_states",
        "_swallowing",
        "sent",
    )

    def __init__(self, states: States) -> None:
        tables = states.tables
        self._states = states
        self._announced = Announcements(tables, states.words)
        self._bar = tables.bars[OTHER]
        self._row = NO_ROW
        self._at = 0
        self._fails = False
        self.sent = 0
        self._open: list[State] = []  # the values under way, oldest first
        self._begins: list[int] = []  # where they begin
        self._pending: list[Match] = []  # the right boundary is not clear yet
        self._matches: list[Match] = []  # complete, but an older or longer value may still win
        self._swallowing: list[State] = []  # replaced already, and still going on

    def look_at(self, before: str, /) -> int:
        """Take *before*, which stands before the text, for contexts and left boundaries alone."""
        for char in before:
            kind = self._states.tables.kinds[char]
            self._announced.holding(kind, self._at)
            self._leave(kind)
        self.sent = self._at
        return self.sent

    def take(self, text: str, judge: Judge, /) -> int:
        """Take the next *text*; return the offset before which nothing waits any more."""
        self._begin()
        kinds = self._states.tables.kinds
        for char in text:
            kind = kinds[char]
            mask = self._announced.holding(kind, self._at)
            if kind != SKIPPED:
                self._take(kind, mask, judge)
            self._leave(kind)
        self.sent = self._first_held()
        self._fails = False
        return self.sent

    def finish(self, judge: Judge, /) -> int:
        """End the text, so that whatever matches now is final; return the offset of its end."""
        self._begin()
        self._open, self._begins, self._swallowing = [], [], []
        pending, self._pending = self._pending, []
        for match in pending:
            if not self._states.tables.detectors[match.order].followed_by:
                self._add(match)
        self._settle(judge)
        self.sent = self._at
        self._fails = False
        return self.sent

    def skip(self) -> int:
        """Take all text so far as one that is not to be sent."""
        self.sent = self._at
        self._clip()
        return self.sent

    def needed(self) -> int:
        """Return the offset before which no value reaches back."""
        begins = [match.begin for match in (*self._pending, *self._matches)]
        return min([self.sent, *self._holds(self._at), *begins])

    def under_way(self) -> int:
        """Return how many values are open, complete or swallowed: what the next step looks at."""
        spelled = len(self._pending) + len(self._matches)
        return len(self._open) + spelled + len(self._swallowing)

    def _begin(self) -> None:
        if self._fails:
            raise RuntimeError("a walk that failed cannot go on")
        self._fails = True  # until it is done

    def _leave(self, kind: int) -> None:
        """Go on behind a character of *kind*."""
        self._announced.take(kind, self._at)
        self._at += 1
        if kind != SKIPPED:
            self._bar = self._states.tables.bars[kind]
            self._row = self._states.next_row(self._row, kind)

    def _take(self, kind: int, mask: int, judge: Judge) -> None:
        """Take one character of *kind*, where the contexts in *mask* hold."""
        if self._pending:
            self._look_ahead(kind)
        if self._swallowing:
            self._swallow(kind, judge)
        started = self._states.entry(self._bar, mask, self._row)[kind]
        if self._open or started is not None:
            self._step(kind, started)
            if any(state.ends for state in self._open):
                self._accept(judge)
        if self._matches:
            self._settle(judge)

    def _look_ahead(self, kind: int) -> None:
        """Show the next character to the values whose right boundary is not clear yet."""
        waiting: list[Match] = []
        for match in self._pending:
            boundary = match.boundary[kind] if match.boundary is not None else None
            if boundary is not None and not boundary.ends:
                match.boundary = boundary
                waiting.append(match)
            elif (boundary is not None) == bool(
                self._states.tables.detectors[match.order].followed_by
            ):
                self._add(match)
        self._pending = waiting

    def _swallow(self, kind: int, judge: Judge) -> None:
        """Drop the next character if it continues a value that was replaced already."""
        followings = [state[kind] for state in self._swallowing]
        self._swallowing = [state for state in followings if state is not None]
        if any(state.ends for state in self._swallowing):
            self.sent = self._at + 1
            judge.drop(self.sent)
            self._clip()

    def _step(self, kind: int, started: State | None) -> None:
        """Take the open values one character further; *started* is the one that begins with it."""
        states: list[State] = []
        begins: list[int] = []
        for state, begin in zip(self._open, self._begins, strict=True):
            following = state[kind]
            if following is None or (following.merges and following in states):
                continue
            states.append(following)
            # The beginning of a lead is fixed when it ends.
            is_over = state.lead_limit and not following.lead_limit
            begins.append(max(begin, self._at - state.lead_limit) if is_over else begin)
        if started is not None and not (started.merges and started in states):
            states.append(started)
            begins.append(self._at)
        self._open, self._begins = states, begins

    def _accept(self, judge: Judge) -> None:
        """Take note of the values that are spelled up to here."""
        over: list[int] = []
        for place, state in enumerate(self._open):
            early = self._is_due(place) and self._is_oldest(place, judge)
            for order in state.ends:
                if not early:
                    self._spelled(self._begins[place], order)
                elif self._states.tables.detectors[order].tail and judge.agrees(
                    order, self._begins[place], self._at + 1
                ):
                    self._commit(order, (self._begins[place], self._at + 1), judge)
                    self._swallowing.append(state)
                    break
            if early:  # replaced, or refused for good: what may follow has no end
                over.append(place)
        if over:
            self._open = [s for place, s in enumerate(self._open) if place not in over]
            self._begins = [b for place, b in enumerate(self._begins) if place not in over]

    def _is_due(self, place: int) -> bool:
        """Say whether the open value at *place*, which is spelled, has waited for longer ones."""
        state = self._open[place]
        if state.tailed or not state.ends:
            return state.tailed and bool(state.ends)
        detectors = self._states.tables.detectors
        waited = self._at + 1 - self._begins[place] > LONGEST_UNDECIDED
        return waited and any(detectors[order].tail for order in state.ends)

    def _spelled(self, begin: int, order: int) -> None:
        """Take note of one value, which may have to wait for its right boundary."""
        certain = self._states.tables.detectors[order].check is None
        match = Match(begin, self._at + 1, order, certain=certain)
        match.boundary = self._states.boundaries.get(order)
        if match.boundary is not None:
            self._pending.append(match)
        else:
            self._add(match)

    def _is_oldest(self, place: int, judge: Judge) -> bool:
        """Say whether no other value that may count begins before the open one at *place*."""
        hold = max(self._begins[place], self.sent)
        if any(max(begin, self.sent) < hold for begin in self._holds(self._at + 1)):
            return False
        if any(match.held_from(self.sent) < hold for match in self._pending):
            return False
        for match in [m for m in self._matches if m.held_from(self.sent) < hold]:
            if match.certain or judge.agrees(match.order, match.begin, match.end):
                match.certain = True
                return False
            self._matches.remove(match)
        return True

    def _add(self, match: Match) -> None:
        """Keep *match* if it can still matter."""
        if match.end > self.sent:
            self._matches = with_match(self._matches, match, self.sent)

    def _settle(self, judge: Judge) -> None:
        """Replace the leftmost, then longest values that nothing older can still override.

        Only then is a value checked: most that are spelled are parts of longer ones.
        """
        while self._matches:
            best = first_of(self._matches, self.sent)
            begins = [*self._holds(self._at + 1), *[match.begin for match in self._pending]]
            if begins and max(min(begins), self.sent) <= best.held_from(self.sent):
                return
            if best.certain or judge.agrees(best.order, best.begin, best.end):
                self._commit(best.order, (best.begin, best.end), judge)
            else:
                self._matches.remove(best)

    def _commit(self, order: int, span: tuple[int, int], judge: Judge) -> None:
        begin, self.sent = span
        judge.replace(order, begin, self.sent)
        self._clip()

    def _clip(self) -> None:
        """Forget what lies before what is sent; of what reaches beyond, only the rest counts.

        A value that overlaps a replaced one is not given up: its rest is replaced too.
        """
        self._matches = [match for match in self._matches if match.end > self.sent]
        self._pending = [match for match in self._pending if match.end > self.sent]

    def _holds(self, end: int) -> list[int]:
        """Return from where the open values wait, the text being read to *end*.

        Of a lead that is longer than its limit the beginning does not wait.
        """
        return [
            max(begin, end - state.lead_limit) if state.lead_limit else begin
            for begin, state in zip(self._begins, self._open, strict=True)
        ]

    def _first_held(self) -> int:
        if self._swallowing:
            return self.sent
        begins = [match.begin for match in (*self._pending, *self._matches)]
        return max(min([self._at, *self._holds(self._at), *begins]), self.sent)
