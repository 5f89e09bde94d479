"""The pattern language of the detectors."""

import pytest

from gateway.core.pii.syntax import (
    Chars,
    Choice,
    Repeat,
    Sequence,
    Words,
    parse_class,
    parse_pattern,
)

A, B = Chars(frozenset("aA")), Chars(frozenset("bB"))


@pytest.mark.parametrize(
    ("pattern", "tree"),
    [
        ("a", A),
        ("ab", Sequence((A, B))),
        ("a|b", Choice((A, B))),
        ("(a|b)?", Repeat(Choice((A, B)), 0, 1)),
        ("a{2}", Repeat(A, 2, 2)),
        ("a{0,3}", Repeat(A, 0, 3)),
        (r"\d", Chars(frozenset("0123456789"))),
        (r"\(", Chars(frozenset("("))),
        (r"[a-c\d\-]", Chars(frozenset("abcABC0123456789-"))),
        ("[a-]", Chars(frozenset("aA-"))),
        ("A", Chars(frozenset("A"))),
        ("[A-B]", Chars(frozenset("AB"))),
        (r"\l", Chars(frozenset("abcdefghijklmnopqrstuvwxyz"))),
        (r"\n", Chars(frozenset("\n"))),
        ("<w>", Words(frozenset({"ab", "c"}))),
        ("", Sequence(())),
    ],
)
def test_patterns_have_one_meaning(pattern: str, tree: object) -> None:
    """Each construct of the language is parsed into its tree."""
    assert parse_pattern(pattern, {"w": ["ab", "c"]}) == tree


@pytest.mark.parametrize(
    "pattern",
    [
        "(a",
        "a)",
        "*",
        "a+",
        "a{",
        "a{x}",
        "a{3,2}",
        "a{0}",
        "[a",
        "\\",
        "a{2",
        "]",
        "a{2;",
        "<x",
        "<x>",
        "<none>",
        "<empty>",
    ],
)
def test_bad_patterns_are_refused(pattern: str) -> None:
    """A pattern that is not of the language, unbounded repetition above all, is an error."""
    with pytest.raises(ValueError, match="offset"):
        parse_pattern(pattern, {"none": [], "empty": [""]})


def test_a_class_is_one_character() -> None:
    """Where a class is needed nothing longer is taken."""
    assert parse_class("[ab]") == frozenset("abAB")
    assert parse_class("") == frozenset()
    with pytest.raises(ValueError, match="class"):
        parse_class("ab")


def test_a_class_of_its_own_for_chinese_and_for_separators() -> None:
    """Escapes stand for the classes that detectors share."""
    assert {"漢", "〇"} <= parse_class(r"\h")
    assert "a" not in parse_class(r"\h")
    assert set(" -.·|\n") <= parse_class(r"\s")
    assert parse_class(r"[\u_]") >= set("AZ_")
