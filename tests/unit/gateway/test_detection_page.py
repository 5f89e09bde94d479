"""The public page on what is redacted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.core.pii import scrub
from gateway.core.pii.labels import LABELS

PAGE = Path(__file__).parents[3] / "gateway/detection.md"
ROWS = re.findall(r"^\| `([A-Z_]+)` \|.*\| (.+) \|$", PAGE.read_text(), re.MULTILINE)
EXAMPLES = [(label, example) for label, cell in ROWS for example in re.findall("`([^`]+)`", cell)]


def test_page_has_every_type() -> None:
    """One row for each type that detectors declare, and none for others."""
    assert sorted(label for label, _ in ROWS) == sorted(LABELS)


@pytest.mark.parametrize(("label", "example"), EXAMPLES)
def test_examples_are_redacted(label: str, example: str) -> None:
    """What the page gives as an example is found as what the page says."""
    assert f"[{label}]" in scrub(example)
