"""Answers with choices: event streams and JSON bodies of chats and completions."""

import random
from typing import Any

import orjson
import pytest
from chunk_invariance import assert_chunk_invariant, per_chunk
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.request_limits import HIGHEST
from gateway.core.requests.fields import MAX_PROMPTS
from gateway.core.sse import MAX_EVENT_BYTES
from gateway.core.tally import Tally
from gateway.core.text_scrubbers import TextScrubbers
from tests.fakes.answers import stream_scrubber, whole_scrubber

CHAT, TEXT = Operation.CHAT_COMPLETIONS, Operation.COMPLETIONS
CANARY = "canary-5f1d"
DONE = b"data: [DONE]\n\n"

# Every member in which vLLM puts tokens, prompts or media, which no scrubber reads.
LEAKS: dict[str, Any] = {
    "logprobs": {"content": [{"token": CANARY, "top_logprobs": [{"token": CANARY}]}]},
    "token_ids": [CANARY],
    "stop_reason": CANARY,
    "prompt_logprobs": [{"1": {"decoded_token": CANARY}}],
    "prompt_token_ids": [CANARY],
    "prompt_text": CANARY,
    "kv_transfer_params": {CANARY: CANARY},
}
# And members of the frame, one of which nobody has heard of.
FRAME: dict[str, Any] = {
    "system_fingerprint": CANARY,
    "service_tier": CANARY,
    "not_invented_yet": [{CANARY: CANARY}],
}


def event(*choices: dict[str, Any], **members: Any) -> bytes:
    """Return one event as vLLM writes it, with a canary in every member that must not pass."""
    envelope = {"id": "cmpl-1", "object": CANARY, "created": 7, "model": "tiny"}
    return (
        b"data: "
        + orjson.dumps(FRAME | LEAKS | envelope | {"choices": choices} | members)
        + b"\n\n"
    )


def delta(index: int = 0, reason: str | None = None, **members: Any) -> dict[str, Any]:
    """Return one streamed chat choice, canaries included."""
    said = {"audio": CANARY, "annotations": [CANARY], "function_call": {"name": CANARY}, **members}
    return LEAKS | {"index": index, "delta": said, "finish_reason": reason}


def run(stream: bytes, operation: Operation = CHAT, size: int = 1 << 20) -> bytes:
    """Scrub *stream* in reads of *size* bytes."""
    scrubber = stream_scrubber(operation)
    reads = [stream[at : at + size] for at in range(0, len(stream), size)]
    return b"".join([scrubber.feed(read) for read in reads]) + scrubber.finish()


def payloads(stream: bytes) -> list[Any]:
    """Return what the events of *stream* carry; the last must be ``[DONE]``."""
    events = stream.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    return [orjson.loads(item.removeprefix(b"data: ")) for item in events[:-2]]


def texts(stream: bytes, field: str, index: int = 0) -> str:
    """Return the joined text of one field of one choice."""
    choices = [choice for item in payloads(stream) for choice in item["choices"]]
    sources = [choice.get("delta", choice) for choice in choices if choice["index"] == index]
    return "".join([source.get(field) or "" for source in sources])


STREAM = (
    event(delta(role="assistant", content=""))
    + b": keep-alive\n\n"
    + event(delta(content="Ring 138"), delta(1, content="您好 ann@exa"))
    + event(delta(1, content="mple.com"))
    + event(delta(content="0013"))
    + event(delta(1, reasoning="think 202-555"))
    + event(delta(0, "stop", content="8000"))
    + event(delta(1, reasoning="-0143 ok"))
    + event(delta(1, "length", content=" bye"))
    + event(usage={"prompt_tokens": 1, "total_tokens": 3, "completion_tokens": 2, "x": CANARY})
    + DONE
)


def test_a_stream_is_scrubbed_and_rebuilt() -> None:
    """Texts are scrubbed, held text precedes the end, and no unknown member passes."""
    out = run(STREAM)
    assert CANARY.encode() not in out
    assert texts(out, "content") == "Ring [PHONE]"
    assert texts(out, "content", 1) == "您好 [EMAIL] bye"
    assert texts(out, "reasoning", 1) == "think [PHONE] ok"
    assert payloads(out)[0] == {
        "id": "cmpl-1",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "tiny",
        "choices": [
            {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        ],
    }
    ends = [c for item in payloads(out) for c in item["choices"] if c["finish_reason"]]
    assert [(c["index"], c["finish_reason"], c["delta"]) for c in ends] == [
        (0, "stop", {}),
        (1, "length", {}),
    ]
    assert payloads(out)[-1]["usage"] == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
    }


