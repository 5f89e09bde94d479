"""Dates of birth, addresses of machines, accounts."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("from 49.75.125.180;", "from [IP];"),
    ("2a02:6b8::2:242", "[IP]"),
    ("ip 49[.]75[.]125[.]180", "ip [IP]"),
    ("born on 11.02.1965,", "born on [DOB],"),
    ("DOB Aug 6 1964", "DOB [DOB]"),
    ("date of birth: 1972-10-26", "date of birth: [DOB]"),
    ("MAC 00:1b:44:11:3a:b7", "MAC [MAC]"),
    ("whats ur insta\nB: @nightowlreads85", "whats ur insta\nB: [SOCIAL_ACCT]"),
    ("Discord is quartz_vee15#2359", "Discord is [SOCIAL_ACCT]"),
    ("https://t.me/some_person9", "https://[SOCIAL_ACCT]"),
    ("or snap gullwing86", "or snap [SOCIAL_ACCT]"),
    ("qq is 81203467", "qq is [SOCIAL_ACCT]"),
    ("DOB: twelfth of March 1981", "DOB: [DOB]"),
    ("DOB: 12 . 03 . 1981", "DOB: [DOB]"),
    ("born January 9, '84", "born [DOB]"),
    ("IP: 81,2,69,142", "IP: [IP]"),
    ("Venmo @Theo-Marsh-3", "Venmo [SOCIAL_ACCT]"),
]

NEAR_MISSES = [
    "127.0.0.1",
    "SELECT name FROM users WHERE id IN (101, 102, 103, 104);",
    "192.168.1.20",
    "version 8.8.8.8",
    "10.0.0.1 and ::1",
    "300.1.2.3",
    "12:30:45",
    "on 2024-05-06",
    "born in Leeds",
    "Instagram is popular",
    "@app.route",
    "discord v2",
    "steam 2024 sale",
    "telegram bots",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """Public addresses, dates behind a word for birth and handles behind a network count."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """Private addresses, versions, times and other dates stay."""
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find me as kim.lo19 on Twitch", "find me as [SOCIAL_ACCT] on Twitch"),
        ("@mo_k on Telegram", "[SOCIAL_ACCT] on Telegram"),
        ("model_7b on Reddit was discussed", "model_7b on Reddit was discussed"),
        ("use python3 on Discord bots", "use python3 on Discord bots"),
    ],
)
def test_a_network_named_behind(text: str, expected: str) -> None:
    """A name under which somebody is to be met counts, a thing that is talked about does not."""
    assert scrub(text) == expected
