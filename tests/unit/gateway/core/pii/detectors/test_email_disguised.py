"""E-mail addresses in disguise."""

import pytest

from gateway.core.pii import scrub


@pytest.mark.parametrize(
    "address",
    [
        "kit.lo【at】fastmail【dot】com",
        "kit.lo|at|fastmail|dot|com",
        "kit.lo *at* fastmail *dot* com",
        "kit.lo (at sign) fastmail (dot) com",
        "kit.lo@fastmail[.]com",
        "kit.lo@fastmail,com",
        "`kit.lo`@`fastmail.com",
        "kit.lo«at»fastmail.com",
        "kit92小老鼠163点com",
        "kit92圈A163.com",
        "kit92（在）163.com",
    ],
)
def test_disguised_addresses_are_replaced(address: str) -> None:
    """The sign and the dots as words, in brackets of any kind, or as signs that look like them."""
    text = scrub(f"x: {address} 。")
    assert "[EMAIL]" in text
    assert "fast" not in text
    assert "163" not in text


@pytest.mark.parametrize(
    "address",
    ["kit92★163.com", "kit92#163.com", "kit92@幺六三.com", "kit92\n@163.com", "kit92@@163.com"],
)
def test_behind_a_word_for_it_a_decoration_is_the_sign(address: str) -> None:
    """What stands between a name and a host is the sign, where an address is announced."""
    assert scrub(f"邮箱：{address}，谢谢") == "邮箱：[EMAIL]，谢谢"


@pytest.mark.parametrize(
    "text",
    [
        "look (at) this, a dot com bubble",
        "meet me at the bar (a) or (b).",
        "文章在163.com发布",
        "news ★ example.com",
        "see issue #163.",
        "import x from '@acme/io'",
        "email: see /at/ once",
    ],
)
def test_other_words_stay(text: str) -> None:
    """Prose, links and code stay."""
    assert scrub(text) == text
