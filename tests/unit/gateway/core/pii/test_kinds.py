"""Characters that no pattern tells apart."""

import pytest

from gateway.core.pii import kinds as kinds_module
from gateway.core.pii.kinds import OTHER, SKIPPED, Kinds

SETS = (frozenset("ab"), frozenset("bc"), frozenset("漢"))


def test_a_kind_stands_for_its_memberships() -> None:
    """Two characters of the same sets share a kind, whatever way they are written."""
    kinds = Kinds((frozenset("ab"), frozenset("abc")))
    assert kinds["a"] == kinds["b"] == kinds["ｂ"] != kinds["c"]
    assert kinds.members[kinds["a"]] == (0, 1)
    assert kinds.members[kinds["c"]] == (1,)


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
