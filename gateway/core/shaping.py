"""Blurs when and in what portions a stream leaves, against an observer who counts and times them.

Padding hides the size of a token, not that there was one. Two stronger forms, per client:

* **coalescing** collects what comes within some milliseconds into one portion. Fewer, later,
  coarser portions; number and rhythm of tokens become harder to read.
* **cells**: at a constant rate one portion of a constant size, filled with a comment where the
  model has said too little. Until the stream ends an observer learns nothing but that it goes on;
  the length of the whole answer still shows in how long it takes.

Both reduce the channel, neither removes it, and both cost delay. They work on complete server-sent
events, and what they add are comment lines, which every reader ignores (WHATWG HTML §9.2.6).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SHAPING_MS = 1000
CELL_BYTES = 1024
"""Size of a cell: a multiple of every sensible padding bucket, so padding adds nothing to it."""


@dataclass(frozen=True, slots=True)
class Shaping:
    """How a client's streams leave: at once, coalesced, or in cells. At most one of the two.

    ``ValueError`` for values outside 0 to 1000 ms, or for both at the same time.
    """

    coalesce_ms: int = 0
    cell_ms: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.coalesce_ms <= MAX_SHAPING_MS and 0 <= self.cell_ms <= MAX_SHAPING_MS):
            raise ValueError(f"shaping is between 0 and {MAX_SHAPING_MS} ms")
        if self.coalesce_ms and self.cell_ms:
            raise ValueError("a stream is either coalesced or sent in cells")

    def __str__(self) -> str:
        """Return the form that :func:`parse_shaping` reads."""
        if self.cell_ms:
            return f"cells:{self.cell_ms}"
        return f"coalesce:{self.coalesce_ms}" if self.coalesce_ms else "none"

    def new_shaper(self) -> Coalescer | CellShaper | None:
        """Return what shapes one stream, or None when everything leaves at once."""
        if self.cell_ms:
            return CellShaper(self.cell_ms / 1000)
        if self.coalesce_ms:
            return Coalescer(self.coalesce_ms / 1000)
        return None


AT_ONCE = Shaping()
"""No shaping: every piece leaves when it is there."""


def parse_shaping(text: str) -> Shaping:
    """Return the shaping that *text* names: ``none``, ``coalesce:MS`` or ``cells:MS``.

    Raises ``ValueError`` for anything else.
    """
    kind, _, milliseconds = text.partition(":")
    if text == "none":
        return AT_ONCE
    if kind not in {"coalesce", "cells"} or not re.fullmatch("[1-9][0-9]{0,3}", milliseconds):
        raise ValueError("shaping is none, coalesce:MS or cells:MS")
    number = int(milliseconds)
    return Shaping(coalesce_ms=number) if kind == "coalesce" else Shaping(cell_ms=number)


class Coalescer:
    """Collects pieces; a portion is due so many seconds after the first piece in it."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._held = bytearray()
        self.due_at: float | None = None
        """When :meth:`take` has something to give, on the clock of *now*; None while empty."""

    is_mid_event = False
    """Whether what was taken last stops inside an event; never here."""

    @property
    def held_bytes(self) -> int:
        """How much was fed and not taken."""
        return len(self._held)

    def feed(self, data: bytes, *, now: float) -> None:
        """Accept complete events that came at *now*."""
        self._held += data
        if self.due_at is None:
            self.due_at = now + self._seconds

    def take(self, *, now: float) -> bytes:
        """Return the portion that is due at *now*, or nothing."""
        if self.due_at is None or now < self.due_at:
            return b""
        return self.finish()

    def finish(self) -> bytes:
        """Return the rest at once: the end of a stream shows anyway."""
        portion = bytes(self._held)
        self._held.clear()
        self.due_at = None
        return portion


class CellShaper:
    """Gives one cell of constant size at a constant rate, beginning with the first :meth:`take`."""

    def __init__(self, seconds: float, *, cell_bytes: int = CELL_BYTES) -> None:
        self._seconds = seconds
        self._cell_bytes = cell_bytes
        self._held = bytearray()
        self.due_at: float | None = 0.0
        """When the next cell leaves, on the clock of *now*."""
        self.is_mid_event = False
        """Whether the last cell stops inside an event, so that nothing else may follow it."""

    @property
    def held_bytes(self) -> int:
        """How much was fed and not taken."""
        return len(self._held)

    def feed(self, data: bytes, *, now: float) -> None:  # noqa: ARG002  # the rate is the clock
        """Accept complete events; they leave when their cell does."""
        self._held += data

    def take(self, *, now: float) -> bytes:
        """Return the cell that is due at *now*, or nothing."""
        if self.due_at is None or now < self.due_at:
            return b""
        # From the time it was due, so that a late call does not slow the rate; never in the past.
        self.due_at = max((self.due_at or now) + self._seconds, now)
        return self._cell()

    def finish(self) -> bytes:
        """Return nothing: what is left leaves in cells too. Ask ``held_bytes`` and :meth:`take`."""
        return b""

    def _cell(self) -> bytes:
        content = bytes(self._held[: self._cell_bytes])
        del self._held[: self._cell_bytes]
        self.is_mid_event = bool(self._held) and not content.endswith(b"\n\n")
        # A cell that is not full ends where the last event ends, so a comment may follow.
        return content + _filler(self._cell_bytes - len(content))


def _filler(length: int) -> bytes:
    """Return *length* bytes that no reader of events takes notice of."""
    if length < 2:
        return b"\n" * length  # an empty line after an event dispatches nothing
    return b":" + b"0" * (length - 2) + b"\n"
