"""E-mail addresses."""

import pytest

from gateway.core.pii import scrub

HITS = [
    ("Write to ann.lee@example.com.", "Write to [EMAIL]."),
    ("邮箱ann@mail.example.cn，谢谢", "邮箱[EMAIL]，谢谢"),
    ("<ann+tag@example.co.uk>", "<[EMAIL]>"),
    ("ANN@EXAMPLE.ORG", "[EMAIL]"),
    ("a@example.com,b@example.net", "[EMAIL],[EMAIL]"),
    ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[EMAIL]"),
    ("a\u200bnn@exa\u200bmple.com", "[EMAIL]"),
    ("ann@xn--80ak6aa92e.example", "[EMAIL]"),
    ("13800138000@example.com", "[EMAIL]"),
    ("ann@example.com...and", "[EMAIL]...and"),
    ("a@example.com@example.org", "[EMAIL][EMAIL]"),
]

NEAR_MISSES = [
    "@property",
    "user@localhost",
    "pkg@1.2.3",
    "ann at home",
    "a@b",
    "see @ann.lee",
    "ann@.com",
    "ann@example.",
]


@pytest.mark.parametrize(("text", "expected"), HITS)
def test_values_are_replaced(text: str, expected: str) -> None:
    """An address goes in whole, whatever stands around it."""
    assert scrub(text) == expected


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_look_alikes_stay(text: str) -> None:
    """What has no name, no domain or no top-level domain is no address."""
    assert scrub(text) == text
