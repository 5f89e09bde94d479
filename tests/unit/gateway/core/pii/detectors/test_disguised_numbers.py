"""Numbers with letters that look like digits."""

import pytest

from gateway.core.pii import scrub


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("telephone 4I5S5SO132 instead", "telephone [PHONE] instead"),
        ("visa 4S39 5787 636Z l486", "visa [BANK_CARD]"),
        ("my ssn: 2I9-O9-9999", "my ssn: [SSN]"),
    ],
)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Behind a word for what they are, in one piece or in groups."""
    assert scrub(text) == expected


@pytest.mark.parametrize(
    "text",
    ["call BOBSOIL now", "phone book Solo", "4I5S5SO132", "call 800-555-0143", "card 4S39 57"],
)
def test_look_alikes_stay(text: str) -> None:
    """Words, service numbers and what nothing announces stay."""
    assert scrub(text) == text
