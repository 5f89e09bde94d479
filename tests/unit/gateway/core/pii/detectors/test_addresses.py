"""Postal addresses in Latin letters."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("at 3052 Larkspur Ct, Apt 14A, Burlington, VT 05401 now", "at [ADDRESS] now"),
    ("Flat 17, 17 Wattle Grove, Llandudno LL30 2AB.", "[ADDRESS]."),
    ("408 Quarry Bank, Chattanooga, TN 37411", "[ADDRESS]"),
    ("PO Box 36948, Tacoma, WA 98405", "[ADDRESS]"),
    ("12 rue de la Paix", "[ADDRESS]"),
    ("Lindenstraße 12, 10969 Berlin", "[ADDRESS]"),
    ("address: 5 Nowhere Special", "address: [ADDRESS]"),
    ("postcode LL30 2AB", "postcode [ADDRESS]"),
    ("3052 **Larkspur** Ct", "[ADDRESS]"),
    ("at Thorn Cottage, Mill Lane, Little Wrenham, Swansea SA3 4QJ and", "at [ADDRESS] and"),
    ("Flat 31, Lotus Court, M.G. Road, Kothrud East, Pune 411038", "[ADDRESS]"),
    ("2-8-5 Honmachi, Nakano-ku, Tokyo 164-0012", "[ADDRESS]"),
    ("PSC 0413, Box 8144\nAPO AA 42323", "[ADDRESS]"),
    ("RR 2 Box 88, Tioga ND 58852", "[ADDRESS]"),
    ("Via Garibaldi 22, Torino", "[ADDRESS]"),
    ("No. 7, Lane 12, Gulshan-2, Dhaka 1212", "[ADDRESS]"),
    ("at Plot 18, Block C, Lekki Phase 1, Lagos", "at [ADDRESS]"),
    ("Am Stadtpark 4b, 22303 Hamburg", "[ADDRESS]"),
    ("ul. Puławska 12, 02-566 Warszawa", "[ADDRESS]"),
]

NEAR_MISSES = [
    "5 Reasons to go",
    "in 2024 The Road was sold",
    "Chapter 3 Main Street",
    "12 days Way",
    "Boston, MA",
    "route 66",
    "about 10 Million Way",
    "10 Downing Street",
    "Rose, Church and Lane",
    "Unit 5 Box tests",
    "Flat 3 percent, as before, 2024",
    "House 12 won, Block 4 lost",
    "Figure 12, 12345 Rows",
    "Unit 5, Lesson 2, Page 7",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Streets with a number count, with what follows them; others behind a word for address."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Numbers before capitals, places alone and headings stay."""
    assert scrub(text) == text
