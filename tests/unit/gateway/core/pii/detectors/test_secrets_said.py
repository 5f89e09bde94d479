"""Passwords in sentences and keys in pieces."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("Passphrase of the old safe: Quarry&4410.", "Passphrase of the old safe: [SECRET]"),
    (
        "Take my credentials: login anna / Pebble.lane.47",
        "Take my credentials: login anna / [SECRET]",
    ),
    ("the password's Harbour19-moss=", "the password's [SECRET]"),
    ('token = "ghp_kWq3Zr" + "7TbYcLm2Xd" + "pV9Ns5Ru1"', 'token = "[SECRET]"'),
    ("the api key is mk7te Rw3Zp9Qa LxVu2Nd hYc5oGs", "the api key is [SECRET]"),
    ('"Authorization": "Token 91e4d07ac35b28f6e0d3"', '"Authorization": "Token [SECRET]"'),
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


@pytest.mark.parametrize("joint", ["🌸", " | ", '" "', " /* */ ", "\n", "** **"])
def test_keys_in_decorated_pieces_are_replaced(joint: str) -> None:
    """Pieces of letters and digits behind a word for a key are one key, whatever stands between."""
    key = joint.join(["q9fK27xa", "mQ7vXr4T", "zB81nLw0"])
    assert scrub(f'api_key = "{key}"') == 'api_key = "[SECRET]"'


@pytest.mark.parametrize(
    "text", ["api_key: one, two, three", "token = read | filter | write", "key: v1.2, v1.3, v1.4"]
)
def test_lists_of_words_are_no_keys(text: str) -> None:
    """Words and versions stay."""
    assert scrub(text) == text
