"""The types of personal data."""

from __future__ import annotations

import re

from gateway.core.pii.labels import LABELS


def test_types_are_short_plain_words() -> None:
    """A type fits into a placeholder, a setting and a label of a counter as it is."""
    assert {"PHONE", "EMAIL", "NAME"} <= LABELS
    assert all(re.fullmatch(r"[A-Z][A-Z_]{1,19}", label) for label in LABELS)
