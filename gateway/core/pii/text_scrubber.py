"""What scrubs one text: ``StreamScrubber``, and whatever is put around it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class TextScrubber(Protocol):
    """Takes a text in pieces; what comes out, joined, does not depend on the pieces."""

    def feed(self, delta: str) -> str:
        """Accept *delta*; return what is safe to send, often nothing."""

    def finish(self) -> str:
        """Return the rest."""
