"""Lists of models."""

from __future__ import annotations

import orjson
import pytest

from gateway.backends.model_lists import ListAnswer, merge_lists, read_list
from gateway.core.errors import UpstreamUnavailable
from tests.fakes.world import FakeAnswer


async def test_a_list_is_read_in_any_pieces() -> None:
    """Its entries are what counts."""
    assert await read_list(FakeAnswer([b'{"data":[{"id"', b':"m"}]}'])) == [{"id": "m"}]


@pytest.mark.parametrize(
    "answer",
    [
        FakeAnswer([b'{"data":[]}'], status=500),
        FakeAnswer([b'{"data":[]}'], content_type="text/html"),
        FakeAnswer([b"rubbish"]),
        FakeAnswer([b"[]"]),
        FakeAnswer([b'{"data":{}}']),
        FakeAnswer([b'{"data":[1]}']),
        FakeAnswer([b'{"data":[{"id":1}]}']),
        FakeAnswer([orjson.dumps({"data": [{"id": "m"}] * 1001})]),
        FakeAnswer([b"x" * 2**19] * 3),
    ],
)
async def test_anything_else_is_no_list(answer: FakeAnswer) -> None:
    """Errors, other types, too much of it, entries without a name."""
    with pytest.raises(UpstreamUnavailable):
        await read_list(answer)


async def test_lists_are_one_answer() -> None:
    """The first entry of each name is kept."""
    answer = ListAnswer(merge_lists([[{"id": "a", "n": 1}], [], [{"id": "a", "n": 2}]]))
    assert (answer.status, answer.content_type) == (200, "application/json")
    body = b"".join([data async for data in answer.chunks()])
    await answer.close()
    assert orjson.loads(body) == {"object": "list", "data": [{"id": "a", "n": 1}]}
