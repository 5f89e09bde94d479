"""The table of APIs."""

import pytest

from gateway.core.answers.asked import Asked
from gateway.core.answers.event_stream import EventStreamScrubber
from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.apis import APIS, Api
from gateway.core.grants import Operation


def test_every_operation_has_its_api() -> None:
    """No grant is for a call that cannot be made, and no two APIs share a path."""
    assert set(APIS) == set(Operation)
    assert all(APIS[operation].operation is operation for operation in APIS)
    assert len({api.path for api in APIS.values()}) == len(APIS)


@pytest.mark.parametrize("api", APIS.values(), ids=lambda api: api.operation)
def test_every_answer_has_a_scrubber(api: Api) -> None:
    """Streamed or whole."""
    assert isinstance(api.new_scrubber(Asked(), streamed=True), EventStreamScrubber)
    assert isinstance(api.new_scrubber(Asked(), streamed=False), WholeAnswerScrubber)
