"""What only some clients may ask for: refused to all others, and sound for those who may."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.core.answers.asked import Asked
from gateway.core.apis import APIS
from gateway.core.errors import SealgateError, UnsupportedParameter
from gateway.core.grants import RAW_PARAMETERS, Operation, Parameter
from gateway.core.text_scrubbers import TextScrubbers
from tests.fakes.streams import choices, item, plain, response

CHAT, TEXT, RESPONSE = Operation.CHAT_COMPLETIONS, Operation.COMPLETIONS, Operation.RESPONSES
BASES: dict[Operation, dict[str, Any]] = {
    CHAT: {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]},
    TEXT: {"model": "tiny", "prompt": "tel 1"},
    RESPONSE: {"model": "tiny", "input": "hi"},
    Operation.MESSAGES: {
        "model": "tiny",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "hi"}],
    },
}
ASKED = [
    (CHAT, {"logprobs": True, "top_logprobs": 2}, {Parameter.LOGPROBS}),
    (TEXT, {"logprobs": 0}, {Parameter.LOGPROBS}),
    (TEXT, {"echo": True}, {Parameter.ECHO}),
    (
        RESPONSE,
        {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
        {Parameter.LOGPROBS},
    ),
    (CHAT, {"return_token_ids": True}, {Parameter.TOKEN_IDS}),
    (TEXT, {"return_token_ids": True}, {Parameter.TOKEN_IDS}),
    (CHAT, {"prompt_logprobs": 0}, {Parameter.PROMPT_LOGPROBS}),
    (TEXT, {"prompt_logprobs": 1}, {Parameter.PROMPT_LOGPROBS}),
]


@pytest.mark.parametrize(("operation", "fields", "needed"), ASKED)
def test_each_parameter_is_for_those_who_were_granted_it(
    operation: Operation, fields: dict[str, Any], needed: set[Parameter]
) -> None:
    """By default it is refused by name, and with all other grants too."""
    body = orjson.dumps(BASES[operation] | fields)
    for granted in (frozenset(), frozenset(Parameter) - needed):
        with pytest.raises(UnsupportedParameter, match="it repeats text"):
            APIS[operation].parse(body, frozenset(granted))
    request = APIS[operation].parse(body, frozenset(needed))
    assert request.parameters == needed
    assert orjson.loads(request.upstream_body).items() >= fields.items()


@pytest.mark.parametrize(("operation", "fields", "needed"), ASKED)
def test_tokens_come_with_whole_answers(
    operation: Operation, fields: dict[str, Any], needed: set[Parameter]
) -> None:
    """A stream is refused for all of them but the echo."""
    body = orjson.dumps(BASES[operation] | fields | {"stream": True})
    if needed == {Parameter.ECHO}:
        assert APIS[operation].parse(body, frozenset(needed)).stream
    else:
        with pytest.raises(UnsupportedParameter, match="whole answers"):
            APIS[operation].parse(body, frozenset(needed))


@pytest.mark.parametrize("operation", BASES)
@pytest.mark.parametrize(
    "name", ["return_tokens_as_token_ids", "return_prompt_text", "prompt_text"]
)
def test_some_are_for_nobody(operation: Operation, name: str) -> None:
    """Whatever was granted."""
    with pytest.raises(UnsupportedParameter):
        APIS[operation].parse(orjson.dumps(BASES[operation] | {name: True}), frozenset(Parameter))


def scrubbed(
    operation: Operation, received: dict[str, Any], *granted: Parameter, **known: Any
) -> Any:
    """Return a whole answer to a request that asked for what was *granted*."""
    asked = Asked(parameters=frozenset(granted), **known)
    scrubber = APIS[operation].new_scrubber(asked, streamed=False)
    scrubber.feed(orjson.dumps(received))
    return orjson.loads(scrubber.finish())


def tokens(*said: str) -> list[dict[str, Any]]:
    """Return entries of tokens."""
    return [{"token": token, "logprob": -1.0, "top_logprobs": []} for token in said]


def chat(text: str, *said: str, **message: Any) -> dict[str, Any]:
    """Return the answer to a chat with log-probabilities."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "logprobs": {"content": tokens(*said)},
        "finish_reason": "stop",
        "stop_reason": "END",
        "token_ids": [5],
    }
    return choices(choice, prompt_logprobs=[None], prompt_token_ids=[6])


