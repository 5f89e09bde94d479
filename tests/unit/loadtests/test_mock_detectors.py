"""A set as large as a full one: the same for every cut, early and bounded."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii.machine import Machine
from gateway.core.pii.stream import StreamScrubber
from loadtests.mock_detectors import FULL_SET

MACHINE = Machine(FULL_SET)
UNCOMPILED = Machine(FULL_SET, compiled=False)
# Values, keywords, pieces of both, and every way of writing that is read otherwise.
FRAGMENTS = [
    "姓名：", "患者", "王伟", "李小", "先生", "北京市", "长安路", "8号", "Anna Bethson",
    "Anth ", "name is ", "password: ", "hunter2!", "sk-abcdefghij012345",
    "ghp_0123456789abcdefx", "192.168.0.1", "version ", "kind0 ", "id_3: ", "号码一", "三",
    "八", "〇", "seven ", "double five ", "oh ", "O", "l", "４", "①", "٣", "𝟙", "3\ufe0f\u20e3",
    "\u200b", "\u0301", "&#51;", "&#x33;", "&amp;#51;", "&", "%33", "%2533", "%", "\\u0033",
    "\\x33", "\\\\u0033", "\\n", "\\", "<b>", "</b>", "<", "**", "*", "~~", "`", "_", "|",
    '", "', "\n- ", "\u3000", "·", "(", ")", "1", "3", "8", "0", "13800138000", "4111 1111",
    "a", "Ж", "。", ", ", ". ", "@example.com", "1985-03-04", "生日", "1 Oak Street",
    "京A·12345", "¥",
]  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)


def run(pieces: list[str], machine: Machine = MACHINE) -> str:
    """Feed *pieces* and finish."""
    scrubber = StreamScrubber(machine=machine)
    return "".join([scrubber.feed(piece) for piece in pieces]) + scrubber.finish()


@given(texts, st.randoms(use_true_random=False))
def test_every_cut_gives_the_same(text: str, rng: random.Random) -> None:
    """Whatever is written: whole, by the character, cut anywhere, compiled or not."""
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert run(pieces) == run(list(text)) == run([text]) == run([text], UNCOMPILED)


@given(texts)
def test_findings_are_the_same_for_every_cut(text: str) -> None:
    """Type, rule and place do not depend on the pieces either."""
    whole = StreamScrubber(machine=MACHINE, explains=True)
    single = StreamScrubber(machine=MACHINE, explains=True)
    for scrubber, pieces in ((whole, [text]), (single, list(text))):
        for piece in pieces:
            scrubber.feed(piece)
        scrubber.finish()
    assert whole.findings() == single.findings()


@pytest.mark.parametrize(
    "alphabet",
    ["0123456789 ", "0123456789-., ", "一二三 one two", "王伟北京市路号", "sk-aA1 ", FRAGMENTS],
)
def test_hard_text_costs_a_bounded_amount(alphabet: str | list[str]) -> None:
    """Few values are under way at once, and little text is kept, whatever comes."""
    rng = random.Random(5)
    scrubber = StreamScrubber(machine=MACHINE)
    most_values, most_text = 0, 0
    for piece in rng.choices(alphabet, k=8_000):
        scrubber.feed(piece)
        most_values = max(most_values, scrubber._walk.under_way())
        most_text = max(most_text, scrubber.held())
    assert most_values <= 40
    assert most_text <= 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("姓名：欧阳娜娜，", "姓名：[NAME]，"),
        ("王伟，", "[NAME]，"),
        ("王伟女士", "[NAME]女士"),
        ("Anna Bethson.", "[NAME]."),
        ("password: hunter2!xyz next", "password: [SECRET] next"),
        ("sk-abcdefghij0123456789_zz.", "[KEY]."),
        ("kind0: 一三八 double zero 1三八〇〇 ok", "kind0: [MOCK_0] ok"),
        ("version 1.2.3.4", "version 1.2.3.4"),
        ("at 1.2.3.4", "at [IP]"),
    ],
)
def test_contexts_lists_and_tails_work(text: str, expected: str) -> None:
    """What detectors can declare finds what it should, and nothing beside it."""
    assert run(list(text)) == expected
