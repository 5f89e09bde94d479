"""The stretch of text that a scrubber still needs, and what has become of it.

The text is kept as it is read; where something else was written, that is kept beside it, and it is
what goes out if the place is not replaced.
"""

from __future__ import annotations

from gateway.core.pii.actions import Actions
from gateway.core.pii.matches import Finding, Match


class Window:
    """A part of a text. Everything before the offset *sent* is out or replaced.

    *before* is text in front that is only looked at. *explains* keeps what was replaced for
    :meth:`take_findings`.
    """

    __slots__ = (
        "_actions",
        "_explains",
        "_findings",
        "_out",
        "_passed",
        "_written",
        "sent",
        "text",
    )

    def __init__(self, actions: Actions, *, before: str = "", explains: bool = False) -> None:
        self.text = before
        self.sent = len(before)
        self._actions = actions
        self._explains = explains
        self._written: dict[int, str] = {}
        self._out: list[str] = []
        self._findings: list[Finding] = []
        self._passed = -len(before)  # the place in the input at which the text begins

    def add(self, read: str, written: dict[int, str] | None) -> None:
        """Add what was *read*; *written* is, by offset in it, what stood there instead."""
        if written:
            size = len(self.text)
            self._written.update({size + at: source for at, source in written.items()})
        self.text += read

    def replace(self, match: Match, value: str) -> None:
        """Put the action's text in the place of *match*, as far as it is not out yet."""
        start = match.held_from(self.sent)
        self._show(start)
        detector = match.detector
        self._out.append(self._actions.replace(detector.label, value))
        if self._explains:
            place, end = self._place(start), self._place(match.end)
            self._findings.append(Finding(detector.label, detector.rule, place, end))
        self.sent = match.end

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
            released = self.text[self.sent : until]
            self.sent = until
            return released
        if until > self.sent:
            self._show(until)
            self.sent = until
        released = "".join(self._out)
        self._out.clear()
        return released

    def forget_all(self) -> None:
        """Take all text so far as one that never comes out."""
        self._out.clear()
        self._findings.clear()
        self.sent = len(self.text)
        self._passed = 0
        self._passed = -self._place(self.sent)

    def cut(self, first: int) -> None:
        """Drop the text before offset *first*; all offsets become smaller by that."""
        self._passed = self._place(first)
        self.text = self.text[first:]
        self.sent -= first
        self._written = {at - first: w for at, w in self._written.items() if at >= first}

    def take_findings(self) -> list[Finding]:
        """Return what was replaced since the last call; places are those in the input."""
        found, self._findings = self._findings, []
        return found

    def _show(self, until: int) -> None:
        if self._written:
            self._out += [self._written.get(at, self.text[at]) for at in range(self.sent, until)]
        else:
            self._out.append(self.text[self.sent : until])

    def _place(self, offset: int) -> int:
        """Return the place in the input of the character at *offset*."""
        extra = sum([len(w) - 1 for at, w in self._written.items() if at < offset])
        return self._passed + offset + extra
