"""Invent people whose personal data look real to a detector and belong to nobody.

Every value comes from a range that is set aside for examples or that no authority ever issued;
README.md beside this file says which. One seeded generator draws everything, so a run can be
repeated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

HERE = Path(__file__).resolve().parent
# Parts of names and addresses, and the card numbers that are published for tests.
PARTS: dict[str, list[str]] = json.loads((HERE / "invented.json").read_text("utf-8"))
# The first digits that they keep for tests.
TEST_CARD_PREFIXES = ("424242", "411111", "510510", "620000")

# ISO 7064 MOD 11-2, as in GB 11643-1999.
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
ID_CHECK = "10X98765432"


@dataclass(frozen=True)
class Value:
    """One planted value and what kind of personal data it is."""

    type: str
    text: str


@dataclass
class Person:
    """One invented person; *values* by field name."""

    language: str
    name: str
    values: dict[str, Value] = field(default_factory=dict)


def luhn_digit(body: str) -> str:
    """Return the check digit that makes *body* pass the Luhn test (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(body)):
        number = int(digit) * (2 if position % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return str(-total % 10)


def invent_card(rng: Random) -> str:
    """Return a card number that passes the Luhn test and that no bank issues."""
    if rng.random() < 0.3:
        return rng.choice(PARTS["test_cards"])
    body = rng.choice(TEST_CARD_PREFIXES) + "".join(rng.choices("0123456789", k=9))
    return body + luhn_digit(body)


def invent_resident_id(rng: Random, *, born: str) -> str:
    """Return a Chinese resident number with a right check digit in a county that does not exist."""
    province = rng.choice(("11", "31", "33", "44", "51"))
    body = f"{province}0099{born.replace('-', '')}{rng.randrange(1000):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True))
    return body + ID_CHECK[total % 11]


def invent_iban(rng: Random) -> str:
    """Return an IBAN with right check digits (ISO 13616) at a bank whose code is TEST."""
    account = "".join(rng.choices("0123456789", k=14))
    as_number = "".join(str(int(sign, 36)) for sign in "TEST" + account + "GB00")
    text = f"GB{98 - int(as_number) % 97:02d}TEST{account}"
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def invent_birthday(rng: Random) -> str:
    """Return a date of birth, ISO 8601."""
    return f"{rng.randrange(1951, 2000)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"


def invent_english(rng: Random, *, number: int, name: str) -> Person:
    """Return the English-speaking person *number*."""
    born = invent_birthday(rng)
    area = rng.choice(("202", "303", "415", "617", "802"))
    login = name.lower().replace(" ", ".").replace("-", "")
    domain = ("example.com", "example.org", "example.net")[number % 3]
    house = rng.randrange(11, 980)
    street, town = rng.choice(PARTS["en_streets"]), rng.choice(PARTS["en_towns"])
    person = Person("en", name)
    person.values = {
        "name": Value("NAME", name),
        "phone": Value("PHONE", f"({area}) 555-01{number + 10:02d}"),
        "email": Value("EMAIL", f"{login}@{domain}"),
        "card": Value("BANK_CARD", " ".join(_fours(invent_card(rng)))),
        "address": Value("ADDRESS", f"{house} {street}, {town}"),
        "dob": Value("DOB", born),
        "mrn": Value("MRN", f"MRN-{rng.randrange(10**6, 10**7)}"),
        "iban": Value("IBAN", invent_iban(rng)),
        "ip": Value("IP", f"192.0.2.{number + 20}"),
        "ssn": Value("SSN", f"987-65-43{20 + number % 10}"),
    }
    return person


def invent_chinese(rng: Random, *, number: int, name: str, pinyin: str) -> Person:
    """Return the Chinese-speaking person *number*."""
    born = invent_birthday(rng)
    year, month, day = born.split("-")
    city, road = rng.choice(PARTS["zh_cities"]), rng.choice(PARTS["zh_roads"])
    place = f"{city}{road}{rng.randrange(3, 390)}号"
    person = Person("zh", name)
    person.values = {
        "name": Value("NAME", name),
        "phone": Value("PHONE", f"154{rng.randrange(10**8):08d}"),
        "email": Value(
            "EMAIL", f"{pinyin}{number:02d}@{('example.cn', 'example.com')[number % 2]}"
        ),
        "card": Value("BANK_CARD", invent_card(rng)),
        "id": Value("CN_ID", invent_resident_id(rng, born=born)),
        "address": Value(
            "ADDRESS",
            f"{place}{rng.randrange(1, 20)}栋{rng.randrange(1, 9)}0{rng.randrange(1, 7)}室",
        ),
        "dob": Value("DOB", f"{year}年{int(month)}月{int(day)}日"),
        "mrn": Value("MRN", f"ZY{rng.randrange(10**7, 10**8)}"),
        "wechat": Value("SOCIAL_ACCT", f"wx_{pinyin}_{number:02d}"),
    }
    return person


def invent_people(rng: Random, *, per_language: int) -> tuple[list[Person], list[Person]]:
    """Return *per_language* English-speaking and as many Chinese-speaking people, at most 60."""
    english, chinese = [], []
    for number in range(per_language):
        given = PARTS["en_given"][number % 30]
        family = PARTS["en_family"][(number * 7 + number // 30) % 30]
        english.append(invent_english(rng, number=number, name=f"{given} {family}"))
        first, second = (number * 3 + number // 20) % 20, number % 30
        chinese.append(
            invent_chinese(
                rng,
                number=number,
                name=PARTS["zh_family"][first] + PARTS["zh_given"][second],
                pinyin=PARTS["zh_family_pinyin"][first] + PARTS["zh_given_pinyin"][second],
            )
        )
    return english, chinese


def _fours(digits: str) -> list[str]:
    """Split a card number the way it is printed."""
    return [digits[at : at + 4] for at in range(0, len(digits), 4)]