def test_every_cut_of_the_bytes_gives_the_same_bytes() -> None:
    """Reads may end inside a character, a line end or an event."""
    whole = run(STREAM)
    for size in (1, 2, 3, 7, 64, 1000):
        assert run(STREAM, size=size) == whole
    stream = per_chunk(
        lambda chunk, scrubber: scrubber.feed(chunk),
        state=lambda: stream_scrubber(CHAT),
        flush=lambda scrubber: scrubber.finish(),
    )
    assert_chunk_invariant(stream, run, event(delta(content="您 13800138000")) + DONE)


@given(st.text(alphabet="a1 380-@.com漢é", max_size=60), st.randoms(use_true_random=False))
def test_every_cut_of_the_words_gives_the_same_words(text: str, rng: random.Random) -> None:
    """However the model's words fall into events, with others between them, they read the same."""
    value = text + " 13800138000 " + text
    cuts = sorted(rng.choices(range(len(value) + 1), k=6))
    pieces = [value[a:b] for a, b in zip([0, *cuts], [*cuts, len(value)], strict=True)]
    stream = b"".join([event(delta(content=p), delta(1, reasoning=p)) for p in pieces]) + DONE
    whole = run(event(delta(content=value)) + DONE)
    assert texts(run(stream), "content") == texts(whole, "content")
    assert texts(run(stream), "reasoning", 1) == texts(whole, "content")


def test_tool_call_arguments_stay_json() -> None:
    """Redaction inside streamed arguments never breaks them, wherever they are cut."""
    arguments = r'{"to": "\u0061nn@example.com", "tel": [13800138000, "202\u002d555-0143"]}'
    first = {"index": 0, "id": "call-1", "type": "function", "function": {"name": "send"}}
    for size in (1, 3, 5, 100):
        stream = event(delta(tool_calls=[first]))
        for at in range(0, len(arguments), size):
            piece = {"index": 0, "function": {"arguments": arguments[at : at + size]}}
            stream += event(delta(tool_calls=[piece | {"canary": CANARY}]))
        out = run(stream + event(delta(reason="tool_calls")) + DONE)
        assert CANARY.encode() not in out
        calls = [
            call
            for item in payloads(out)
            for choice in item["choices"]
            for call in choice["delta"].get("tool_calls", [])
        ]
        joined = "".join([call["function"].get("arguments", "") for call in calls])
        assert orjson.loads(joined) == {"to": "[EMAIL]", "tel": ["[PHONE]", "[PHONE]"]}
        assert calls[0] == first


def test_held_text_comes_before_the_end_of_a_stream_without_finish_reason() -> None:
    """``[DONE]`` brings out what is still held."""
    out = run(event(delta(content="tel 13800138000")) + DONE)
    assert texts(out, "content") == "tel [PHONE]"


def test_completions_are_scrubbed_too() -> None:
    """The other operation has texts instead of deltas."""
    choice = LEAKS | {"index": 0, "finish_reason": None}
    stream = event(choice | {"text": "tel 1380013"}) + event(choice | {"text": "8000,"})
    end = event(choice | {"text": "", "finish_reason": "stop"})
    out = run(stream + end + DONE, TEXT)
    assert CANARY.encode() not in out
    assert texts(out, "text") == "tel [PHONE],"
    assert payloads(out)[0]["object"] == "text_completion"


def test_a_plain_event_leaves_at_once() -> None:
    """Prose is not held beyond the word that might become an address."""
    scrubber = stream_scrubber(CHAT)
    assert b'"content":"word, "' in scrubber.feed(event(delta(content="word, ")))


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b"data: \xff\n\n",
        b"event: ping\ndata: {}\n\n",
        b"data: {}\n\n",
        event("canary"),  # type: ignore[arg-type]
        event(choices="canary"),
        event(delta(HIGHEST.choices * MAX_PROMPTS, content="x")),
        event(delta(content=5)),
        event(delta(reason="canary")),
        event(usage={"prompt_tokens": CANARY}),
        event(id="a b"),
        DONE + event(delta(content="x")),
        b"data: " + b"x" * (2 << 20),
    ],
)
def test_an_event_that_is_not_understood_ends_everything(bad: bytes) -> None:
    """After an error the object stays dead: nothing held or fed later ever comes out."""
    scrubber = stream_scrubber(CHAT)
    scrubber.feed(event(delta(content="held")))
    with pytest.raises(ScrubFailed) as caught:
        scrubber.feed(bad)
    assert CANARY not in str(caught.value)
    for again in (lambda: scrubber.feed(DONE), scrubber.finish):
        with pytest.raises(ScrubFailed):
            again()


