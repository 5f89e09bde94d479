"""Names of people in Latin letters."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("Kwame McGillivray", "[NAME]"),
    ("We met Noor Q. Featherstone there.", "We met [NAME] there."),
    ("Thandiwe van der Merwe", "[NAME]"),
    ("José García left", "[NAME] left"),
    ("Papadakis, Imogen", "[NAME]"),
    ("J. R. Hathersage-Whitcomb", "[NAME]"),
    ("J. R. Whitcomb", "[NAME]"),
    ("Chu Yixin", "[NAME]"),
    ("Zhengguang Min", "[NAME]"),
    ("Patient: Xyloth Brandauer", "Patient: [NAME]"),
    ('{"first_name": "Kwame"}', '{"first_name": "[NAME]"}'),
    ("name: kwame boateng", "name: [NAME]"),
    ("Dr. Burke is in", "Dr. [NAME] is in"),
    ("Dear Emeka,", "Dear [NAME],"),
    ("Kind regards,\nZofia", "Kind regards,\n[NAME]"),
    ("my name is Piusz", "my name is [NAME]"),
    ("Kw\u200bame Boa\u200bteng", "[NAME]"),
    ("**Kwame** Boateng", "**[NAME]"),
    ("Ｋｗａｍｅ Ｂｏａｔｅｎｇ", "[NAME]"),
    ("Then Tobias said no.", "Then [NAME] said no."),
    ("I told Siobhan that Aoife's bike is gone.", "I told [NAME] that [NAME]'s bike is gone."),
    ("- sang-hoon lim [GET]", "- [NAME] [GET]"),
    ("its craig beckett btw", "its [NAME] btw"),
    ("Arrivals: OKAFOR Amara (1), FOX IMOGEN", "Arrivals: [NAME] (1), [NAME]"),
    ("Patient name: H4rr1et Br00ks", "Patient name: [NAME]"),
    ("Ms. I m o g e n  H a l e called", "Ms. [NAME] called"),
    ('"last": "Venkatesan"', '"last": "[NAME]"'),
    ("hey it's marisol from 3C", "hey it's [NAME] from 3C"),
    ("IVANOVA/OLGA MRS", "[NAME] MRS"),
    ("name=Kwame+Boateng", "name=[NAME]"),
    ("first: Kwame | last: Boateng", "first: [NAME] | last: [NAME]"),
]

NEAR_MISSES = [
    "April and June are dry months.",
    "Python, Ruby and Julia are languages.",
    "Why does Richard Feynman still matter?",
    "New York Times",
    "Paris Agreement",
    "Victoria Station",
    "file name: Report Final",
    "Dear Customer,",
    "Hello World",
    "Dr Pepper",
    "The Great Gatsby",
    "Jordan River",
    "Will Smart Homes Matter?",
    "Grace Period",
    "Wells Fargo Bank",
    "Mount Everest",
    "You Can Do It",
    "Sherlock Holmes",
    "name: lookup",
    "Hurricane Katrina",
    "Tobias.parse() and Marvin_x",
    "The James Webb Telescope",
    "Alice sends Bob a key.",
    "| Guest | Passport |",
    "An IBAN starts with a country code",
    "Elizabeth II and Henry VIII",
    "Meet in Jan 2003",
    "Tom Hanks and Daniel Craig",
    "U.S. Treasury",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Pairs of names count by themselves, others behind a field, a title or a greeting."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Months, places, brands, public figures and ordinary words stay."""
    assert scrub(text) == text
