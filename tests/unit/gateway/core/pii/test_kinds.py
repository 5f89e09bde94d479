"""Characters that no pattern tells apart."""

import pytest

from gateway.core.pii import kinds as kinds_module
from gateway.core.pii.kinds import OTHER, SKIPPED, Kinds

SETS = (frozenset("ab"), frozenset("bc"), frozenset("漢"))


def test_a_kind_stands_for_its_memberships() -> None:
    """Two characters of the same sets share a kind, whatever way they are written."""
    kinds = Kinds((frozenset("ab"), frozenset("abc")))
    assert kinds["a"] == kinds["b"] == kinds["ｂ"] != kinds["c"]
    assert kinds.members[kinds["a"]] == {0, 1}
    assert kinds.members[kinds["c"]] == {1}


def test_characters_of_no_set_are_one_kind() -> None:
    """All of Unicode that no pattern knows is one kind; invisible signs are none."""
    kinds = Kinds(SETS)
    assert kinds["x"] == kinds["語"] == OTHER
    assert kinds["\u200b"] == SKIPPED


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text of very many different characters cannot fill the memory."""
    monkeypatch.setattr(kinds_module, "_MAX_KNOWN", 10)
    kinds = Kinds(SETS)
    first = [kinds[chr(code)] for code in range(0x4E00, 0x4F00)]
    assert len(kinds) <= 10
    assert first == [kinds[chr(code)] for code in range(0x4E00, 0x4F00)]


def test_a_set_may_be_what_another_is_not() -> None:
    """So every character belongs to one of the two."""
    kinds = Kinds((frozenset("ab"), frozenset("?")), complements={1: 0})
    assert [kinds.members[kinds[char]] for char in "a?x"] == [{0}, {1}, {1}]


def test_a_set_may_hold_characters_as_they_are_written() -> None:
    """Where two are read alike, such a set can hold the one and not the other."""
    kinds = Kinds((frozenset(";"), frozenset("；")), as_written={1})
    assert [kinds.members[kinds[char]] for char in ";；"] == [{0}, {0, 1}]


def test_all_characters_that_matter_can_be_listed() -> None:
    """What is not listed is of the kind of all others."""
    kinds = Kinds(SETS)
    listed = kinds.listed()
    assert listed["ｂ"] == kinds["b"]
    assert listed["\u200b"] == SKIPPED
    assert "x" not in listed
