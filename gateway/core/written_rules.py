"""Rules for found values as people write them: one list of types and what happens to each.

A type that no detector knows is refused, so that a misspelt rule is not silently without effect.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.errors import MalformedRequest
from gateway.core.pii.labels import LABELS
from gateway.core.scrub_rules import DEFAULT, ScrubRules, Treatment, read_scrub_rules


def parse_scrub_rules(written: Mapping[str, str]) -> ScrubRules:
    """Return the rules that map types, and ``default``, to treatments.

    Raises ``MalformedRequest`` for a type that no detector knows and for what is no treatment.
    """
    for label in written:
        if label != DEFAULT and label not in LABELS:
            raise MalformedRequest(f"A type is one of {', '.join([DEFAULT, *sorted(LABELS)])}.")
    try:
        return read_scrub_rules(written)
    except ValueError:
        raise MalformedRequest(f"A treatment is one of {', '.join(Treatment)}.") from None
