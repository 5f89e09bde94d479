"""Stage 6: give the answer the scrubber that all of it must pass.

There is no way round: a :class:`Scrubbing` is the only record from which ``encapsulate`` sends.
Any failure inside the scrubber ends the answer; text it held back is dropped, not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gateway.core.pii.ner import SentenceModel
from gateway.core.text_scrubbers import TextScrubbers
from gateway.pipeline.exchange import Forwarded, Here, Scrubbing, Workplace


def _uncounted(label: str) -> None:
    """Count nothing."""


class Scrub:
    """Makes the scrubber of each answer.

    *count* gets the type of each value that is replaced. *model* is asked about what the patterns
    let through; with one, *workplace* must be somewhere else than on the event loop.
    """

    def __init__(
        self,
        *,
        count: Callable[[str], None] = _uncounted,
        model: SentenceModel | None = None,
        workplace: Workplace | None = None,
    ) -> None:
        self._count = count
        self._model = model
        self._workplace = workplace or Here()

    async def __call__(self, forwarded: Forwarded) -> Scrubbing:
        """Return *forwarded* bound to a fresh scrubber of its own."""
        authorized = forwarded.authorized
        scrubbers = TextScrubbers(
            authorized.prompts,
            authorized.n,
            actions=replace(authorized.actions, count=self._count),
            masks=forwarded.masks,
            model=self._model,
        )
        scrubber = await self._workplace.run(partial(authorized.new_scrubber, scrubbers))
        return Scrubbing(forwarded, scrubber, self._workplace)
