"""The scrubber of one stream of text: a state machine that sees one character at a time.

Its state depends on the characters alone and never on how they were cut, so the output, joined, is
the same for every chunking, and scrubbing a whole text is the same machine fed at once. Text leaves
as soon as no pattern can reach back to it.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.core.pii.detector import CONTEXT_LENGTH
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.folding import INVISIBLE, MAX_INVISIBLE_RUN, InvisibleLimiter, fold
from gateway.core.pii.machine import Machine, State
from gateway.core.pii.matches import Match, Thread, all_from, has_twin, is_covered, not_covered

# Text kept behind the scan: what checks may look at, and the last visible character whatever
# invisible ones stand after it.
_KEPT: Final = CONTEXT_LENGTH + MAX_INVISIBLE_RUN + 1
# Cutting the buffer moves every offset; doing it seldom is cheaper than copying a little more.
_CUT_AT: Final = 512

_MACHINE: Final = Machine(DETECTORS)
_LETTER: Final = re.compile("[a-z\x80-\U0010ffff]")


class StreamScrubber:
    """Replace personal data in a stream whose chunk borders are arbitrary.

    The output, joined, is the same for every way of cutting the input. Text once returned is final:
    the client may already have shown it. Memory is bounded whatever the text.

    *before* is text that stands before the stream without belonging to it, such as the name of the
    field; checks may look at its last ``CONTEXT_LENGTH`` characters. *placeholder* is the form in
    which a label is shown, with ``{}`` for the label. *continued* is text that the stream goes on
    from, such as a prompt: a value that begins in it and ends in the stream is found, and of it the
    part in the stream is replaced; nothing of *continued* comes out.
    """

    __slots__ = (
        "_candidates",
        "_limiter",
        "_machine",
        "_out",
        "_pending",
        "_placeholder",
        "_previous",
        "_sent",
        "_text",
        "_threads",
    )

    def __init__(
        self,
        *,
        machine: Machine = _MACHINE,
        before: str = "",
        placeholder: str = "[{}]",
        continued: str = "",
    ) -> None:
        self._machine = machine
        self._placeholder = placeholder
        self._limiter = InvisibleLimiter()
        self._text = before[-_KEPT:]
        self._sent = len(self._text)  # everything before this offset is out or replaced
        self._previous = ""  # the last visible character; kept only while something is open
        self._threads: list[Thread] = []  # oldest first
        self._pending: list[Match] = []  # the right boundary is not clear yet
        self._candidates: list[Match] = []  # valid, but an older or longer value may still win
        self._out: list[str] = []
        if continued:
            self._text += self._limiter.feed(continued)
            self._scan(self._sent)
            self._out.clear()
            self._sent = len(self._text)
            self._clip(self._sent)

    def feed(self, delta: str) -> str:
        """Accept the next *delta*; return what is now safe to send, often nothing."""
        delta = self._limiter.feed(delta)
        at = len(self._text)
        self._text += delta
        self._scan(at)
        return self._release(self._first_held())

    def finish(self) -> str:
        """Return the rest. The stream is over, so whatever matches now is final."""
        self._threads.clear()
        pending, self._pending = self._pending, []
        for match in pending:
            self._check(match)
        self._settle()
        return self._release(len(self._text))

    def _scan(self, at: int) -> None:
        """Take the text from offset *at* on, by the quickest of three ways that do the same."""
        size = len(self._text)
        while at < size:
            if self._pending or self._candidates or len(self._threads) > 1:
                self._step(self._text[at], at + 1)
                at += 1
            elif self._threads:
                at = self._follow(self._threads[0], at)
            else:
                at = self._seek(at)

    def _seek(self, at: int) -> int:
        """Jump to where the next value might begin; return the offset to go on from."""
        found = self._machine.search_start(self._text, at)
        if found is None:
            return len(self._text)
        at = found.start()
        self._previous = self._visible_before(at)
        self._step(self._text[at], at + 1)
        return at + 1

    def _follow(self, thread: Thread, at: int) -> int:
        """Follow the only *thread* until it ends or gets company; return the offset to go on from.

        This is where most text of a language with Latin letters goes, so it saves every look-up
        that it can.
        """
        text, previous, state = self._text, self._previous, thread.state
        starts = self._machine.starts
        size = len(text)
        while at < size:
            run = state.run
            if run is not None and previous in run.chars and (stretch := run.match(text, at)):
                at = stretch.end()
                previous = text[at - 1]
                self._shorten(thread, at)
                continue
            char = text[at]
            following = state[char]
            if (
                starts[previous][char] is not None
                or (following is not None and following.accepts)
                or char in INVISIBLE
            ):
                self._previous = previous
                self._step(char, at + 1)
                return at + 1
            at += 1
            previous = char
            if following is None:
                self._threads.clear()
                break
            state = thread.state = following
            if state.lead_limit:
                self._shorten(thread, at)
        self._previous = previous
        return at

    def _visible_before(self, at: int) -> str:
        text = self._text
        while at > 0:
            at -= 1
            if text[at] not in INVISIBLE:
                return text[at]
        return ""

    def _step(self, char: str, end: int) -> None:
        """Let every possible value take the character *char*, which ends at offset *end*."""
        if char in INVISIBLE:
            return
        if self._pending:
            self._look_ahead(char)
        alive = self._advance(char, end)
        state = self._start(char, end - 1)
        if state is not None and not has_twin(state, alive):
            alive.append(Thread(end - 1, state))
        self._previous = char
        self._threads = alive
        for thread in alive:
            if thread.state.accepts:
                self._accept(thread, end)
        if self._candidates:
            self._settle()

    def _advance(self, char: str, end: int) -> list[Thread]:
        """Return the threads that survive the character *char*; this is where hard text goes."""
        alive: list[Thread] = []
        for thread in self._threads:
            state = thread.state[char]
            if state is None or (state.merges and has_twin(state, alive)):
                continue
            thread.state = state
            alive.append(thread)
            if state.lead_limit:
                self._shorten(thread, end)
        return alive

    def _start(self, char: str, begin: int) -> State | None:
        """Return the state of a value that begins with *char* at offset *begin*, if any can."""
        state = self._machine.starts[self._previous][char]
        if state is None or not state.gated or self._is_announced(begin):
            return state
        return self._machine.quiet_starts[self._previous][char]

    @staticmethod
    def _shorten(thread: Thread, end: int) -> None:
        """Let go of the oldest characters of a lead that is longer than its limit."""
        begin = end - thread.state.lead_limit
        if begin > thread.begin:
            thread.begin = begin
            thread.hold = max(thread.hold, begin)

    def _look_ahead(self, char: str) -> None:
        """Show the next character to the values whose right boundary is not clear yet."""
        waiting: list[Match] = []
        for match in self._pending:
            boundary = match.boundary[char] if match.boundary is not None else None
            if boundary is None:
                self._check(match)
            elif not boundary.accepts:
                match.boundary = boundary
                waiting.append(match)
        self._pending = waiting

    def _accept(self, thread: Thread, end: int) -> None:
        """Take note that *thread* spells a value up to *end*."""
        for detector, boundary in thread.state.accepts:
            if thread.swallows:
                self._sent = thread.begin = end
                self._clip(end)
                continue
            match = Match(thread, end, detector)
            if boundary is not None:
                match.boundary = boundary
                self._pending.append(match)
            elif thread.state.sole is detector and self._is_oldest(thread):
                self._commit(match)
                thread.swallows = True
                thread.begin = end
            else:
                self._check(match)

    def _context(self, begin: int) -> str:
        """Return the folded text before offset *begin*, as far as a check may look."""
        return fold(self._text[max(0, begin - CONTEXT_LENGTH) : begin])

    def _is_announced(self, begin: int) -> bool:
        """Say whether a word that some detector waits for stands before offset *begin*."""
        before = self._context(begin)
        if _LETTER.search(before) is None:  # as in a row of numbers: no word to look for
            return False
        return any(map(before.__contains__, self._machine.words))

    def _is_oldest(self, thread: Thread) -> bool:
        return all(other.hold >= thread.hold for other in self._open_items())

    def _check(self, match: Match) -> None:
        """Make *match* a candidate if its detector's check agrees and it can still matter."""
        if is_covered(match, self._candidates):
            return
        check, words = match.detector.check, match.detector.words
        if check is not None or words:
            before = self._context(match.begin)
            if words and not any(word in before for word in words):
                return
            if check is not None and not check(fold(self._text[match.begin : match.end]), before):
                return
        self._candidates = [*not_covered(self._candidates, match), match]

    def _settle(self) -> None:
        """Replace the leftmost, then longest candidates that nothing older can still override."""
        while self._candidates:
            if self._threads and all_from(self._threads[0].hold, self._candidates):
                return  # the usual case, told from the oldest thread alone
            best = min(self._candidates, key=lambda match: (match.hold, -match.end))
            if any(thread.hold <= best.hold for thread in self._threads):
                return
            if any(match.hold <= best.hold for match in self._pending):
                return
            self._commit(best)

    def _commit(self, match: Match) -> None:
        self._out.append(self._text[self._sent : match.hold])
        self._out.append(self._placeholder.format(match.detector.label))
        self._sent = match.end
        self._clip(match.end)

    def _clip(self, end: int) -> None:
        """Forget what lies before *end*; of what reaches beyond, only the rest counts.

        A value that overlaps a replaced one is not given up: its rest is replaced too.
        """
        self._candidates = [match for match in self._candidates if match.end > end]
        self._pending = [match for match in self._pending if match.end > end]
        for item in self._open_items():
            item.hold = max(item.hold, end)

    def _first_held(self) -> int:
        """Return the offset from which on text must wait."""
        if self._pending or self._candidates or len(self._threads) > 1:
            return min([item.hold for item in self._open_items()])
        return self._threads[0].hold if self._threads else len(self._text)

    def _open_items(self) -> list[Thread | Match]:
        return [*self._threads, *self._pending, *self._candidates]

    def _release(self, end: int) -> str:
        out = self._out
        if end > self._sent:
            out.append(self._text[self._sent : end])
            self._sent = end
        released = "".join(out)
        out.clear()
        if len(self._text) > _CUT_AT:
            self._cut()
        return released

    def _cut(self) -> None:
        """Drop the text that neither a value nor a check can reach any more."""
        items = self._open_items()
        first = min([self._sent, *[item.begin for item in items]]) - _KEPT
        if first <= 0:
            return
        self._text = self._text[first:]
        self._sent -= first
        for item in items:
            item.begin -= first
            item.hold -= first
            if isinstance(item, Match):
                item.end -= first


def scrub(text: str) -> str:
    """Return *text* with personal data replaced, exactly as a stream of it would be."""
    scrubber = StreamScrubber()
    return scrubber.feed(text) + scrubber.finish()
