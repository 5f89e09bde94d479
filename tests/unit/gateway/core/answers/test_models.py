"""Lists of models, and single ones."""

import orjson
import pytest

from gateway.core.answers.models import ModelFilter, ModelListFilter, parse_model_list
from gateway.core.errors import NotFound, UpstreamUnavailable

CANARY = "canary-5f1d"


def test_a_model_list_is_reduced() -> None:
    """Only visible models are shown, in any reads."""
    models = ModelListFilter(visible={"a"})
    body = orjson.dumps({"data": [{"id": "a", "created": 1, "root": CANARY}, {"id": "b"}]})
    assert models.feed(body[:9]) + models.feed(body[9:]) == b""
    out = models.finish()
    assert [model["id"] for model in orjson.loads(out)["data"]] == ["a"]
    assert CANARY.encode() not in out


def test_a_model_list_is_limited() -> None:
    """A list without end is an upstream fault."""
    with pytest.raises(UpstreamUnavailable):
        ModelListFilter(visible=()).feed(b" " * (16 * 1024 * 1024 + 1))


def test_a_model_list_shows_what_is_visible() -> None:
    """Only visible ids, only four members, and nothing of the server's own."""
    body = orjson.dumps(
        {
            "object": "list",
            "canary": 1,
            "data": [
                {
                    "id": "a",
                    "created": 5,
                    "owned_by": "canary",
                    "root": "/canary",
                    "permission": [],
                },
                {"id": "b", "created": 6, "root": "/canary"},
            ],
        }
    )
    assert parse_model_list(body, visible={"a", "c"}) == [
        {"id": "a", "object": "model", "created": 5, "owned_by": "sealgate"}
    ]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"data":{}}', b'{"data":[1]}', b'{"data":[{"id":"a","created":"x"}]}'],
)
def test_anything_but_a_model_list_is_an_upstream_fault(body: bytes) -> None:
    """A list that is not understood is not shown."""
    with pytest.raises(UpstreamUnavailable):
        parse_model_list(body, visible={"a"})


def test_one_model_is_taken_from_the_list() -> None:
    """It has the same members as in the list; one that is not there is not found."""
    body = orjson.dumps({"data": [{"id": "a/b", "created": 1, "root": CANARY}, {"id": "b"}]})
    one = ModelFilter("a/b")
    one.feed(body)
    shown = {"id": "a/b", "object": "model", "created": 1, "owned_by": "sealgate"}
    assert orjson.loads(one.finish()) == shown
    other = ModelFilter("a")
    other.feed(body)
    with pytest.raises(NotFound):
        other.finish()


def test_the_error_of_the_parser_is_not_kept() -> None:
    """It holds all of the text, so it is not on our error."""
    with pytest.raises(UpstreamUnavailable) as caught:
        parse_model_list(b"canary", visible=set())
    assert caught.value.__context__ is None
