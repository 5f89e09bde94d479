"""International bank account numbers, from the examples of the registry."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("IBAN GB82 WEST 1234 5698 7654 32 and", "IBAN [IBAN] and"),
    ("GB82WEST12345698765432", "[IBAN]"),
    ("gb82-west-1234-5698-7654-32", "[IBAN]"),
    ("DE89 3704 0044 0532 0130 00.", "[IBAN]."),
    ("NO9386011117947", "[IBAN]"),
]

NEAR_MISSES = [
    "GB83 WEST 1234 5698 7654 32",
    "GB82 WEST 1234 5698 7654 3",
    "ZZ82WEST12345698765432",
    "XGB82WEST12345698765432",
    "GB82WEST12345698765432X",
    "AB12 some words that follow here",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """An account number goes, with or without groups."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """A wrong check, length or country makes an ordinary word."""
    assert scrub(text) == text
