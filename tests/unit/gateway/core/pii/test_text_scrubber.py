"""What scrubs one text."""

from __future__ import annotations

from gateway.core.json_text import JsonTextScrubber
from gateway.core.masks import Masks
from gateway.core.pii import StreamScrubber
from gateway.core.pii.text_scrubber import TextScrubber
from gateway.core.restorer import Restorer


def test_all_scrubbers_of_texts_can_stand_for_each_other() -> None:
    """The machine and what is put around it have the same two methods."""
    inner = StreamScrubber()
    for scrubber in (inner, JsonTextScrubber(), Restorer(inner, Masks(b"{}"))):
        assert isinstance(scrubber, TextScrubber)
