"""How a text is read: escapes, entities, tags, emphasis."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii.folding import INVISIBLE, MAX_INVISIBLE_RUN
from gateway.core.pii.markup import PASSED_OVER
from gateway.core.pii.reading import Reader

P = PASSED_OVER
PARTS = [
    *"&#x;%\\<>/*~u0123456789abAB@ .é漢-!",
    '<b class="', ">", "\\u{", "}", "\\0",
    "&amp;", "&#49;", "%31", "%25", "\\u0031", "\\ud83d\\ude00", "</b>", "<!-- -->", "**", "\u200b",
]  # fmt: skip
texts = st.lists(st.sampled_from(PARTS), max_size=20).map("".join)


def read(pieces: list[str]) -> tuple[str, str]:
    """Return how the text of *pieces* is read, and what was written, joined again."""
    reader = Reader()
    plain, source = "", ""
    for text, written in [*[reader.feed(piece) for piece in pieces], reader.finish()]:
        plain += text
        source += "".join((written or {}).get(at, char) for at, char in enumerate(text))
    return plain, source


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("&#49;&#x33;&#X38;", "138"),
        ("&amp;#49;&amp;-", "1&-"),
        ("a&commat;b&period;c", "a@b.c"),
        ("&nbsp;&bogus;&am", "\u00a0&bogus;&am"),
        ("&co; %C3%28 %2", "&co; %C3( %2"),
        ("AT&T &#; &#x; &#123456789;", "AT&T &#; &#x; &#123456789;"),
        ("%31%2533%C3%A9%E6%BC%A2%F0%9F%98%80", "13é漢😀"),
        ("50% of 100%25 is", "50% of 100% is"),
        ("%0A%FF%C3x%E6%FF%3", "%0A%FF%C3x%E6%FF%3"),
        ("\\u0031\\x33\\\\u0038", "138"),
        ("\\ud83d\\ude00 \\\\ud83d\\\\ude00", "😀 😀"),
        ("\\ud83d \\ude00 \\ud83d\\u0031", "\\ud83d \\ude00 \\ud83d1"),
        ("\\ud83d\\ud83d", "\\ud83d\\ud83d"),
        ("\\u0001\\u12\\q", "\\u0001\\u12\\q"),
        ('a\\nb\\\\tc\\\\\\"\\/d\\@', 'a\nb\tc"/d@'),
        ("\\\\\\\\\\n", "\\\\n"[:1] + "\n"),
        ("<b>1</b><br/><BR><td>", f"{P}1{P}\n\n\n"),
        ("1<wbr>2<wbr/>3<br /><hr />", f"1{P}2{P}3\n<hr />"),
        ('<font color="red">1</font><b style="x:#00ff00">', f"{P}1{P}{P}"),
        ('<b class="12345678"><b title="x"><b and c', '<b class="12345678"><b title="x"><b and c'),
        ("\\u{31}\\u{6f22}\\u{}\\u{110000}\\u{d800}\\u{1", "1漢\\u{}\\u{110000}\\u{d800}\\u{1"),
        ("\\061\\\\063\\001\\09\\1", "13\\001\\09\\1"),
        ("<!-- --><!----><!--1-->", f"{P}{P}<!--1-->"),
        ("<a b> <b x> < b> <img> <b", "<a b> <b x> < b> <img> <b"),
        ("**1**3~~8~~.", f"{P}1{P}3{P}8{P}."),
        ("***1*2 z**@ j**n 漢**漢", "***1*2 z**@ j**n 漢**漢"),
        ("**", "**"),
        ("***", "***"),
        ("~", "~"),
        ("</ <t> <stro", "</ <t> <stro"),
    ],
)
def test_what_is_written_is_read_as_it_is_meant(written: str, plain: str) -> None:
    """Each form is decoded, everything else is read as it is, and the source is kept."""
    assert read([written]) == (plain, written)
    assert read(list(written)) == (plain, written)


@given(texts, st.randoms(use_true_random=False))
def test_cuts_make_no_difference(text: str, rng: random.Random) -> None:
    """The same is read however the text is cut, and what was written is all there."""
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(pieces) == read([text])
    if "\u200b" not in text and "**" not in text:
        assert read([text])[1] == text


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    """No text raises, and only invisible signs can be lost."""
    source = read(list(text))[1]
    assert [c for c in source if c not in INVISIBLE] == [c for c in text if c not in INVISIBLE]


def test_only_what_is_unclear_is_held() -> None:
    """A sign that cannot begin anything leaves at once."""
    reader = Reader()
    assert reader.feed("a & b % c \\d < e") == ("a & b % c \\d < e", None)
    assert reader.feed("x &am") == ("x ", None)
    assert reader.feed("x") == ("&amx", None)


def test_formatting_without_end_is_dropped() -> None:
    """Nobody can make the scrubber hold text without end by invisible things."""
    assert read(["1" + "<b>" * 1000 + "2"])[0] == "1" + P * MAX_INVISIBLE_RUN + "2"
    assert read(["1" + "\u200b" * 1000 + "2"])[0] == "1" + "\u200b" * MAX_INVISIBLE_RUN + "2"
