"""Numbers that count behind their keyword."""

import pytest

from gateway.core.pii import scrub
from gateway.core.pii.detectors.announced_numbers import has_mod_11, has_verhoeff

HITS = [
    ("phone: five-oh-three-eight-four-three-five-nine-three-seven", "phone: [PHONE]"),
    ("card 4111 | 1111 | 1111 | 1111", "card [BANK_CARD]"),
    ("social security no. one two eight, four six one, seven six six", "social security no. [SSN]"),
    ("IBAN GB33|BUKB|2020|1555|5555|55", "IBAN [IBAN]"),
    ("passport 47GU36371", "passport [PASSPORT]"),
    ("driving licence BVNED178468IY1NM", "driving licence [DRIVER_LICENSE]"),
    ("account number 8548-8270-871", "account number [BANK_ACCOUNT]"),
    ("MRN H897775", "MRN [MRN]"),
    ("NHS number 943 476 5919", "NHS number [MRN]"),
    ("Aadhaar 2341 2341 2346", "Aadhaar [GOV_ID]"),
    ("NRIC S1234567D", "NRIC [GOV_ID]"),
    ("AB 12 34 56 C", "[GOV_ID]"),
    ("tax file number TFN 123 456 782", "tax file number [GOV_ID]"),
    ("plate RP56 LTO", "plate [PLATE]"),
    ("Passport No: L01X00T47", "Passport No: [PASSPORT]"),
    ("passport card Q3317284B ok", "passport card [PASSPORT] ok"),
    ("DL WDLQRS318KT", "DL [DRIVER_LICENSE]"),
    ("Florida DL S530-460-87-123-0", "Florida DL [DRIVER_LICENSE]"),
    ("RTN 256074974", "RTN [BANK_ACCOUNT]"),
    ("Pt seen, record 00417233", "Pt seen, record [MRN]"),
    ("MBI 1EG4-TE5-MK73", "MBI [MRN]"),
    ("truck 4TR 7KP", "truck [PLATE]"),
    ("Valet ticket: JLM2846", "Valet ticket: [PLATE]"),
    ("call my cell 4 1 5 5 5 5 0 1 3 2 after six", "call my cell [PHONE] after six"),
    ("SSN two one nine oh nine nine nine nine nine", "SSN [SSN]"),
    ("visa 4539 dot 578763 dot 621 dot 486", "visa [BANK_CARD]"),
]

NEAR_MISSES = [
    "S1234567A",
    "2341 2341 2345",
    "order 8548-8270-871",
    "the card is blue",
    "passport control",
    "the IBAN is too short: GB33 BUKB",
    "licence agreement",
    "call at 10:30-11:45",
    "a record 120000 people",
    "Medicare helpline: 1-800-633-4227",
    "The first numbers are 6, 28, 496, 8128, 33550336.",
    "social plans for 2024",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Numbers count behind their word however they are separated."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Without the word, or with a wrong check digit, they stay."""
    assert scrub(text) == text


def test_check_digits_are_computed() -> None:
    """Check digits of the NHS and of Aadhaar are those of their authorities."""
    assert has_mod_11("9434765919")
    assert not has_mod_11("9434765918")
    assert has_verhoeff("2363")
    assert not has_verhoeff("2364")
