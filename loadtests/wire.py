"""vLLM's response bytes: chunk events, whole bodies and the transfer coding around them.

The member order, the separators and the unescaped UTF-8 are those of vLLM 0.32, because a gateway
that works on bytes must meet the same bytes in a test.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from loadtests.script import Delta, Fault, Refusal, Script, Step

DONE = b"data: [DONE]\n\n"
LAST_CHUNK = b"0\r\n\r\n"
_FINGERPRINT = "vllm-0.32.0-836592bd"


@dataclass(frozen=True, slots=True)
class Ask:
    """What of a request shapes the response."""

    chat: bool
    model: str
    streamed: bool
    with_usage: bool
    prompt_tokens: int = 23


def transfer_chunk(data: bytes) -> bytes:
    """Return *data* as one chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(value: Mapping[str, object]) -> bytes:
    """Return one server-sent event."""
    return b"data: %b\n\n" % orjson.dumps(value)


def fault_event(fault: Fault) -> bytes:
    """Return the event of a dead engine, which alone is written by `json.dumps` with spaces."""
    error = {"message": fault.message, "type": "InternalServerError", "param": None, "code": 500}
    return b"data: %b\n\n" % json.dumps({"error": error}).encode()


def error_body(refusal: Refusal) -> bytes:
    """Return the body of a refusal, which in vLLM repeats what the caller sent."""
    error = {
        "message": refusal.message,
        "type": refusal.error_type,
        "param": refusal.param,
        "code": refusal.status,
    }
    return orjson.dumps({"error": error})


class Writer:
    """The events of one response."""

    def __init__(self, ask: Ask, *, request_id: str, created: int) -> None:
        self.ask = ask
        self.request_id = request_id
        self.created = created
        kind = "chat.completion.chunk" if ask.chat else "text_completion"
        self._top: dict[str, object] = {
            "id": request_id,
            "object": kind,
            "created": created,
            "model": ask.model,
        }
        # Everything before and after the text is the same in every plain event of a response.
        start, end = self._plain("\0").split(b'"\\u0000"')
        self._start, self._end = start, end

    def _plain(self, content: str) -> bytes:
        return self.delta(Delta({"content": content}))

    def text(self, quoted: bytes) -> bytes:
        """Return a plain event of choice 0 around *quoted*, a JSON string: the fast way."""
        return b"%b%b%b" % (self._start, quoted, self._end)

    def role(self, index: int) -> bytes:
        """Return the event that opens choice *index*; only chat has one."""
        if not self.ask.chat:
            return b""
        delta = {"role": "assistant", "content": ""}
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
        return event(
            {**self._top, "choices": [choice], "prompt_token_ids": None, "prompt_text": None}
        )

    def delta(self, step: Delta, *, finish_reason: str | None = None) -> bytes:
        """Return the event of *step*, the last of its choice when *finish_reason* is given."""
        choice: dict[str, object] = {"index": step.index}
        if self.ask.chat:
            choice |= {
                "delta": dict(step.members),
                "logprobs": None,
                "finish_reason": finish_reason,
            }
            if finish_reason is not None:
                choice["stop_reason"] = None
            choice["token_ids"] = None
        else:
            choice |= {
                "text": step.members.get("content", ""),
                "logprobs": None,
                "finish_reason": finish_reason,
            }
            choice |= {"stop_reason": None, "prompt_token_ids": None, "token_ids": None}
        choice |= step.choice
        usage: dict[str, object] = {} if self.ask.chat else {"usage": None}
        return event({**self._top, "choices": [choice], **usage, **step.top})

    def usage(self, completion_tokens: int) -> bytes:
        """Return the event with the token counts."""
        counts = _usage(self.ask, completion_tokens)
        return event(
            {**self._top, "choices": [], "usage": counts, "system_fingerprint": _FINGERPRINT}
        )


def _usage(ask: Ask, completion_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": ask.prompt_tokens,
        "total_tokens": ask.prompt_tokens + completion_tokens,
        "completion_tokens": completion_tokens,
    }


def whole_body(script: Script, ask: Ask, writer: Writer) -> bytes:
    """Return the body of a response that is not streamed, with the same text as the stream."""
    if script.whole_body is not None:
        return script.whole_body
    deltas = [step for step in script.steps if isinstance(step, Delta)]
    indexes = sorted({step.index for step in deltas}) or [0]
    make = _chat_choice if ask.chat else _text_choice
    choices = [make(deltas, index, script.finish_reason) for index in indexes]
    body: dict[str, object] = {
        "id": writer.request_id,
        "object": "chat.completion" if ask.chat else "text_completion",
        "created": writer.created,
        "model": ask.model,
        "choices": choices,
        "service_tier": None,
        "system_fingerprint": _FINGERPRINT,
        "usage": _usage(ask, len(deltas)) | {"prompt_tokens_details": None},
    }
    if ask.chat:
        body |= {"prompt_logprobs": None, "prompt_token_ids": None, "prompt_text": None}
    body["kv_transfer_params"] = None
    for step in deltas:
        body |= step.top
    return orjson.dumps(body)


def _joined(deltas: Iterable[Delta], member: str) -> str | None:
    found = [str(step.members[member]) for step in deltas if step.members.get(member) is not None]
    return "".join(found) if found else None


def _merged_extra(deltas: Iterable[Delta]) -> dict[str, Any]:
    """Join the log-probabilities of all steps and keep the last of every other extra member."""
    merged: dict[str, Any] = {}
    for step in deltas:
        for name, value in step.choice.items():
            earlier = merged.get(name)
            if isinstance(earlier, dict) and isinstance(value, Mapping):
                merged[name] = {key: [*earlier.get(key, []), *value[key]] for key in value}
            else:
                merged[name] = dict(value) if isinstance(value, Mapping) else value
    return merged


def _tool_calls(deltas: Iterable[Delta]) -> list[dict[str, Any]]:
    calls: dict[int, dict[str, Any]] = {}
    for step in deltas:
        fragments: Any = step.members.get("tool_calls", [])
        for fragment in fragments:
            call = calls.setdefault(
                fragment["index"],
                {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
            )
            call["id"] = fragment.get("id", call["id"])
            function = fragment.get("function", {})
            call["function"]["name"] += function.get("name", "")
            call["function"]["arguments"] += function.get("arguments", "")
    return [calls[index] for index in sorted(calls)]


def _chat_choice(deltas: Iterable[Delta], index: int, finish_reason: str) -> dict[str, Any]:
    own = [step for step in deltas if step.index == index]
    message = {
        "role": "assistant",
        "content": _joined(own, "content"),
        "refusal": None,
        "annotations": None,
        "audio": None,
        "function_call": None,
        "tool_calls": _tool_calls(own),
        "reasoning": _joined(own, "reasoning"),
    }
    choice = {"index": index, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return choice | {"stop_reason": None, "token_ids": None} | _merged_extra(own)


def _text_choice(deltas: Iterable[Delta], index: int, finish_reason: str) -> dict[str, Any]:
    own = [step for step in deltas if step.index == index]
    choice: dict[str, Any] = {
        "index": index,
        "text": _joined(own, "content") or "",
        "logprobs": None,
    }
    choice |= {
        "finish_reason": finish_reason,
        "stop_reason": None,
        "token_ids": None,
        "prompt_logprobs": None,
    }
    return choice | {"prompt_token_ids": None} | _merged_extra(own)


def last_events(steps: Iterable[Step]) -> dict[int, int]:
    """Return, for each choice, the position of its last event."""
    return {step.index: position for position, step in enumerate(steps) if isinstance(step, Delta)}
