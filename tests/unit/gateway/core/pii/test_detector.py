"""What may be declared as a detector."""

import pytest

from gateway.core.pii.detector import Detector


@pytest.mark.parametrize(
    "wrong",
    [
        {"tail": "b", "not_before": "a"},
        {"tail": "b", "check": lambda value, before: True},
        {"tail": "b", "words": ("tel",)},
        {"lead": "[a]"},
        {"lead": "[a]", "lead_limit": 3},
        {"lead_start": "[a]"},
        {"lead_limit": 3},
    ],
)
def test_declarations_that_cannot_be_kept_are_refused(wrong: dict[str, object]) -> None:
    """A check after the placeholder was sent, or a lead without a limit, is an error."""
    with pytest.raises(ValueError, match=r"tail|lead"):
        Detector(label="X", pattern="a", **wrong)
