"""One choice of an event stream."""

from typing import Any

import pytest

from gateway.core.answers.choice_stream import ChoiceStream
from gateway.core.errors import ScrubFailed
from gateway.core.text_scrubbers import TextScrubbers


def chat(delta: Any, reason: str | None = None) -> dict[str, Any]:
    """Return a choice as vLLM streams it."""
    return {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": {"content": "canary"}}


def call(index: int = 0, **function: str) -> dict[str, Any]:
    """Return a delta with a piece of a tool call."""
    return {"tool_calls": [{"index": index, "function": function}]}


def shaped(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    """Return a choice as it goes out."""
    return {"index": 0, "delta": delta, "finish_reason": reason}


def test_text_waits_until_it_is_safe() -> None:
    """A delta gives what its scrubber releases, or nothing."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    assert stream.take(chat({"content": "tel 138"})) == shaped({"content": "tel "})
    assert stream.take(chat({"content": "0013"})) is None
    assert stream.take(chat({"content": "8000 ok"})) == shaped({"content": "[PHONE] "})
    assert stream.flush() == shaped({"content": "ok"})
    assert stream.flush() is None


def test_each_text_has_its_own_scrubber() -> None:
    """Reasoning and content do not run into each other."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    stream.take(chat({"reasoning": "1380013"}))
    stream.take(chat({"reasoning_content": "1380013"}))
    stream.take(chat({"content": "8000", "refusal": "8000", "reasoning": "8000"}))
    assert stream.flush() == shaped(
        {
            "reasoning": "[PHONE]",
            "reasoning_content": "1380013",
            "content": "8000",
            "refusal": "8000",
        }
    )


def test_the_role_comes_with_empty_content() -> None:
    """The first delta says who speaks."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    delta = {"role": "assistant", "content": ""}
    assert stream.take(chat(delta)) == shaped(delta)
    assert stream.take(chat({"role": "assistant", "content": None})) == shaped(
        {"role": "assistant"}
    )
    assert stream.take(chat({})) is None
    assert stream.take({"index": 0}) is None


def test_a_finish_reason_brings_out_what_is_held() -> None:
    """All text precedes the end, and the end holds none."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    stream.take(chat({"content": "13800138"}))
    stream.take(chat(call(0, name="f", arguments='{"a":"ann@exam')))
    said = stream.take(chat({"content": "000", **call(0, arguments='ple.com"')}, "stop"))
    assert said == shaped(
        {
            "tool_calls": [{"index": 0, "function": {"arguments": '[EMAIL]"'}}],
            "content": "[PHONE]",
        }
    )
    assert stream.end("stop") == shaped({}, "stop")
    assert stream.take(chat({})) is None
    assert stream.take(chat({"content": ""})) is None


@pytest.mark.parametrize(
    "delta", [{"content": "x"}, {"content": "13"}, call(0, arguments="x"), {"role": "assistant"}]
)
def test_nothing_is_said_after_the_end(delta: dict[str, Any]) -> None:
    """Words after the finish reason are an error."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    stream.end("stop")
    with pytest.raises(ScrubFailed):
        stream.take(chat(delta))


def test_a_choice_ends_once() -> None:
    """A second finish reason is an error."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    stream.end("stop")
    with pytest.raises(ScrubFailed):
        stream.end("stop")


def test_tool_calls_are_rebuilt() -> None:
    """Id, name and arguments come out; a call without anything new does not."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    first = {"id": "c1", "type": "canary", "index": 0, "canary": 1, "function": {"name": "f"}}
    assert stream.take(chat({"tool_calls": [first]})) == shaped(
        {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f"}}]}
    )
    assert stream.take(chat(call(0, arguments='{"n":'))) == shaped(call(0, arguments='{"n":'))
    assert stream.take(chat(call(0, arguments="138001"))) is None
    assert stream.take(chat(call(1, name="g", arguments=""))) == shaped(
        call(1, name="g", arguments="")
    )
    assert stream.take(chat(call(1, arguments="ann@exa"))) is None
    assert stream.take(chat({"tool_calls": []})) is None
    assert stream.take(chat(call(0, arguments="38000}"), "tool_calls")) == shaped(
        {
            "tool_calls": [
                {"index": 0, "function": {"arguments": '"[PHONE]"}'}},
                {"index": 1, "function": {"arguments": "ann@exa"}},
            ]
        }
    )


def test_a_last_piece_of_arguments_joins_what_was_held() -> None:
    """What one event and the end release of the same call is one piece."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    said = stream.take(chat({"tool_calls": [{"index": 1, "id": "c", "function": {}}]}))
    assert said == shaped(
        {"tool_calls": [{"index": 1, "id": "c", "type": "function", "function": {}}]}
    )
    said = stream.take(chat(call(1, arguments="[1, 22"), "length"))
    assert said == shaped(call(1, arguments="[1, 22"))
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    delta = {
        "tool_calls": [
            {"index": 0, "function": {"arguments": "[1"}},
            {"index": 1, "id": "c", "function": {"arguments": "2"}},
        ]
    }
    said = stream.take(chat(delta, "length"))
    assert said is not None
    assert [c["function"]["arguments"] for c in said["delta"]["tool_calls"]] == ["[1", "2"]


def test_a_name_comes_once() -> None:
    """Clients join the pieces of a name, so a second piece is an error."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    stream.take(chat(call(0, name="call_1380013")))
    with pytest.raises(ScrubFailed):
        stream.take(chat(call(0, name="8000")))


@pytest.mark.parametrize(
    "delta",
    [
        "canary",
        {"content": 1},
        {"content": ["canary"]},
        {"role": "canary"},
        {"tool_calls": "canary"},
        {"tool_calls": ["canary"]},
        {"tool_calls": [{"index": 128}]},
        {"tool_calls": [{"index": 0, "function": "canary"}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": {"a": "canary"}}}]},
    ],
)
def test_a_delta_of_another_shape_is_refused(delta: Any) -> None:
    """What is not understood is not passed on."""
    with pytest.raises(ScrubFailed):
        ChoiceStream(0, TextScrubbers(), chat=True).take(chat(delta))


def test_completions_have_a_text() -> None:
    """The other operation has one text for each choice."""
    stream = ChoiceStream(1, TextScrubbers(), chat=False)
    assert stream.take({"index": 1, "text": "tel 138"}) == {
        "index": 1,
        "text": "tel ",
        "finish_reason": None,
    }
    assert stream.take({"index": 1, "text": "00138000", "finish_reason": "stop"}) == {
        "index": 1,
        "text": "[PHONE]",
        "finish_reason": None,
    }
    assert stream.end("stop") == {"index": 1, "text": "", "finish_reason": "stop"}


def test_an_id_comes_once() -> None:
    """Clients that join the pieces of an id get the first piece only."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    pieces = [
        stream.take(chat({"tool_calls": [{"index": index, "id": piece, "function": {}}]}))
        for index, piece in ((0, "138"), (0, "0013"), (1, "c1"), (0, "8000"))
    ]
    first = {"index": 0, "id": "138", "type": "function", "function": {}}
    other = {"index": 1, "id": "c1", "type": "function", "function": {}}
    assert pieces == [shaped({"tool_calls": [first]}), None, shaped({"tool_calls": [other]}), None]


def test_a_completion_goes_on_from_its_prompt() -> None:
    """A value begun in the prompt is replaced in the answer."""
    stream = ChoiceStream(0, TextScrubbers(("mobile 1380013",)), chat=False)
    assert stream.take({"index": 0, "text": "8000 ok"}) == {
        "index": 0,
        "text": "[PHONE] ",
        "finish_reason": None,
    }


@pytest.mark.parametrize("late", [chat({"news": "00138000"}), chat({}) | {"news": "00138000"}])
def test_unknown_texts_end_with_their_choice(late: dict[str, Any]) -> None:
    """The second half of a value does not come out after the end of the first."""
    stream = ChoiceStream(0, TextScrubbers(), chat=True)
    stream.take(chat({"news": "138"}, "stop") | {"news": "138"})
    stream.end("stop")
    with pytest.raises(ScrubFailed):
        stream.take(late)
