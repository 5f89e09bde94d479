"""The scrubber of one stream of text: a state machine that sees one character at a time.

Its state depends on the characters alone and never on how they were cut, so the output, joined, is
the same for every chunking, and scrubbing a whole text is the same machine fed at once. Text leaves
as soon as no pattern can reach back to it.
"""

from __future__ import annotations

from typing import Final

from gateway.core.pii.actions import PLACEHOLDERS, Actions
from gateway.core.pii.detector import CONTEXT_LENGTH, LONGEST_GAP
from gateway.core.pii.folding import MAX_INVISIBLE_RUN
from gateway.core.pii.machine import Machine
from gateway.core.pii.matches import Finding
from gateway.core.pii.reading import Reader
from gateway.core.pii.shipped import shipped_machine
from gateway.core.pii.window import Window

# Text kept before the oldest value: what contexts and checks may look at, whatever invisible signs
# stand in between.
_KEPT: Final = LONGEST_GAP + CONTEXT_LENGTH + MAX_INVISIBLE_RUN
# Cutting copies what is left; doing it seldom is cheaper than keeping a little more.
_CUT_AT: Final = 512


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

    __slots__ = ("_reader", "_walk", "_window")

    def __init__(
        self,
        *,
        machine: Machine | None = None,
        before: str = "",
        actions: Actions = PLACEHOLDERS,
        continued: str = "",
        explains: bool = False,
    ) -> None:
        machine = machine or shipped_machine()
        before = before[-_KEPT:]
        self._reader = Reader()
        self._window = Window(machine.detectors, actions, before=before, explains=explains)
        self._walk = machine.walk()
        if before:
            self._walk.look_at(before)
        if continued:
            for read, written in (self._reader.feed(continued), self._reader.finish()):
                self._window.add(read, written)
                self._walk.take(read, self._window)
            self._window.forget_all()
            self._walk.skip()

    def feed(self, delta: str) -> str:
        """Accept the next *delta*; return what is now safe to send, often nothing.

        Raises ``AnswerBlocked`` if an action says so; nothing more may be sent then.
        """
        window = self._window
        read, written = self._reader.feed(delta)
        window.add(read, written)
        released = window.release(self._walk.take(read, window))
        if len(window.text) > _CUT_AT:
            window.cut(self._walk.needed() - _KEPT)
        return released

    def finish(self) -> str:
        """Return the rest. The stream is over, so whatever matches now is final."""
        window = self._window
        if self._reader.held():
            read, written = self._reader.finish()
            window.add(read, written)
            self._walk.take(read, window)
        return window.release(self._walk.finish(window))

    def held(self) -> int:
        """Return how many characters wait, as they are read."""
        return self._window.end - self._window.sent + self._reader.held()

    def findings(self) -> list[Finding]:
        """Return what was replaced since the last call, in the order of the text."""
        return self._window.take_findings()


def scrub(text: str) -> str:
    """Return *text* with personal data replaced, exactly as a stream of it would be."""
    scrubber = StreamScrubber()
    return scrubber.feed(text) + scrubber.finish()
