"""The scrubber of a stream: the same for every cut, early, bounded, and without a gap."""

import random

import pytest
from chunk_invariance import assert_chunk_invariant, per_chunk
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii import StreamScrubber, scrub
from gateway.core.pii.actions import Actions, Placeholder
from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.machine import Machine

VALUES = [
    "ann.lee@example.com",
    "13800138000",
    "+86 138-0013-8000",
    "11010519491231002X",
    "4111 1111 1111 1111",
    "202-555-0143",
    "+44 20 7946 0958",
    "123-45-6789",
    "GB82 WEST 1234 5698 7654 32",
]
FRAGMENTS = [
    *VALUES,
    *"0123456789",
    *" .-()+@,:/_x",
    "１３８",
    "\u200b",
    "电话",
    "phone ",
    "com",
    "user@",
    ".org",
    "GB82",
    "4111 1111",
    "word",
]
texts = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)

both = pytest.mark.parametrize("compiled", [True, False])

PROSE = (
    "The river runs past the old mill, and in spring the meadows are full of flowers. Nobody "
    "knows who built the bridge; it has been there for 300 years, they say. Version 2.4.1 of the "
    "story (told on 2024-05-06 at 12:30) costs $1,234.56 and is not true. "
) * 8


def run(pieces: list[str], scrubber: StreamScrubber | None = None) -> str:
    """Feed *pieces* and finish."""
    scrubber = scrubber or StreamScrubber()
    return "".join([scrubber.feed(piece) for piece in pieces]) + scrubber.finish()


