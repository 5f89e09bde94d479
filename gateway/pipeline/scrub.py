"""Stage 6: give the answer the scrubber that all of it must pass.

There is no way round: a :class:`Scrubbing` is the only record from which ``encapsulate`` sends.
Any failure inside the scrubber ends the answer; text it held back is dropped, not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gateway.core.text_scrubbers import TextScrubbers
from gateway.pipeline.exchange import Forwarded, Scrubbing


def _uncounted(label: str) -> None:
    """Count nothing."""


class Scrub:
    """Makes the scrubber of each answer. *count* gets the type of each value that is replaced."""

    def __init__(self, *, count: Callable[[str], None] = _uncounted) -> None:
        self._count = count

    def __call__(self, forwarded: Forwarded) -> Scrubbing:
        """Return *forwarded* bound to a fresh scrubber of its own."""
        authorized = forwarded.authorized
        actions = replace(authorized.actions, count=self._count)
        scrubbers = TextScrubbers(
            authorized.prompts, authorized.n, actions=actions, masks=forwarded.masks
        )
        return Scrubbing(forwarded=forwarded, scrubber=authorized.new_scrubber(scrubbers))
