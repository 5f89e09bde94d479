"""North American and international telephone numbers."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("on 07700 900123.", "on [PHONE]."),
    ("0161 496 0123", "[PHONE]"),
    ("call (202) 555-0143 now", "call [PHONE] now"),
    ("202-555-0143", "[PHONE]"),
    ("202.555.0143", "[PHONE]"),
    ("+1 202 555 0143", "[PHONE]"),
    ("1-202-555-0143", "[PHONE]"),
    ("+1 (202) 555-0143", "[PHONE]"),
    ("+44 20 7946 0958.", "[PHONE]."),
    ("0044 20 7946 0958", "[PHONE]"),
    ("+33 1 99 00 12 34", "[PHONE]"),
    ("+7 495 555-01-43", "[PHONE]"),
    ("+353 20 911 0123", "[PHONE]"),
    ("phone: 2025550143", "phone: [PHONE]"),
    ("call 555-0143", "call [PHONE]"),
    ("tel 020 7946 0958", "tel [PHONE]"),
    ("＋１ ２０２ ５５５ ０１４３", "[PHONE]"),
    ("512/555-0142", "[PHONE]"),
    ("m: 4155550132 | x", "m: [PHONE] | x"),
    ("(sister) 4155550132", "(sister) [PHONE]"),
    ("4155550132 x4129", "[PHONE]"),
    ("+14155550132x37.", "[PHONE]."),
    ("415-555-0132 ext. 9", "[PHONE]"),
    ("06 23 41 58 70", "[PHONE]"),
    ("ring Tobias Fox Featherstone on 4155550132", "ring [NAME] on [PHONE]"),
    ("ph: 03 5550 1234", "ph: [PHONE]"),
    ("098765 43210", "[PHONE]"),
]

NEAR_MISSES = [
    "012 345 678",
    "3.07700 900123",
    "2025550143",
    "555-0143",
    "102-555-0143",
    "202-155-0143",
    "911-555-0143",
    "911-555-01430",
    "+890 123456789",
    "+1 202 555 014",
    "+1 111 555 0143",
    "5.202-555-0143",
    "202-555-0143-9",
    "call 1.555-0143",
    "0044 1",
    "2024-05-06 12:30:11",
    "3.+44 20 7946 0958",
    "客服热线400-820-8820",
    "call 800-555-0143",
    "客服电话4008001234",
    "order number 4155550132",
    "Report a gas leak on 0800 111 999.",
    "max - 4294967295",
    "06 23 41 58 70 12",
    "ticket (id) 4155550132",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Numbers go by their shape, and short ones after a word for telephone."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Dates, numbers without such a word and impossible codes stay."""
    assert scrub(text) == text
