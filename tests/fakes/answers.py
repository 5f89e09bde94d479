"""The scrubbers of answers, as tests ask for them."""

from __future__ import annotations

from gateway.core.answers.asked import Asked
from gateway.core.answers.event_stream import EventStreamScrubber
from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.apis import APIS
from gateway.core.grants import Operation
from gateway.core.tally import Tally
from gateway.core.text_scrubbers import TextScrubbers


def stream_scrubber(
    operation: Operation, scrubbers: TextScrubbers | None = None, *, tally: Tally | None = None
) -> EventStreamScrubber:
    """Return the scrubber of a streamed answer."""
    asked = Asked(scrubbers or TextScrubbers(), tally or Tally())
    scrubber = APIS[operation].new_scrubber(asked, streamed=True)
    assert isinstance(scrubber, EventStreamScrubber)
    return scrubber


def whole_scrubber(
    operation: Operation, scrubbers: TextScrubbers | None = None, *, tally: Tally | None = None
) -> WholeAnswerScrubber:
    """Return the scrubber of an answer in one piece."""
    asked = Asked(scrubbers or TextScrubbers(), tally or Tally())
    scrubber = APIS[operation].new_scrubber(asked, streamed=False)
    assert isinstance(scrubber, WholeAnswerScrubber)
    return scrubber
