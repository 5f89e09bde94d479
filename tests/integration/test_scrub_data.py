"""Published development data through a running gateway."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from gateway.core.pii import scrub
from loadtests import through_gateway
from loadtests.through_gateway import random_pieces

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("SEALGATE_SHARED", ROOT.parent / "shared"))  # noqa: TID251
DATA = SHARED / "pii/dev.jsonl"
# One of so many texts; loadtests.through_gateway lets a scorer take all of them.
EVERY = 12


def test_pieces_are_the_text():
    """Cutting loses nothing, and the same seed cuts in the same places."""
    whole = "abc" * 30
    assert "".join(random_pieces(whole, 1)) == whole
    assert list(random_pieces(whole, 1)) == list(random_pieces(whole, 1))


@pytest.mark.skipif(not DATA.exists(), reason="no development data; set SEALGATE_SHARED")
def test_a_stream_in_random_pieces_is_scrubbed_as_a_whole_text():
    """What a client reads of a sealed stream is what the scrubber makes of the whole text."""
    texts = [orjson.loads(line)["text"] for line in DATA.read_bytes().splitlines()[::EVERY]]
    assert len(texts) > 100
    for text in texts:
        assert through_gateway.scrub(text) == scrub(text)
