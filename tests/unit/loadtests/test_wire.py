"""The bytes of the fake vLLM."""

import orjson

from loadtests.script import Delta, Fault, Script, reasoning, text, tool_arguments, tool_start
from loadtests.wire import Ask, Writer, fault_event, transfer_chunk, whole_body

CHAT = Ask(chat=True, model="tiny", streamed=True, with_usage=True)
PLAIN = Ask(chat=False, model="tiny", streamed=True, with_usage=False)
HEAD = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"tiny",'


def writer(ask: Ask = CHAT) -> Writer:
    """Return a writer with a fixed head."""
    return Writer(ask, request_id="chatcmpl-1", created=7)


def test_role_event() -> None:
    """The first event of a chat has the role and the two members that no other has."""
    assert writer().role(0) == HEAD + (
        b'"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,'
        b'"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}\n\n'
    )
    assert writer(PLAIN).role(0) == b""


def test_text_event_is_the_same_both_ways() -> None:
    """The fast way for load gives the bytes of the general way, Chinese text unescaped."""
    expected = (
        HEAD
        + (
            '"choices":[{"index":0,"delta":{"content":"您好\\n"},"logprobs":null,'
            '"finish_reason":null,"token_ids":null}]}\n\n'
        ).encode()
    )
    assert writer().delta(Delta({"content": "您好\n"})) == expected
    assert writer().text(orjson.dumps("您好\n")) == expected


def test_last_event_has_a_stop_reason() -> None:
    """`stop_reason` appears with `finish_reason`, before `token_ids`."""
    last = writer().delta(Delta({"content": " T"}), finish_reason="length")
    assert last.endswith(b'"finish_reason":"length","stop_reason":null,"token_ids":null}]}\n\n')


def test_usage_and_fault_events() -> None:
    """The two events without text have vLLM's members, and the fault alone has spaces."""
    assert writer().usage(4) == HEAD + (
        b'"choices":[],"usage":{"prompt_tokens":23,"total_tokens":27,"completion_tokens":4},'
        b'"system_fingerprint":"vllm-0.32.0-836592bd"}\n\n'
    )
    assert fault_event(Fault("gone")) == (
        b'data: {"error": {"message": "gone", "type": "InternalServerError", "param": null, '
        b'"code": 500}}\n\n'
    )


def test_transfer_chunk() -> None:
    """A chunk has its length in hexadecimal digits."""
    assert transfer_chunk(b"0123456789abcdef") == b"10\r\n0123456789abcdef\r\n"


def test_whole_answer_joins_the_steps() -> None:
    """Text, reasoning, tool arguments and log-probabilities are joined per choice."""
    steps = [
        reasoning("hm"),
        text("a", logprobs={"content": [{"token": "a"}]}),
        text("x", index=1),
        text("b", logprobs={"content": [{"token": "b"}]}),
        tool_start("look"),
        tool_arguments('{"q":'),
        tool_arguments("1}"),
    ]
    body = orjson.loads(whole_body(Script(steps), CHAT, writer()))
    first, second = body["choices"]
    assert first["message"]["content"] == "ab"
    assert first["message"]["reasoning"] == "hm"
    assert first["message"]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"q":1}'}
    assert [entry["token"] for entry in first["logprobs"]["content"]] == ["a", "b"]
    assert second["message"]["content"] == "x"


def test_whole_completion_has_text() -> None:
    """A completion that is not a chat has its text in `text`."""
    body = orjson.loads(whole_body(Script([text("a"), text("b")]), PLAIN, writer(PLAIN)))
    assert body["choices"][0]["text"] == "ab"
    assert whole_body(Script(whole_body=b"{}"), PLAIN, writer(PLAIN)) == b"{}"
