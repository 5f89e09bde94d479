"""E-mail addresses that hide from machines."""

import pytest

from gateway.core.pii import StreamScrubber, scrub


@pytest.mark.parametrize(
    "value",
    [
        "ann [at] example [dot] com",
        "ann.lee(at)example.com",
        "ann {AT} mail {DOT} example {DOT} org",
        "ann（艾特）example点com",
        "ann艾特example.com",
        "ann at example dot com",
        "ann at mail dot example dot co",
        "ann @ example . com",
        "ann＠example.com",
        "ann&commat;example&period;com",
        "ann<at>example<dot>com",
        "ann -at- example -dot- com",
        "ann@\n    example.com",
        "a n n i e @ e x a m p l e . c o m",
        "a\u200bnn\\@example\\.com",
        "ann_at_example_dot_com",
        "ann*at*example*dot*com",
        "ann#gmail.com",
        "ann@example。com",
        "ann﹫example․com",
    ],
)
def test_hidden_addresses_are_found(value: str) -> None:
    """Brackets, words, spaces, full-width signs and escapes hide nothing."""
    assert scrub(f"mail {value}, ok") == "mail [EMAIL], ok"
    scrubber = StreamScrubber()
    assert "".join(map(scrubber.feed, f"mail {value}")) + scrubber.finish() == "mail [EMAIL]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("email: jane.roe at example.com", "email: [EMAIL]"),
        ("email: jane.roe@@example.com", "email: [EMAIL]"),
        ("e-mail jane.roe@example,com", "e-mail [EMAIL]"),
        ("see **jane.roe**@example.com", "see **[EMAIL]"),
        ("meet me at example.com", "meet me at example.com"),
        ("masked: ja**@example.com", "masked: ja**@example.com"),
    ],
)
def test_addresses_with_a_slip(text: str, expected: str) -> None:
    """Behind a word for them, less is enough; stars of a mask stay."""
    assert scrub(text) == expected


def test_pieces_that_code_puts_together() -> None:
    """The sign may stand in a string of its own."""
    assert scrub("x = 'ann' + '@' + 'example.com';") == "x = '[EMAIL]';"


@pytest.mark.parametrize(
    "text",
    [
        "look at the dot com bubble",
        "meet me at noon",
        "he stood at home",
        "a masked j**n@",
        "arr[at] and x(at) y",
        "@ home",
        "look_at_this_dot_matrix",
        "issue #163",
        "price$126",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    """At and dot are words like others."""
    assert scrub(text) == text
