"""Passwords in sentences and keys in pieces."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("Passphrase for the backup drive: Saturn&2781.", "Passphrase for the backup drive: [SECRET]"),
    ("Use these creds: login ops / Zephyr.brick.82", "Use these creds: login ops / [SECRET]"),
    ("the password's Comet53-river=", "the password's [SECRET]"),
    ('token = "ghp_eEgtmDx" + "vPMPqskv4B" + "jytnZs2y4"', 'token = "[SECRET]"'),
    ("the api key is dp5ph uEqG5L4c KJWhu8Y bYItv7q", "the api key is [SECRET]"),
    ('"Authorization": "Token 745cb889023c40b5b29e"', '"Authorization": "Token [SECRET]"'),
    ("unlock with PIN 7719", "unlock with PIN [SECRET]"),
    ("the door code is 4471", "the door code is [SECRET]"),
    ("backup codes: 4471-9920 8812-0034", "backup codes: [SECRET] [SECRET]"),
    ("gmail app password: abcd efgh ijkl mnop", "gmail app password: [SECRET]"),
    ("password: h u n t e r 2 !", "password: [SECRET]"),
    ('the wifi code is "bluewhale2291"', 'the wifi code is "[SECRET]"'),
]

NEAR_MISSES = [
    "pass *attrs* to the call",
    "login: see https://a.example/1",
    "the api key is required for each request made",
    "password policy: minimum 12 characters",
    "login page: /accounts/login/",
    "passwords expire: 2024-05-01",
    "pin 12 of the chip",
    "password: a b c of safety for all",
    "import secret\n    pass\nelse:\n    __all__ = 1",
    "recovery codes: print them",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Some words behind the word for them, or joined by signs of code or spaces."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Words, dates, paths and addresses of pages are no passwords."""
    assert scrub(text) == text
