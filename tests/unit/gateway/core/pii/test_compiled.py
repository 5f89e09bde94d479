"""The compiled walk does what the walk in Python does."""

from __future__ import annotations

import gc
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.pii import csrc
from gateway.core.pii.compiled import IS_COMPILED, LIMITS, compiled_machine
from gateway.core.pii.detector import Context, Detector
from gateway.core.pii.detectors import DETECTORS
from gateway.core.pii.folding import INVISIBLE, READ
from gateway.core.pii.machine import AnyWalk, Machine
from gateway.core.pii.packing import pack
from gateway.core.pii.shipped import shipped_machine
from gateway.core.pii.stream import StreamScrubber
from gateway.core.pii.tables import Tables

pytestmark = pytest.mark.skipif(not IS_COMPILED, reason="the walk is not compiled")

TABLES = Tables(DETECTORS)
INTERPRETED = Machine(DETECTORS, compiled=False)
FRAGMENTS = [
    *("电话", "手机号：", "phone ", "姓名 ", "王伟", "先生", "138", "00138000", "13800138000"),
    *("4111 ", "1111", "ann@", "example.com", "id_no: ", "passport ", "护照", "E1234567", "&#49;"),
    *("%31", "\\u0031", "**", "<b>", "\u200b", "６２", "七八九", "one two ", "sk-", "eyJ", "Mr. "),
    *("abcdefghij0123456789", "北京市朝阳区", "路12号", "John Smith", "Dear ", "order no "),
    *("密码是", "hunter2!", "10.0.0.1", "version ", "1985-03-04", "出生", "京A·"),
    *"0123456789 .-，。、\n|/@_aXé",
]
# Small detectors that meet in every way: leads, tails, boundaries, checks, contexts, rows.
SMALL = Tables(
    [
        Detector(
            label="A", pattern="a(b|c){1,5}a", check=lambda value, before: len(value) % 2 == 0
        ),
        Detector(label="B", pattern="[bc]{2}", not_before="[ab]c"),
        Detector(
            label="C", pattern="ca?", tail="b?c", check=lambda value, before: "b" not in before
        ),
        Detector(
            label="D", pattern="b", lead="[ad]", lead_start="a", lead_limit=4, not_after="[ad]"
        ),
        Detector(label="E", pattern="d{2}", after=(Context(("ab",), 5, frozenset("c ")),)),
        Detector(label="F", pattern="d.", unless=(Context(("b",), 3, None, frozenset("a")),)),
        Detector(label="G", pattern=r"1( ?1){1,3}", first_in_row=True, followed_by="[ad]"),
    ]
)
SMALL_COMPILED = Machine(SMALL.detectors)
SMALL_INTERPRETED = Machine(SMALL.detectors, compiled=False)
PACKED = pack(SMALL)


def run(machine: Machine, text: str) -> tuple[str, list[int], list[tuple[str, str, int, int]]]:
    """Return what comes out, what waits after each character, and what was found."""
    scrubber = StreamScrubber(machine=machine, explains=True)
    out, waits = "", []
    for char in text:
        out += scrubber.feed(char)
        waits.append(scrubber.held())
    return out + scrubber.finish(), waits, scrubber.findings()


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=20).map("".join))
def test_all_detectors_find_the_same(text: str) -> None:
    """Output, what waits at every character, and findings are equal."""
    assert run(shipped_machine(), text) == run(INTERPRETED, text)


@given(st.text("abcd. 1\u200b\U0001d7d9", max_size=60))
def test_small_detectors_find_the_same(text: str) -> None:
    """In whatever way values of all forms meet."""
    assert run(SMALL_COMPILED, text) == run(SMALL_INTERPRETED, text)


def test_every_character_is_of_the_same_kind() -> None:
    """No character of Unicode is read otherwise."""
    detectors = [Detector(label="X", pattern=r"[a-z\d；]", not_after="[\\h,]")]
    sample = [*READ, *INVISIBLE, *map(chr, range(0x80, sys.maxunicode, 97))]
    text = ".".join([char for char in sample if char not in "<&*%\\~"])
    outs = []
    for compiled in (True, False):
        scrubber = StreamScrubber(machine=Machine(detectors, compiled=compiled))
        outs.append(scrubber.feed(text) + scrubber.finish())
    assert outs[0] == outs[1]


