"""The scrubber of one stream of text: a state machine that sees one character at a time.

Its state depends on the characters alone and never on how they were cut, so the output, joined, is
the same for every chunking, and scrubbing a whole text is the same machine fed at once. Text leaves
as soon as no pattern can reach back to it.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.actions import PLACEHOLDERS, Actions
from gateway.core.pii.context import Announcements
from gateway.core.pii.detector import CONTEXT_LENGTH, LONGEST_GAP
from gateway.core.pii.folding import INVISIBLE, MAX_INVISIBLE_RUN, fold
from gateway.core.pii.front import Front, freeze
from gateway.core.pii.machine import Machine
from gateway.core.pii.matches import Finding, Match, covers, first_of, with_candidate
from gateway.core.pii.reading import Reader
from gateway.core.pii.shipped import shipped_machine
from gateway.core.pii.state import State
from gateway.core.pii.window import Window

# Text kept behind the scan: what contexts and checks may look at, whatever invisible signs stand
# in between.
_KEPT: Final = LONGEST_GAP + CONTEXT_LENGTH + MAX_INVISIBLE_RUN
# Cutting the buffer moves every offset; doing it seldom is cheaper than copying a little more.
_CUT_AT: Final = 512

# Text is taken in stretches: to stop early never wastes a copy of a long one, and only the words of
# a short one are under way.
_STRETCH: Final = 256


class StreamScrubber:
    """Replace personal data in a stream whose chunk borders are arbitrary.

    The output, joined, is the same for every way of cutting the input. Text once returned is final:
    the client may already have shown it. Memory is bounded whatever the text.

    *before* is text that stands before the stream without belonging to it, such as the name of the
    field; contexts and checks may look at it. *actions* says what replaces a value. *continued* is
    text that the stream goes on from, such as a prompt: a value that begins in it and ends in the
    stream is found, and of it the part in the stream is replaced; nothing of *continued* comes out.
    *machine* holds the detectors, by default all that come with the gateway. *explains*
    keeps what was replaced for :meth:`findings`.
    """

    __slots__ = (
        "_announced",
        "_begins",
        "_candidates",
        "_front",
        "_machine",
        "_pending",
        "_reader",
        "_swallowing",
        "_window",
    )

    def __init__(
        self,
        *,
        machine: Machine | None = None,
        before: str = "",
        actions: Actions = PLACEHOLDERS,
        continued: str = "",
        explains: bool = False,
    ) -> None:
        self._machine = machine = machine or shipped_machine()
        self._reader = Reader()
        self._window = Window(actions, before=before[-_KEPT:], explains=explains)
        self._announced = Announcements(machine.keywords, machine.reaches)
        self._front = machine.first_front
        self._begins: list[int] = []  # where the values of the front begin, oldest first
        self._pending: list[Match] = []  # the right boundary is not clear yet
        self._candidates: list[Match] = []  # valid, but an older or longer value may still win
        self._swallowing: list[State] = []  # replaced already, and still going on
        if before:
            self._announced.watch(self._window.text, 0)
            self._front = machine.front_after(self._window.text)
        if continued:
            self._take(*self._reader.feed(continued))
            self._take(*self._reader.finish())
            self._window.forget_all()
            self._clip()

    def feed(self, delta: str) -> str:
        """Accept the next *delta*; return what is now safe to send, often nothing.

        Raises ``AnswerBlocked`` if an action says so; nothing more may be sent then.
        """
        read, written = self._reader.feed(delta)
        self._take(read, written)
        window = self._window
        until = len(window.text)
        if self._begins or self._pending or self._candidates or self._swallowing:
            until = self._first_held()
        released = window.release(until)
        if len(window.text) > _CUT_AT:
            self._cut()
        return released

    def finish(self) -> str:
        """Return the rest. The stream is over, so whatever matches now is final."""
        self._take(*self._reader.finish())
        self._begins.clear()
        self._front = self._machine.first_front
        self._swallowing.clear()
        pending, self._pending = self._pending, []
        for match in pending:
            if not match.detector.followed_by:
                self._check(match)
        self._settle(len(self._window.text))
        return self._window.release(len(self._window.text))

    def held(self) -> int:
        """Return how many characters wait, as they are read."""
        return len(self._window.text) - self._window.sent + self._reader.held()

    def findings(self) -> list[Finding]:
        """Return what was replaced since the last call, in the order of the text."""
        return self._window.take_findings()

    def _take(self, read: str, written: dict[int, str] | None) -> None:
        window = self._window
        at = len(window.text)
        if written:
            window.add(read, written)
        else:
            window.text += read
        if len(read) <= _STRETCH:
            self._follow(read, at)
        else:
            for start in range(0, len(read), _STRETCH):
                self._follow(read[start : start + _STRETCH], at + start)

    def _follow(self, stretch: str, at: int) -> None:
        """Take a *stretch* of text, which begins at offset *at*, context by context."""
        announced = self._announced
        announced.watch(stretch, at)
        end = at + len(stretch)
        while at < end:
            mask, until = 0, end
            if announced.words:
                mask, until = announced.holding(at, self._window.text)
                until = min(until, end)
            front = self._front
            if front.mask != mask:
                self._front = self._machine.front(front.profile, mask, front.states)
            at = self._scan(at, until)

    def _scan(self, at: int, until: int) -> int:
        """Take the text from offset *at* until *until*, or less; return the offset to go on from.

        Nearly all text goes through the loop at the end, so that one is written out.
        """
        text = self._window.text
        if self._pending or self._candidates or self._swallowing:
            self._step(text[at], at + 1)
            return at + 1
        front, begins = self._front, self._begins
        for char in text[at:until]:
            step = front[char]
            at += 1
            if step is None:
                continue
            if type(step) is Front:
                front = step
                continue
            front, kept, frozen, starts, accepts = step
            if frozen:
                freeze(begins, frozen, at - 1)
            if kept is not None:
                begins[:] = [begins[place] for place in kept] if kept else kept
            if starts:
                begins.append(at - 1)
            if accepts:
                self._front = front
                self._accept(at)
                return at
        self._front = front
        return until

    def _step(self, char: str, end: int) -> None:
        """Take one character while values wait for it, or are still being swallowed."""
        if char in INVISIBLE:
            return
        kind = self._machine.kinds[char]
        if self._pending:
            self._look_ahead(kind)
        if self._swallowing:
            self._swallow(kind, end)
        step = self._front[char]
        if isinstance(step, Front):
            self._front = step
        elif step is not None:
            step.move(self._begins, end - 1)
            self._front = step.front
            if step.accepts:
                self._accept(end)
        if self._candidates:
            self._settle(end)

    def _look_ahead(self, kind: int) -> None:
        """Show the next character to the values whose right boundary is not clear yet."""
        waiting: list[Match] = []
        for match in self._pending:
            boundary = match.boundary[kind] if match.boundary is not None else None
            if boundary is not None and not boundary.ended:
                match.boundary = boundary
                waiting.append(match)
            elif (boundary is not None) == bool(match.detector.followed_by):
                self._check(match)
        self._pending = waiting

    def _swallow(self, kind: int, end: int) -> None:
        """Drop the next character if it continues a value that was replaced already."""
        followings = [state[kind] for state in self._swallowing]
        going_on = [state for state in followings if state is not None]
        self._swallowing = going_on
        if any(state.accepts for state in going_on):
            self._window.drop(end)
            self._clip()

    def _accept(self, end: int) -> None:
        """Take note of the values that are spelled up to *end*."""
        over: list[int] = []
        for place, state in enumerate(self._front.states):
            early = state.tailed and state.accepts and self._is_oldest(place, end)
            for accept in state.accepts:
                match = Match(self._begins[place], end, accept)
                if accept.boundary is not None:
                    self._pending.append(match)
                elif not early:
                    self._check(match)
                elif self._agrees(match):
                    self._commit(match)
                    self._swallowing.append(state)
                    break
            if early:  # replaced, or refused for good: what may follow has no end
                over.append(place)
        if over:
            self._front = self._front.without(over)
            left = [begin for place, begin in enumerate(self._begins) if place not in over]
            self._begins[:] = left
        if self._candidates:
            self._settle(end)

    def _is_oldest(self, place: int, end: int) -> bool:
        """Say whether no other open value begins before that of *place*."""
        sent = self._window.sent
        hold = max(self._begins[place], sent)
        others = [*self._pending, *self._candidates]
        return all(
            max(begin, sent) >= hold for begin in self._front.holds(self._begins, end)
        ) and all(match.held_from(sent) >= hold for match in others)

    def _check(self, match: Match) -> None:
        """Make *match* a candidate if its detector's check agrees and it can still matter."""
        sent = self._window.sent
        if match.end <= sent or any(covers(other, match, sent) for other in self._candidates):
            return
        if self._agrees(match):
            self._candidates = with_candidate(self._candidates, match, sent)

    def _agrees(self, match: Match) -> bool:
        check = match.detector.check
        if check is None:
            return True
        text = self._window.text
        before = fold(text[max(0, match.begin - CONTEXT_LENGTH) : match.begin])
        return check(match.detector.read(fold(text[match.begin : match.end])), before)

    def _settle(self, end: int) -> None:
        """Replace the leftmost, then longest candidates that nothing older can still override.

        The text is read up to *end*.
        """
        window, begins, candidates = self._window, self._begins, self._candidates
        if (
            len(candidates) == 1
            and begins
            and not self._front.has_lead
            and max(begins[0], window.sent) <= candidates[0].held_from(window.sent)
        ):
            return  # the usual case: a value that is still getting longer
        while self._candidates:
            best = first_of(self._candidates, window.sent)
            hold = best.held_from(window.sent)
            if any(
                max(begin, window.sent) <= hold for begin in self._front.holds(self._begins, end)
            ):
                return
            if any(match.held_from(window.sent) <= hold for match in self._pending):
                return
            self._commit(best)

    def _commit(self, match: Match) -> None:
        value = match.detector.read(fold(self._window.text[match.begin : match.end]))
        self._window.replace(match, value)
        self._clip()

    def _clip(self) -> None:
        """Forget what lies before what is sent; of what reaches beyond, only the rest counts.

        A value that overlaps a replaced one is not given up: its rest is replaced too.
        """
        sent = self._window.sent
        self._candidates = [match for match in self._candidates if match.end > sent]
        self._pending = [match for match in self._pending if match.end > sent]

    def _first_held(self) -> int:
        """Return the offset from which on text must wait."""
        window = self._window
        if self._swallowing:
            return window.sent
        begins = self._begins
        if len(begins) == 1 and not self._pending and not self._candidates:
            first, limit = begins[0], self._front.states[0].lead_limit
            if limit:
                first = max(first, len(window.text) - limit)
        else:
            matches = (*self._pending, *self._candidates)
            first = min(
                [*self._front.holds(begins, len(window.text)), *[match.begin for match in matches]]
            )
        return max(first, window.sent)

    def _cut(self) -> None:
        """Drop the text that neither a value nor a check can reach any more."""
        matches = (*self._pending, *self._candidates)
        begins = self._front.holds(self._begins, len(self._window.text))
        first = min([self._window.sent, *begins, *[match.begin for match in matches]]) - _KEPT
        if first <= 0:
            return
        self._window.cut(first)
        self._announced.shift(first)
        self._begins[:] = [begin - first for begin in self._begins]
        for match in matches:
            match.begin -= first
            match.end -= first


def scrub(text: str) -> str:
    """Return *text* with personal data replaced, exactly as a stream of it would be."""
    scrubber = StreamScrubber()
    return scrubber.feed(text) + scrubber.finish()
