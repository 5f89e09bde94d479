"""Words of contexts, found one character at a time."""

import pytest

from gateway.core.pii import keywords as keywords_module
from gateway.core.pii.detector import Context
from gateway.core.pii.keywords import Keywords

WORDS = (Context(("tel", "telephone")), Context(("手机", "机号")), Context(("id no",)))


def found(text: str, keywords: Keywords | None = None) -> list[tuple[int, int]]:
    """Return the contexts found in *text* with the offsets of their ends."""
    state = (keywords or Keywords(WORDS)).first
    hits: list[tuple[int, int]] = []
    for at, char in enumerate(text):
        state = state[char]
        hits += [(place, at + 1) for place in state.found]
    return hits


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("tel", [(0, 3)]),
        ("a TEL.", [(0, 5)]),
        ("ｔｅｌ", [(0, 3)]),
        ("telephone", [(0, 3), (0, 9)]),
        ("hotel", []),
        ("手机号", [(1, 2), (1, 3)]),
        ("x手机", [(1, 3)]),
        ("my ID no", [(2, 8)]),
        ("", []),
    ],
)
def test_words_are_found_wherever_they_stand(text: str, hits: list[tuple[int, int]]) -> None:
    """Width and case do not matter; a Latin word begins where a word begins."""
    assert found(text) == hits


def test_invisible_signs_do_not_hide_a_word() -> None:
    """They leave the state as it is."""
    assert (1, 3) in found("手\u200b机")


def test_what_is_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is too much it is dropped, and the words are found all the same."""
    monkeypatch.setattr(keywords_module, "MAX_STEPS", 3)
    keywords = Keywords(WORDS)
    assert found("the tel and 手机", keywords) == found("the tel and 手机")