def test_logprobs_of_a_chat_go_with_any_value_in_it() -> None:
    """Wherever in the choice it is, even if the tokens do not show it."""
    plain_answer = scrubbed(CHAT, chat("so on", "so", " on"), Parameter.LOGPROBS)
    shown = plain_answer["choices"][0]["logprobs"]["content"]
    assert [entry["token"] for entry in shown] == ["so", " on"]
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    for received in (
        chat("tel 13800138000", "tel ", "138", "00138000"),
        chat("tel 13800138000", "tel ", "\ufffd"),
        chat("so", "so", reasoning="13800138000"),
        chat("so", "tel 13800138000"),
        chat("so", "so", tool_calls=[call]),
    ):
        assert scrubbed(CHAT, received, Parameter.LOGPROBS)["choices"][0]["logprobs"] is None
    assert "logprobs" not in scrubbed(CHAT, chat("so", "so"))["choices"][0]


def test_logprobs_of_a_completion_go_on_from_its_prompt() -> None:
    """A value that begins in the prompt takes them along."""
    for text, is_shown in (("so", True), ("3800138000", False)):
        lists = {"tokens": [text], "token_logprobs": [-1.0], "text_offset": [0]}
        choice = {"index": 0, "text": text, "logprobs": lists, "finish_reason": "stop"}
        out = scrubbed(
            TEXT, choices(choice), Parameter.LOGPROBS, scrubbers=TextScrubbers(("tel 1",))
        )
        assert (out["choices"][0]["logprobs"] is not None) is is_shown


def test_logprobs_of_a_response_stand_with_their_text() -> None:
    """They go with a value in it."""
    for text, count in (("so", 1), ("13800138000", 0)):
        said = item("output_text", text)
        said["content"][0]["logprobs"] = tokens(text)
        out = scrubbed(RESPONSE, response(said), Parameter.LOGPROBS)
        assert len(out["output"][0]["content"][0]["logprobs"]) == count


def test_an_echo_is_scrubbed() -> None:
    """The prompt comes back without its values, and a value across its end is replaced."""
    body = orjson.dumps({"model": "tiny", "prompt": "ann@example.com tel 1", "echo": True})
    request = APIS[TEXT].parse(body, frozenset({Parameter.ECHO}))
    for streamed in (True, False):
        asked = Asked(TextScrubbers(request.prompts, request.n))
        scrubber = APIS[TEXT].new_scrubber(asked, streamed=streamed)
        said = {"index": 0, "text": "ann@example.com tel 13800138000", "finish_reason": "stop"}
        answer = choices(said)
        out = scrubber.feed(plain(answer) if streamed else orjson.dumps(answer))
        assert b"[EMAIL] tel [PHONE]" in out + scrubber.finish()


@pytest.mark.parametrize("streamed", [True, False])
def test_a_stop_reason_is_the_callers_own_string(streamed: bool) -> None:
    """Any other string, and the number of a token, are not shown."""
    body = orjson.dumps(BASES[CHAT] | {"stop": ["END"]})
    granted = frozenset({Parameter.STOP_REASON})
    request = APIS[CHAT].parse(body, granted)
    for stops, parameters, matched, shown in (
        (request.stops, request.parameters, "END", True),
        (request.stops, request.parameters, 5, False),
        (request.stops, frozenset(), "END", False),
        (frozenset(), request.parameters, "END", False),
    ):
        asked = Asked(stops=stops, parameters=parameters)
        scrubber = APIS[CHAT].new_scrubber(asked, streamed=streamed)
        said = {"index": 0, "finish_reason": "stop", "stop_reason": matched}
        kind = "delta" if streamed else "message"
        answer = choices(said | {kind: {"content": "so"}})
        out = scrubber.feed(plain(answer) if streamed else orjson.dumps(answer))
        out += scrubber.finish()
        assert (b'"stop_reason":"END"' in out) is shown
        assert b'"stop_reason":5' not in out


def test_raw_parameters_show_what_they_say_and_nothing_else() -> None:
    """Each its own members, in the frame and in a choice."""
    out = scrubbed(CHAT, chat("so", "so"), *RAW_PARAMETERS)
    assert (out["prompt_logprobs"], out["prompt_token_ids"]) == ([None], [6])
    assert out["choices"][0]["token_ids"] == [5]
    assert "logprobs" not in out["choices"][0]
    with pytest.raises(SealgateError):
        scrubbed(CHAT, chat("so") | {"prompt_token_ids": ["canary"]}, *RAW_PARAMETERS)
