"""Log-probabilities of tokens."""

from typing import Any

import pytest

from gateway.core.answers.logprobs import TokenText, rebuild_entries, rebuild_lists
from gateway.core.errors import ScrubFailed
from gateway.core.pii.actions import Actions, Block
from gateway.core.pii.ner import SentenceModel, Span
from gateway.core.text_scrubbers import Slices, TextScrubbers


def drain(slices: Slices[Any]) -> Any:
    """Return the result of *slices*."""
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return end.value


def text(*prompts: str, **settings: Any) -> TokenText:
    """Return the text of a choice, which goes on from a prompt if there is one."""
    return TokenText(TextScrubbers(prompts, **settings), "text" if prompts else "content")


def entry(token: str, *others: str) -> dict[str, Any]:
    """Return an entry as vLLM writes it."""
    top = [{"token": other, "logprob": -2.0, "bytes": [99]} for other in others]
    return {"token": token, "logprob": -0.5, "bytes": [99], "top_logprobs": top, "x": "canary"}


def test_entries_of_a_text_without_values_stay() -> None:
    """With bytes of our own making; parts of a character have none."""
    shown = drain(rebuild_entries([entry("so", "or"), entry("\ufffd")], text()))
    assert shown == [
        {
            "token": "so",
            "logprob": -0.5,
            "bytes": [115, 111],
            "top_logprobs": [{"token": "or", "logprob": -2.0, "bytes": [111, 114]}],
        },
        {"token": "\ufffd", "logprob": -0.5, "bytes": None, "top_logprobs": []},
    ]


def test_all_entries_go_with_a_value() -> None:
    """No token of a text in which something would be replaced is shown."""
    assert drain(rebuild_entries([entry("tel 138"), entry("0013"), entry("8000")], text())) == []
    assert drain(rebuild_entries([entry("3800138000")], text("tel 1"))) == []


def test_an_alternative_that_would_make_a_value_goes() -> None:
    """It is read behind the text before it, and behind the prompt at the beginning."""
    [_, last] = drain(rebuild_entries([entry("tel 1380013800"), entry("x", "0 ", "y")], text()))
    assert [other["token"] for other in last["top_logprobs"]] == ["y"]
    [first] = drain(rebuild_entries([entry("x", "3800138000", "y")], text("tel 1")))
    assert [other["token"] for other in first["top_logprobs"]] == ["y"]
    blocking = text(actions=Actions(default=Block()))
    [only] = drain(rebuild_entries([entry("x", "13800138000", "y")], blocking))
    assert [other["token"] for other in only["top_logprobs"]] == ["y"]


def test_what_is_only_looked_at_is_not_counted() -> None:
    """Neither a value that the tokens make nor one among the alternatives was replaced anywhere."""
    counted: list[str] = []
    for tokens in ([entry("x", "13800138000", "y")], [entry("13800138000")]):
        drain(rebuild_entries(tokens, text(actions=Actions(count=counted.append))))
    assert counted == []


def test_a_model_for_names_is_not_asked_about_alternatives() -> None:
    """There are twenty for each token, so with a model none is shown; it sees the text once."""

    class Names:
        asked = 0

        def find(self, sentence: str) -> list[Span]:
            self.asked += 1
            return []

    model = Names()
    tokens = text(model=SentenceModel(model, 100))
    shown = drain(rebuild_entries([entry("so", "or", "as"), entry(" it goes", " be")], tokens))
    assert [(one["token"], one["top_logprobs"]) for one in shown] == [("so", []), (" it goes", [])]
    assert model.asked == 1


def test_lists_of_a_completion_go_the_same_way() -> None:
    """Tokens, their numbers and their alternatives; None if there is a value."""
    received = {
        "tokens": ["tel 1380013800", "x"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"x": -0.5, "0 ": -2}],
        "text_offset": [0, 14],
        "y": "canary",
    }
    assert drain(rebuild_lists(received, text())) == {
        "tokens": ["tel 1380013800", "x"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {"x": -0.5}],
        "text_offset": [0, 14],
    }
    assert drain(rebuild_lists({"tokens": ["13800138000"]}, text())) is None
    bare = {"tokens": ["x"], "token_logprobs": [None], "top_logprobs": [None], "text_offset": [0]}
    assert drain(rebuild_lists({"tokens": ["x"]}, text())) == bare


@pytest.mark.parametrize(
    "received",
    [
        ["canary"],
        [{"token": 5, "logprob": -1}],
        [{"token": "x", "logprob": 13800138000}],
        [{"token": "x", "logprob": "canary"}],
        [entry("x", *["y"] * 30)],
    ],
)
def test_what_is_not_understood_is_withheld(received: list[Any]) -> None:
    """An entry is a token and a number that is at most zero."""
    with pytest.raises(ScrubFailed):
        drain(rebuild_entries(received, text()))


def test_lists_hold_what_they_should() -> None:
    """Alternatives are an object."""
    with pytest.raises(ScrubFailed):
        drain(rebuild_lists({"tokens": ["x"], "top_logprobs": ["canary"]}, text()))