@pytest.mark.parametrize(
    "end",
    [
        b'data: {"error": {"message": "canary", "code": 500}}\n\n' + DONE,
        event(delta(reason="error")) + DONE,
    ],
)
def test_an_error_event_of_the_model_server_is_not_a_proper_end(end: bytes) -> None:
    """VLLM sends ``[DONE]`` after an error; the held text is dropped all the same."""
    scrubber = stream_scrubber(CHAT)
    scrubber.feed(event(delta(content="held")))
    with pytest.raises(UpstreamUnavailable):
        scrubber.feed(end)
    with pytest.raises(UpstreamUnavailable):
        scrubber.finish()


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n", b'data: {"id"'])
def test_a_stream_that_breaks_off_is_an_error(end: bytes) -> None:
    """Without ``[DONE]`` the answer is not whole, and its held text is dropped."""
    scrubber = stream_scrubber(CHAT)
    scrubber.feed(event(delta(content="held")) + end)
    for _ in range(2):
        with pytest.raises(UpstreamUnavailable):
            scrubber.finish()


USAGE = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}


@pytest.mark.parametrize("shown", [True, False])
def test_usage_is_counted_and_shown_only_on_demand(shown: bool) -> None:
    """A client that did not ask for the cost gets no event without choices; it is counted still."""
    tally = Tally(is_shown=shown)
    scrubber = stream_scrubber(CHAT, tally=tally)
    safe = scrubber.feed(event(delta(role="assistant", content="")) + event(delta(content="x ")))
    assert tally.tokens(request_bytes=0) == 1
    safe += scrubber.feed(event(delta(reason="stop")) + event(usage=USAGE) + DONE)
    scrubber.finish()
    assert tally.tokens(request_bytes=0) == 25
    assert [item["usage"] for item in payloads(safe) if "usage" in item] == [USAGE] * shown
    assert all(item["choices"] for item in payloads(safe) if "usage" not in item)


def test_usage_in_every_event_is_hidden_and_counted() -> None:
    """Of a server that says the cost so far all the time, the last word counts for a cut answer."""
    tally = Tally(is_shown=False)
    scrubber = stream_scrubber(CHAT, tally=tally)
    first = event(delta(role="assistant", content=""), usage=USAGE | {"total_tokens": 20})
    safe = scrubber.feed(first + event(delta(content="x "), usage=USAGE))
    assert b"usage" not in safe
    assert tally.tokens(request_bytes=10_000) == 25


def test_pieces_of_all_choices_are_counted() -> None:
    """Each event of each choice but its first is at least one token, also of a tool call."""
    tally = Tally()
    scrubber = stream_scrubber(CHAT, tally=tally)
    call = {"index": 0, "function": {"arguments": "{"}}
    for index in (0, 1):
        scrubber.feed(event(delta(index, role="assistant", content="")))
    scrubber.feed(event(delta(0, content="a")) + event(delta(1, reasoning="b")))
    scrubber.feed(event(delta(1, tool_calls=[call])))
    assert tally.tokens(request_bytes=0) == 3


def test_cost_of_a_whole_answer_is_known_before_it_is_scrubbed() -> None:
    """A whole answer costs what it cost, even if the client leaves while it is scrubbed."""
    tally = Tally()
    scrubber = whole_scrubber(CHAT, tally=tally)
    message = {"role": "assistant", "content": "word " * 2_000}
    scrubber.feed(answer({"index": 0, "message": message, "finish_reason": "stop"}, usage=USAGE))
    assert tally.tokens(request_bytes=10_000) == 0
    next(scrubber.finish_slices())
    assert tally.tokens(request_bytes=10_000) == 25


