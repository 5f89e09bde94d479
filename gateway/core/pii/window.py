"""The stretch of text that a scrubber still needs, and what has become of it.

The text is kept as it is read; where something else was written, that is kept beside it, and it is
what goes out if the place is not replaced.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.pii.actions import Actions
from gateway.core.pii.detector import CONTEXT_LENGTH, Detector
from gateway.core.pii.folding import fold
from gateway.core.pii.matches import Finding


class Window:
    """A part of a *text*, and the judge of a walk over it. What is before *sent* is gone already.

    All offsets count from the beginning of the text; ``cut`` drops what is not needed any more, and
    nothing before that may be asked for. *before* is text in front that is only looked at.
    *explains* keeps what was replaced for :meth:`take_findings`.
    """

    __slots__ = (
        "_actions",
        "_detectors",
        "_explains",
        "_findings",
        "_first",
        "_judged",
        "_out",
        "_shift",
        "_written",
        "sent",
        "text",
    )

    def __init__(
        self,
        detectors: Sequence[Detector],
        actions: Actions,
        *,
        before: str = "",
        explains: bool = False,
    ) -> None:
        self.sent = len(before)
        self._detectors = detectors
        self._actions = actions
        self._explains = explains
        self._first = 0  # the offset at which what is kept begins
        self.text = before
        self._written: dict[int, str] = {}
        self._out: list[str] = []
        self._findings: list[Finding] = []
        self._judged = (0, 0, 0), ""  # the last value that a check was asked about, and its text
        self._shift = -len(before)  # what makes an offset a place in the input, but for _written

    @property
    def end(self) -> int:
        """The offset at which the text ends so far."""
        return self._first + len(self.text)

    def add(self, read: str, written: dict[int, str] | None) -> None:
        """Add what was *read*; *written* is, by offset in it, what stood there instead."""
        if written:
            end = self.end
            self._written.update({end + at: source for at, source in written.items()})
        self.text += read

    def agrees(self, order: int, begin: int, end: int) -> bool:
        """Say whether the check of the detector number *order* lets this value count."""
        detector = self._detectors[order]
        if detector.check is None:
            return True
        value = self._value(order, begin, end)
        self._judged = (order, begin, end), value
        begin -= self._first
        return detector.check(value, fold(self.text[max(0, begin - CONTEXT_LENGTH) : begin]))

    def replace(self, order: int, begin: int, end: int) -> None:
        """Put the action's text in the place of this value, as far as it is not out yet.

        Raises ``AnswerBlocked`` if the action says so.
        """
        detector = self._detectors[order]
        start = max(begin, self.sent)
        self._show(start)
        judged, value = self._judged
        if judged != (order, begin, end):
            value = self._value(order, begin, end)
        self._out.append(self._actions.replace(detector.label, value))
        if self._explains:
            place, after = self._place(start), self._place(end)
            self._findings.append(Finding(detector.label, detector.rule, place, after))
        self.sent = end

    def drop(self, until: int) -> None:
        """Leave out the text before *until*: it goes on a value that was replaced before."""
        if self._findings:
            last = self._findings[-1]
            self._findings[-1] = last._replace(end=self._place(until))
        self.sent = max(self.sent, until)

    def release(self, until: int) -> str:
        """Return what is ready to go, with the text before *until*."""
        if not self._out and not self._written:  # as in most text
            if until <= self.sent:
                return ""
            released = self.text[self.sent - self._first : until - self._first]
            self.sent = until
            return released
        if until > self.sent:
            self._show(until)
            self.sent = until
        released = "".join(self._out)
        self._out.clear()
        return released

    def forget_all(self) -> None:
        """Take all text so far as one that never comes out; places in the input begin behind it."""
        self._out.clear()
        self._findings.clear()
        self.sent = self.end
        self._shift -= self._place(self.sent)

    def cut(self, first: int) -> None:
        """Drop the text before the offset *first*."""
        if first > self._first:
            self._shift += sum([len(w) - 1 for at, w in self._written.items() if at < first])
            self._written = {at: w for at, w in self._written.items() if at >= first}
            self.text = self.text[first - self._first :]
            self._first = first

    def take_findings(self) -> list[Finding]:
        """Return what was replaced since the last call; places are those in the input."""
        found, self._findings = self._findings, []
        return found

    def _value(self, order: int, begin: int, end: int) -> str:
        folded = fold(self.text[begin - self._first : end - self._first])
        return self._detectors[order].read(folded)

    def _show(self, until: int) -> None:
        if until <= self.sent:
            return
        shown = self.text[self.sent - self._first : until - self._first]
        if self._written:
            written = self._written
            self._out += [written.get(at, char) for at, char in enumerate(shown, self.sent)]
        else:
            self._out.append(shown)

    def _place(self, offset: int) -> int:
        """Return the place in the input of the character at *offset*."""
        extra = sum([len(w) - 1 for at, w in self._written.items() if at < offset])
        return self._shift + offset + extra
