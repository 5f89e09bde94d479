"""What may stand between the pieces of a number."""

import pytest

from gateway.core.pii import scrub


@pytest.mark.parametrize(
    "joint",
    [
        " then ", ", and then ", " dash ", " um, ", "然后", "，再是", " 横杠 ", " | ", "🌸", " → ",
        '" + "', "' . '", '"\n    + "', "` + `", '" || "', '" <> "', "/* x */", "<!-- sep -->", "…",
        "</b> <b>", "\x1b[31m", "\\033[0m", "\u3164", "\u2800", " (pause) ", ") (", "★",
    ],
)  # fmt: skip
def test_a_number_goes_on_over_a_joint(joint: str) -> None:
    """Signs, words, comments, operators and colours of terminals part no number from itself."""
    assert scrub(f"手机号：139{joint}2764{joint}8813 完") == "手机号：[PHONE] 完"


@pytest.mark.parametrize("joint", [" of ", " out of ", "月", " km, ", " or so until "])
def test_other_words_part_numbers(joint: str) -> None:
    """What nobody says while reading a number out ends it."""
    text = f"SSN: 536{joint}22{joint}8714"
    assert scrub(text) == text
