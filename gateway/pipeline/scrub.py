"""Stage 6: give the answer the scrubber that all of it must pass.

There is no way round: a :class:`Scrubbing` is the only record from which ``encapsulate`` sends.
Any failure inside the scrubber ends the answer; text it held back is dropped, not sent.
"""

from __future__ import annotations

from gateway.pipeline.exchange import Forwarded, Scrubbing


def scrub(forwarded: Forwarded) -> Scrubbing:
    """Return *forwarded* bound to a fresh scrubber of its own."""
    return Scrubbing(forwarded=forwarded, scrubber=forwarded.authorized.new_scrubber())
