"""Numbers digit by digit."""

import pytest

from gateway.core.pii import scrub


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("passport 5 3 1 2 8 4 9 0 7 ok", "passport [PASSPORT] ok"),
        ("passport: five three one two eight four nine", "passport: [PASSPORT]"),
        ("passport A 0 8 1 2 3 4 5 6", "passport [PASSPORT]"),
        ("passport 531-284-907", "passport [PASSPORT]"),
        ("account 0098/2213/4471", "account [BANK_ACCOUNT]"),
        ("account: zero, zero, nine, eight, two, two, one", "account: [BANK_ACCOUNT]"),
        ("MRN: zero zero four eight eight two one", "MRN: [MRN]"),
        ("license D 8 2 7 3 6 4 5", "license [DRIVER_LICENSE]"),
    ],
)
def test_values_are_replaced(text: str, expected: str) -> None:
    """As digits or as words, in groups as well, behind a word for them."""
    assert scrub(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "account for one or two of them",
        "chart 1, 2, 3",
        "count one two three four five six seven",
        "the passport took 3 to 6 weeks",
        "accounts of 12 and 24 pages",
    ],
)
def test_look_alikes_stay(text: str) -> None:
    """Counting and small numbers stay."""
    assert scrub(text) == text
