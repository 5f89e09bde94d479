"""What may be declared as a detector."""

import pytest

from gateway.core.pii.detector import LONGEST_GAP, LONGEST_REACH, Context, Detector


@pytest.mark.parametrize(
    "wrong",
    [
        {"tail": "b", "not_before": "a"},
        {"tail": "b", "followed_by": "a"},
        {"not_before": "b", "followed_by": "a"},
        {"lead": "[a]"},
        {"lead": "[a]", "lead_limit": 3},
        {"lead_start": "[a]"},
        {"lead_limit": 3},
    ],
)
def test_declarations_that_cannot_be_kept_are_refused(wrong: dict[str, object]) -> None:
    """A right boundary after the placeholder was sent, a lead without a limit: an error."""
    with pytest.raises(ValueError, match=r"tail|lead|boundary"):
        Detector(label="X", pattern="a", **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"words": ()},
        {"words": ("a", "")},
        {"words": ("a",), "gap": LONGEST_GAP + 1},
        {"words": ("a",), "gap": LONGEST_REACH + 1, "filler": None, "stops": frozenset()},
    ],
)
def test_a_context_has_words_and_a_limited_reach(wrong: dict[str, object]) -> None:
    """Text is kept only so far back."""
    with pytest.raises(ValueError, match=r"words|gap"):
        Context(**wrong)


def test_a_context_that_needs_no_text_reaches_further() -> None:
    """As the head of a table does, whatever its rows hold."""
    context = Context(words=("a",), gap=LONGEST_REACH, filler=None, stops=frozenset())
    assert context.is_unbroken
    assert not Context(words=("a",)).is_unbroken


def test_a_rule_is_named_and_reads_its_values() -> None:
    """The label stands in for a name; only a pattern of said digits has its digits spelled."""
    assert Detector(label="X", pattern="a").rule == "X"
    assert Detector(label="X", pattern="a", name="x-1").rule == "x-1"
    assert Detector(label="X", pattern="a").read("one") == "one"
    assert Detector(label="X", pattern=r"\N").read("one") == "1"