@given(texts, st.randoms(use_true_random=False))
def test_every_cut_gives_the_same(text: str, rng: random.Random) -> None:
    """Whole, by the character or cut anywhere: the joined output is one."""
    cuts = sorted(rng.choices(range(len(text) + 1), k=rng.randint(0, 12)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert run(pieces) == run(list(text)) == scrub(text)


@given(st.text())
def test_any_text_is_cut_invariant(text: str) -> None:
    """The promise holds for all of Unicode."""
    assert run(list(text)) == scrub(text)


@pytest.mark.parametrize("value", VALUES)
def test_every_two_part_split_is_invariant(value: str) -> None:
    """An independent checker finds no split that differs."""
    stream = per_chunk(
        lambda chunk, scrubber: scrubber.feed(chunk),
        state=StreamScrubber,
        flush=lambda scrubber: scrubber.finish(),
    )
    assert_chunk_invariant(stream, scrub, f"so {value}, and {value}.")
    assert_chunk_invariant(stream, scrub, value[:14], splits="all")


@pytest.mark.parametrize("value", VALUES)
@given(
    left=st.sampled_from(["", " ", "（", "：", "12 ", "phone ", "12 34 56 "]),
    right=st.text("ab 漢。"),
)
def test_nothing_before_a_value_hides_it(value: str, left: str, right: str) -> None:
    """Failed starts before a value do not lose it."""
    assert value not in scrub(f"{left}{value}. {right}")


def test_plain_prose_is_hardly_held_back() -> None:
    """On average at most four characters of plain prose wait, and none after a sentence."""
    scrubber, fed, sent, waiting = StreamScrubber(), 0, 0, []
    for start in range(0, len(PROSE), 5):
        piece = PROSE[start : start + 5]
        fed += len(piece)
        sent += len(scrubber.feed(piece))
        waiting.append(fed - sent)
    assert sum(waiting) / len(waiting) <= 4
    assert StreamScrubber().feed("word, ") == "word, "
    assert StreamScrubber().feed("word is") == "word "


def test_chinese_prose_is_not_held_back() -> None:
    """Text without digits and Latin letters leaves at once."""
    text = "河水流过老磨坊，春天草地开满花。"
    assert StreamScrubber().feed(text) == text


def test_a_value_leaves_as_soon_as_it_is_certain() -> None:
    """The placeholder goes out with the first character that cannot belong to the value."""
    scrubber = StreamScrubber()
    assert scrubber.feed("on 202-555-0143") == "on "
    assert scrubber.feed(",") == "[PHONE],"


def test_an_address_is_replaced_before_it_ends() -> None:
    """What may be of any length is replaced early, and the rest of it is dropped as it comes."""
    scrubber = StreamScrubber()
    assert scrubber.feed("ann@example.co") == "[EMAIL]"
    for _ in range(10_000):
        assert scrubber.feed("m.example") == ""
    assert len(scrubber._window.text) < 2_000
    assert scrubber.feed("!") == "!"


@both
def test_a_check_decides_about_a_value_without_an_end_once(*, compiled: bool) -> None:
    """What is refused at its shortest is given up, so that nothing waits for an end."""
    machine = Machine(
        [
            Detector(
                label="X", pattern="a[0-9]", tail="b", check=lambda value, before: "1" in value
            ),
            Detector(
                label="Y", pattern="a[0-9]", tail="b", check=lambda value, before: "2" in value
            ),
        ],
        compiled=compiled,
    )
    scrubber = StreamScrubber(machine=machine)
    assert scrubber.feed("a0bbb") == "a0bbb"
    assert scrubber.feed("a1bbb") == "[X]"
    assert scrubber.feed("a2bbb.") == "[Y]."


@both
def test_leads_with_a_check_do_not_pile_up(*, compiled: bool) -> None:
    """However many beginnings a value without an end to the left has, one is under way."""
    detector = Detector(
        label="X",
        pattern="@",
        lead="[a.]",
        lead_start="a",
        lead_limit=9,
        not_after="a",
        check=lambda value, before: True,
    )
    scrubber = StreamScrubber(machine=Machine([detector], compiled=compiled))
    for _ in range(1_000):
        scrubber.feed("a.")
    assert scrubber._walk.under_way() == 1
    assert scrubber.feed("@") + scrubber.finish() == "[X]"


def test_no_text_is_held_without_end() -> None:
    """However long a word is, a bounded part of it waits, and the address at its end is found."""
    scrubber, sent = StreamScrubber(), 0
    for _ in range(5_000):
        sent += len(scrubber.feed("a.b"))
    assert sent >= 15_000 - 64
    assert len(scrubber._window.text) < 2_000
    assert scrubber.feed("@example.com!") == "[EMAIL]!"


def test_invisible_characters_cannot_fill_the_memory() -> None:
    """A number drowned in invisible characters is still a number."""
    scrubber, out = StreamScrubber(), ""
    for digit in "13800138000":
        out += scrubber.feed(digit + "\u200b" * 10_000)
    assert len(scrubber._window.text) < 2_000
    assert out + scrubber.finish() == "[PHONE]" + "\u200b" * 32


@both
def test_the_rest_of_an_overlapping_value_goes_too(*, compiled: bool) -> None:
    """Where two values overlap, none of either stays."""
    machine = Machine(
        [Detector(label="A", pattern="abcd"), Detector(label="B", pattern="cdefgh")],
        compiled=compiled,
    )
    for text in ("abcdefgh", "xabcdefghx"):
        out = run(list(text), StreamScrubber(machine=machine))
        assert out.strip("x") == "[A][B]"


@both
def test_the_longer_of_two_values_wins(*, compiled: bool) -> None:
    """From one start the longest value counts, and what lies inside it is forgotten."""
    machine = Machine(
        [
            Detector(label="SHORT", pattern="ab", not_before="x"),
            Detector(label="LONG", pattern="abcd"),
            Detector(label="INNER", pattern="c", not_before="[yz]{2}"),
        ],
        compiled=compiled,
    )
    assert run(["abcd"], StreamScrubber(machine=machine)) == "[LONG]"
    assert run(["abc"], StreamScrubber(machine=machine)) == "[SHORT][INNER]"
    assert run(["abx"], StreamScrubber(machine=machine)) == "abx"
    assert run(list("cyz cy"), StreamScrubber(machine=machine)) == "cyz [INNER]y"


@both
def test_a_tail_waits_for_what_began_earlier(*, compiled: bool) -> None:
    """A value with a tail is not replaced early while an older value might cover it."""
    machine = Machine(
        [
            Detector(label="OLD", pattern="xa{1,9}y"),
            Detector(label="TAIL", pattern="aa", tail="a", not_after="[a]"),
            Detector(label="AAB", pattern="aab"),
        ],
        compiled=compiled,
    )
    assert run(list("xaaay"), StreamScrubber(machine=machine)) == "[OLD]"
    assert run(list("xaaaz"), StreamScrubber(machine=machine)) == "x[TAIL]z"
    assert run(list("aaab"), StreamScrubber(machine=machine)) == "[TAIL][AAB]"


def test_text_before_the_stream_is_context_only() -> None:
    """What stands before helps the checks and never comes out."""
    assert run(["2025550143"], StreamScrubber(before="phone:")) == "[PHONE]"
    assert run(["2025550143"]) == "2025550143"


def test_the_form_of_placeholders_can_be_chosen() -> None:
    """The label is shown in the form that the caller asks for."""
    assert (
        run(["123-45-6789"], StreamScrubber(actions=Actions(default=Placeholder("<{}>"))))
        == "<SSN>"
    )


@both
def test_a_younger_value_waits_for_an_older_one(*, compiled: bool) -> None:
    """A valid value is not replaced while an older one around it is still possible."""
    machine = Machine(
        [
            Detector(label="OLD", pattern="ab", not_before="xyz"),
            Detector(label="YOUNG", pattern="b"),
        ],
        compiled=compiled,
    )
    assert run(list("abxyz"), StreamScrubber(machine=machine)) == "a[YOUNG]xyz"
    assert run(list("abxy!"), StreamScrubber(machine=machine)) == "[OLD]xy!"


@both
def test_a_shortened_lead_does_not_hide_what_is_older(*, compiled: bool) -> None:
    """A long lead lets go of its beginning, so a value that began later can be the older one."""
    machine = Machine(
        [
            Detector(
                label="LEAD",
                pattern="@",
                lead="[ab]",
                lead_start="a",
                lead_limit=2,
                not_after="[ab]",
            ),
            Detector(label="OLD", pattern="aaab!"),
            Detector(label="YOUNG", pattern="aab"),
        ],
        compiled=compiled,
    )
    assert run(list("aaaaab!"), StreamScrubber(machine=machine)) == "aa[OLD]"
    assert run(list("aaaaabx"), StreamScrubber(machine=machine)) == "aaa[YOUNG]x"


def test_cutting_the_buffer_changes_nothing() -> None:
    """Values that are open while old text is dropped are replaced all the same."""
    card = ("\u200b" * 32).join("4111111111111111")
    text = f"{'so ' * 300}{card}, {'so ' * 300}202-555-0143"
    for size in (1, 7, 500):
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert run(pieces) == f"{'so ' * 300}[BANK_CARD], {'so ' * 300}[PHONE]"
    scrubber = StreamScrubber()
    assert scrubber.feed("so " * 300 + "202-555-0143") == "so " * 300
    assert scrubber.feed(".") == ""
    assert scrubber.finish() == "[PHONE]."


@both
def test_a_word_may_be_needed_before_a_value(*, compiled: bool) -> None:
    """Without one of its words a detector finds nothing; each detector has words of its own."""
    machine = Machine(
        [
            Detector(label="A", pattern="11", after=(Context(("é", "tel"), 20, None),)),
            Detector(label="B", pattern="22", after=(Context(("fax",), 20, None),)),
            Detector(label="C", pattern="22x"),
        ],
        compiled=compiled,
    )
    for text, expected in (
        ("11 22", "11 22"),
        ("a 11", "a 11"),
        ("É 11", "É [A]"),
        ("é 11", "é [A]"),
        ("TEL 11 22", "TEL [A] 22"),
        ("fax 11 22", "fax 11 [B]"),
        ("fax" + " " * 24 + "22", "fax" + " " * 24 + "22"),
        ("22x", "[C]"),
    ):
        assert run(list(text), StreamScrubber(machine=machine)) == expected


@pytest.mark.parametrize(
    ("prompt", "answer", "expected"),
    [
        ("Her mobile phone: 1", "3800138000 I think", "[PHONE] I think"),
        ("Write to anna.smith@", "example.com.", "[EMAIL]."),
        ("Card 4", "111 1111 1111 1111 ok", "[BANK_CARD] ok"),
        ("id card 1", "1010519491231002X", "[CN_ID]"),
        ("13800138000", "", ""),
        ("13800138000", " is it", " is it"),
        ("13800138000", "1", "1"),
        ("ann@example.co", "m, yes", ", yes"),
        ("call ", "555-0143", "[PHONE]"),
        ("The number 138", " is even", " is even"),
        ("a word", "s more", "s more"),
    ],
)
def test_a_value_that_begins_before_the_stream_is_replaced(
    prompt: str, answer: str, expected: str
) -> None:
    """Of such a value the part in the stream goes; nothing of what stands before comes out."""
    assert run([answer], StreamScrubber(continued=prompt)) == expected
    assert run(list(answer), StreamScrubber(continued=prompt)) == expected


@given(texts, st.integers(0, 60))
def test_any_continued_text_shows_no_more_than_the_whole_would(text: str, cut: int) -> None:
    """After the last placeholder, the second part gives what the whole gives there."""
    rest = run([text[cut:]], StreamScrubber(continued=text[:cut]))
    shown = rest.rpartition("]")[2]
    assert scrub(text).endswith(shown)


def test_rows_of_digits_are_cheap() -> None:
    """Single digits with gaps keep few possible values open: what costs time is bounded."""
    scrubber = StreamScrubber()
    most = 0
    for char in "4 7 2 9 1 3 8 " * 60:
        scrubber.feed(char)
        most = max(most, scrubber._walk.under_way())
    assert most <= 8


@both
def test_what_must_follow_is_needed_and_stays(*, compiled: bool) -> None:
    """A value counts only before it, and at the end of the text not at all."""
    machine = Machine(
        [Detector(label="X", pattern=r"\N{3}", followed_by="先生")], compiled=compiled
    )
    for text, expected in (
        ("一二三先生", "[X]先生"),
        ("one1l先生", "[X]先生"),
        ("一二三先", "一二三先"),
    ):
        assert run(list(text), StreamScrubber(machine=machine)) == expected


def test_what_was_found_and_what_waits_can_be_asked() -> None:
    """Label, rule and place in the input as it was written; nothing unless asked for."""
    scrubber = StreamScrubber(explains=True)
    assert scrubber.feed("to: 1&#51;800138000, &am") == "to: [PHONE], "
    assert scrubber.held() == 3
    assert scrubber.findings() == [("PHONE", "PHONE", 4, 19)]
    assert scrubber.findings() == []


@pytest.mark.parametrize("beginning", ["sk-", "glpat-", "sk-a.", "AKIA", "ghp_"])
def test_a_row_of_beginnings_is_not_held_for_ever(beginning: str) -> None:
    """What may be a key or an e-mail address is decided soon, so work and memory stay bounded."""
    text = beginning * (600 // len(beginning))
    scrubber = StreamScrubber()
    released = "".join([scrubber.feed(char) for char in text])
    assert len(text) - len(released) < 200
    assert released + scrubber.finish() == scrub(text)
