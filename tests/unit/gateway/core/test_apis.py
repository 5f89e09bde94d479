"""The table of APIs."""

import pytest

from gateway.core.answers.asked import Asked
from gateway.core.answers.event_stream import EventStreamScrubber
from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.apis import APIS, Api, ErrorShape, find_error_shape
from gateway.core.errors import ScrubFailed
from gateway.core.grants import Operation


def test_every_operation_has_its_api() -> None:
    """No grant is for a call that cannot be made, and no two APIs share a path."""
    assert set(APIS) == set(Operation)
    assert all(APIS[operation].operation is operation for operation in APIS)
    assert len({api.path for api in APIS.values()}) == len(APIS)


@pytest.mark.parametrize("api", APIS.values(), ids=lambda api: api.operation)
def test_every_answer_has_a_scrubber(api: Api) -> None:
    """Streamed or whole; embeddings have no stream, and nothing passes as one."""
    assert isinstance(api.new_scrubber(Asked(), streamed=False), WholeAnswerScrubber)
    if api.operation is Operation.EMBEDDINGS:
        with pytest.raises(ScrubFailed):
            api.new_scrubber(Asked(), streamed=True)
    else:
        assert isinstance(api.new_scrubber(Asked(), streamed=True), EventStreamScrubber)


def test_errors_have_the_shape_of_their_path() -> None:
    """Whatever is no API of a model looks as the most common one does."""
    assert find_error_shape("/v1/messages") is ErrorShape.ANTHROPIC
    assert find_error_shape("/v1/responses") is ErrorShape.OPENAI_NAMED
    assert find_error_shape("/v1/models") is find_error_shape("canary") is ErrorShape.OPENAI
