"""Payment cards, with the test numbers that networks publish."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("card 4111111111111111", "card [BANK_CARD]"),
    ("4111 1111 1111 1111, thanks", "[BANK_CARD], thanks"),
    ("3782-822463-10005", "[BANK_CARD]"),
    ("5555.5555.5555.4444", "[BANK_CARD]"),
    ("12 4111 1111 1111 1111", "12 [BANK_CARD]"),
    ("4222222222222", "[BANK_CARD]"),
    ("30569309025904", "[BANK_CARD]"),
    ("2223000048400011", "[BANK_CARD]"),
    ("６０１１１１１１１１１１１１１７", "[BANK_CARD]"),
    ("4111 1111 1111 1111 5555 5555 5555 4444", "[BANK_CARD] [BANK_CARD]"),
]

NEAR_MISSES = [
    "4111111111111112",
    "41111111111111111",
    "5 5 5 5 5 5 5 5 5 5 5 5 4 4 4 4",
    "1111111111111117",
    "0.4111111111111111",
    "4111111111111111-2",
    "411111111111111111111111",
    "ab4111111111111111",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """A number of a known issuer with its Luhn digit goes."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """A wrong check digit, length or grouping makes an ordinary number."""
    assert scrub(text) == text
