"""United States social security numbers."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("SSN 123-45-6789.", "SSN [SSN]."),
    ("123.45.6789", "[SSN]"),
    ("987-65-4320", "[SSN]"),
    ("123.45.6789", "[SSN]"),
    ("987-65-4320", "[SSN]"),
    ("my ssn is 123456789", "my ssn is [SSN]"),
    ("SSN: 912-45-6789", "SSN: [SSN]"),
    ("social security 12 34 56 78 9", "social security [SSN]"),
]

NEAR_MISSES = [
    "000-45-6789",
    "666-45-6789",
    "912-45-6789",
    "123-00-6789",
    "123-45-0000",
    "123456789",
    "ssn 000456789",
    "123-45-67890",
    "123-45-6789-1",
    "1-123-45-6789",
    "123-45 6789",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A grouped number goes, and after the word also one in a piece."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Numbers that were never issued and longer numbers stay."""
    assert scrub(text) == text