class Court:
    """A judge for the parity of the place, who forgets nothing."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, ...]] = []

    def agrees(self, order: int, begin: int, end: int) -> bool:
        self.heard.append((0, order, begin, end))
        return (begin + end) % 3 > 0

    def replace(self, order: int, begin: int, end: int) -> None:
        self.heard.append((1, order, begin, end))

    def drop(self, until: int) -> None:
        self.heard.append((2, until))


@pytest.mark.parametrize("place", range(len(LIMITS)))
def test_forgetting_changes_nothing(place: int) -> None:
    """With hardly any room everything is learnt anew all the time, in the middle of values too."""
    limits = tuple(3 if place == other else most for other, most in enumerate(LIMITS))
    tight, roomy = compiled_machine(PACKED, limits), compiled_machine(PACKED)
    rng = random.Random(3)
    walks = [(tight.walk(), roomy.walk(), Court(), Court()) for _ in range(5)]
    for _ in range(400):
        one, other, court, same_court = rng.choice(walks)
        text = "".join(rng.choices("abcd. 1", k=7))
        assert one.take(text, court) == other.take(text, same_court)
        assert (one.needed(), one.under_way()) == (other.needed(), other.under_way())
    for one, other, court, same_court in walks:
        assert one.finish(court) == other.finish(same_court)
        assert court.heard == same_court.heard
    assert tight.learnt()[-1] > 10
    assert roomy.learnt()[-1] == 0


def test_what_is_learnt_is_bounded() -> None:
    """Hostile text fills the tables up to the limit and no further."""
    limits = (300, 900, 3000, 40)
    machine = compiled_machine(pack(TABLES), limits)
    rng = random.Random(4)
    most = [0] * len(limits)
    for _ in range(200):
        machine.walk().take("".join(rng.choices(FRAGMENTS, k=6)), Court())
        most = [max(pair) for pair in zip(most, machine.learnt(), strict=False)]
    # A character may learn a little more before the limit is looked at.
    assert all(got <= limit * 1.5 for got, limit in zip(most, limits, strict=True))


def test_what_is_learnt_from_text_before_is_bounded() -> None:
    """Names of fields alone, with nothing in the fields, fill nothing either."""
    machine = compiled_machine(pack(TABLES), (20, *LIMITS[1:]))
    rng = random.Random(4)
    for _ in range(50):
        machine.walk().look_at("".join(rng.choices(FRAGMENTS, k=6)))
        assert machine.learnt()[0] <= 30


class CourtWithoutMemory(Court):
    """A judge that lets another walk of the machine run out of memory, *after* so much of it."""

    def __init__(self, other: AnyWalk, after: int) -> None:
        super().__init__()
        self._other, self._after = other, after
        self.ran_out = False

    def agrees(self, order: int, begin: int, end: int) -> bool:
        testing = pytest.importorskip("_testcapi")
        court = Court()
        testing.set_nomemory(self._after, 0)
        try:
            try:
                self._other.take("abbcabca", court)
            finally:
                testing.remove_mem_hooks()
        except (MemoryError, RuntimeError):
            self.ran_out = True
        return True


@pytest.mark.parametrize("after", range(8))
def test_without_memory_to_forget_walks_end_and_new_ones_begin(after: int) -> None:
    """Not even the walk in whose check it happened reads a state that is none any more."""
    machine = compiled_machine(PACKED, (3, *LIMITS[1:]))
    walk, other = machine.walk(), machine.walk()
    court = CourtWithoutMemory(other, after)
    with pytest.raises(MemoryError):
        walk.take("abbca abbca", court)
    assert court.ran_out
    for lost in (walk, other):
        with pytest.raises(RuntimeError):
            lost.needed()
        with pytest.raises(RuntimeError):
            lost.take("a", Court())
    heard = Court()
    assert machine.walk().take("abba.", heard) == compiled_machine(PACKED).walk().take(
        "abba.", Court()
    )


def test_walks_keep_their_machine() -> None:
    """A walk goes on when nobody else knows its machine any more."""
    walk = compiled_machine(PACKED).walk()
    gc.collect()
    assert walk.take("abba.", Court()) == 5


@pytest.mark.parametrize("wrong", [b"", b"\0" * 3, b"\0" * 4096, bytes(range(256)) * 40])
def test_what_is_no_table_is_refused(wrong: bytes) -> None:
    """Not a single number is used before all are checked."""
    with pytest.raises(ValueError, match="tables"):
        compiled_machine(wrong)


@given(st.data())
def test_a_broken_table_is_refused_or_harmless(data: st.DataObject) -> None:
    """Whatever number is wrong, nothing outside the tables is read: a walk ends or is refused."""
    packed = bytearray(PACKED)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(packed) // 4 - 1)) * 4
        packed[at : at + 4] = data.draw(st.integers(0, 2**32 - 1)).to_bytes(4, sys.byteorder)
    try:
        machine = compiled_machine(bytes(packed))
    except ValueError:
        return
    walk = machine.walk()
    walk.take("abba caccc dd1 1 1a", Court())
    walk.finish(Court())


@pytest.mark.parametrize("call", ["take", "look_at", "finish"])
def test_wrong_arguments_are_refused(call: str) -> None:
    """A walk takes text and a judge, nothing else."""
    walk = compiled_machine(PACKED).walk()
    wrong = {"take": (b"abba.", Court()), "look_at": (b"a",), "finish": ()}[call]
    with pytest.raises(TypeError):
        getattr(walk, call)(*wrong)


def test_a_library_of_other_sources_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest covers every source, its name and its length."""
    for file in [*csrc.sources(), *csrc.FOLDER.glob("*.h")]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(csrc, "FOLDER", tmp_path)
    same = csrc.digest()
    (tmp_path / "walk.c").write_bytes(b" ")
    other = csrc.digest()
    monkeypatch.undo()
    assert csrc.digest() == same != other