def test_an_unexpected_fault_leaves_the_object_dead() -> None:
    """Even a bug in here lets nothing more out."""
    scrubber = stream_scrubber(CHAT)
    with pytest.raises(TypeError):
        scrubber.feed("no bytes\n")  # type: ignore[arg-type]
    with pytest.raises(ScrubFailed):
        scrubber.feed(DONE)


def answer(*choices: dict[str, Any], **members: Any) -> bytes:
    """Return a whole answer with canaries in every member that must not pass."""
    envelope = {"id": "cmpl-1", "object": CANARY, "created": 7, "model": "tiny"}
    return orjson.dumps(FRAME | LEAKS | envelope | {"choices": choices} | members)


def run_whole(body: bytes, operation: Operation = CHAT) -> Any:
    """Scrub the whole *body* in two reads."""
    scrubber = whole_scrubber(operation)
    assert scrubber.feed(body[:20]) + scrubber.feed(body[20:]) == b""
    out = scrubber.finish()
    assert CANARY.encode() not in out
    return orjson.loads(out)


def test_a_whole_chat_answer_is_scrubbed_and_rebuilt() -> None:
    """All texts of a message are scrubbed, and unknown members dropped."""
    call = {
        "id": "call-1",
        "type": CANARY,
        "function": {"name": "send", "arguments": '{"to":"ann@example.com"}', "x": CANARY},
    }
    message = {
        "role": "assistant",
        "content": "tel 13800138000",
        "reasoning": "202-555-0143",
        "refusal": None,
        "tool_calls": [call, {"function": None}],
        "audio": {"transcript": CANARY},
        "annotations": [CANARY],
    }
    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    choice = LEAKS | {"index": 0, "message": message, "finish_reason": "tool_calls"}
    assert run_whole(answer(choice, usage=counts)) == {
        "id": "cmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "tel [PHONE]",
                    "reasoning": "[PHONE]",
                    "tool_calls": [
                        {
                            "id": "call-1",
                            "type": "function",
                            "function": {"name": "send", "arguments": '{"to":"[EMAIL]"}'},
                        },
                        {
                            "id": "call_1",
                            "type": "function",
                            "function": {"name": "redacted", "arguments": ""},
                        },
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": counts,
    }


def test_a_whole_completion_is_scrubbed() -> None:
    """The text of each choice is scrubbed."""
    choices = [
        LEAKS | {"index": 0, "text": "13800138000", "finish_reason": "stop"},
        LEAKS | {"index": 1, "text": None, "finish_reason": "length"},
    ]
    out = run_whole(answer(*choices), TEXT)
    assert [choice["text"] for choice in out["choices"]] == ["[PHONE]", ""]
    assert "usage" not in out


def test_unknown_members_of_a_choice_are_scrubbed() -> None:
    """What nobody has heard of passes as scrubbed text, and never in the place of what is known."""
    news = {"said": ["tel 13800138000", {"ann@example.com": 13800138000}], "ids": [1, 2]}
    message = {"role": "assistant", "content": "x", "news": news}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "more": "202-555-0143"}
    [out] = run_whole(answer(choice))["choices"]
    assert out["more"] == "[PHONE]"
    assert out["message"] == {
        "role": "assistant",
        "content": "x",
        "news": {"said": ["tel [PHONE]", {"[EMAIL]": "[PHONE]"}]},
    }


def test_an_answer_without_tool_calls_has_none() -> None:
    """An empty message is an empty message."""
    choice = {"index": 0, "message": {"tool_calls": []}, "finish_reason": "stop"}
    message = run_whole(answer(choice))["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", ScrubFailed),
        (b"[]", ScrubFailed),
        (b"{}", ScrubFailed),
        (answer(choices="canary"), ScrubFailed),
        (answer({"index": 0, "message": {"tool_calls": ["canary"]}}), ScrubFailed),
        (answer({"index": 0, "message": {"tool_calls": [{}] * 129}}), ScrubFailed),
        (b'{"error": {"message": "canary"}}', UpstreamUnavailable),
        (b'{"object": "error", "message": "canary"}', UpstreamUnavailable),
    ],
)
def test_a_whole_answer_that_is_not_understood_is_withheld(
    body: bytes, error: type[SealgateError]
) -> None:
    """The error repeats nothing, and the object stays dead."""
    scrubber = whole_scrubber(CHAT)
    scrubber.feed(body)
    for again in (scrubber.finish, scrubber.finish, lambda: scrubber.feed(b"x")):
        with pytest.raises(error) as caught:
            again()
        assert "canary" not in str(caught.value)


def completion(*texts: str) -> bytes:
    """Return a whole completion with one choice for each of *texts*."""
    choices = [
        {"index": index, "text": text, "finish_reason": "stop"} for index, text in enumerate(texts)
    ]
    return orjson.dumps({"id": "cmpl-1", "created": 7, "model": "tiny", "choices": choices})


PROMPTS = ("tel 1", "mail ann@", "so")


def test_whole_completions_go_on_from_their_prompts() -> None:
    """Each choice continues the prompt that it belongs to."""
    scrubber = whole_scrubber(TEXT, TextScrubbers(PROMPTS, 2))
    answers = ["3800138000.", "38", "example.com", "you", "3800138000", ""]
    scrubber.feed(completion(*answers))
    out = [choice["text"] for choice in orjson.loads(scrubber.finish())["choices"]]
    assert out == ["[PHONE].", "38", "[EMAIL]", "you", "3800138000", ""]


def test_streamed_completions_go_on_from_their_prompts() -> None:
    """It makes no difference that the answer comes in pieces."""
    scrubber = stream_scrubber(TEXT, TextScrubbers(PROMPTS))
    out = b"".join(
        scrubber.feed(event(*[{"index": i, "text": piece} for i, piece in enumerate(pieces)]))
        for pieces in (("380013", "exam", "380013"), ("8000.", "ple.com", "8000."))
    )
    out += scrubber.feed(DONE) + scrubber.finish()
    assert [texts(out, "text", index) for index in range(3)] == [
        "[PHONE].",
        "[EMAIL]",
        "3800138000.",
    ]


def test_a_choice_that_nobody_asked_for_is_withheld() -> None:
    """A choice beyond the prompts belongs to none of them."""
    scrubber = whole_scrubber(TEXT, TextScrubbers(("a",)))
    scrubber.feed(completion("x", "y"))
    with pytest.raises(ScrubFailed):
        scrubber.finish()


def test_a_whole_answer_is_scrubbed_in_slices() -> None:
    """Long texts make many short steps, and the last one brings the answer."""
    scrubber = whole_scrubber(TEXT)
    scrubber.feed(completion("so " * 3_000, "tel 13800138000 " * 200))
    *pauses, answer = scrubber.finish_slices()
    assert pauses == [None] * 7
    assert answer is not None
    whole = whole_scrubber(TEXT)
    whole.feed(completion("so " * 3_000, "tel 13800138000 " * 200))
    assert whole.finish() == answer
    assert answer.count(b"[PHONE]") == 200


def test_an_answer_abandoned_half_way_is_gone() -> None:
    """Whoever stops between two slices gets nothing later either."""
    scrubber = whole_scrubber(TEXT)
    scrubber.feed(completion("so " * 3_000))
    assert next(iter(scrubber.finish_slices())) is None
    with pytest.raises(ScrubFailed):
        scrubber.finish()


def test_errors_do_not_carry_the_answer() -> None:
    """The parser's error holds all that it read, so it is not kept as context."""
    whole = whole_scrubber(CHAT)
    whole.feed(b"canary")
    with pytest.raises(ScrubFailed) as caught:
        whole.finish()
    assert caught.value.__context__ is None
    with pytest.raises(ScrubFailed) as caught:
        stream_scrubber(CHAT).feed(b"data: canary\n\n")
    assert caught.value.__context__ is None


def test_an_event_is_bounded() -> None:
    """An event is scrubbed at one go, so its size bounds how long others wait."""
    with pytest.raises(ScrubFailed):
        run(event(delta(content="4 " * MAX_EVENT_BYTES)))


@pytest.mark.parametrize("operation", [CHAT, TEXT])
def test_more_choices_than_can_be_are_withheld(operation: Operation) -> None:
    """Each is work, however few bytes it has. What may be asked for comes back whole."""
    envelope = {"id": "cmpl-1", "created": 7, "model": "tiny"}
    scrubber = whole_scrubber(operation)
    most = [{"index": index} for index in range(HIGHEST.choices * MAX_PROMPTS)]
    assert len(run_whole(orjson.dumps(envelope | {"choices": most}), operation)["choices"]) == 256
    scrubber.feed(orjson.dumps(envelope | {"choices": [*most, {"index": 0}]}))
    with pytest.raises(ScrubFailed):
        scrubber.finish()
