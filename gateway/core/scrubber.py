"""Scrub whole answers of vLLM: an event stream, a JSON body, a model list.

Every byte that comes out was built here from an allow-list (``answer_fields``). If anything is not
as expected, held text is dropped, an error is raised, and the object stays dead: it fails closed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import orjson

from gateway.core.answer_fields import (
    MAX_CHOICE_INDEX,
    MAX_TOOL_INDEX,
    MESSAGE_TEXTS,
    envelope,
    finish_reason,
    index_of,
    member,
    role,
    tool_call_id,
    tool_name,
    usage,
)
from gateway.core.chat import parse_model_list
from gateway.core.choice_stream import ChoiceStream
from gateway.core.errors import ScrubFailed, SealgateError, UpstreamUnavailable
from gateway.core.grants import Operation
from gateway.core.request_json import load_json
from gateway.core.sse import EventParser, ServerSentEvent, encode_event
from gateway.core.tally import Tally
from gateway.core.text_scrubbers import Slices, TextScrubbers

# A whole answer is at most a few hundred thousand tokens; an answer beyond this is not an answer.
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024

_DONE: Final = b"[DONE]"
_STREAM_OBJECT: Final = {
    Operation.CHAT_COMPLETIONS: "chat.completion.chunk",
    Operation.COMPLETIONS: "text_completion",
}
_WHOLE_OBJECT: Final = {
    Operation.CHAT_COMPLETIONS: "chat.completion",
    Operation.COMPLETIONS: "text_completion",
}


class StreamAnswerScrubber:
    """Take vLLM's event stream, give an event stream that holds no personal data.

    The output does not depend on how the bytes are cut into reads, and its texts, joined, not on
    how the model's words are cut into events. Held text goes out before the event that ends its
    choice. Raises ``ScrubFailed`` for an event that is not understood and ``UpstreamUnavailable``
    for an error event, or at :meth:`finish` if the stream had no proper end; from then on always.

    *scrubbers* makes the scrubbers of its texts. *tally* gets to know what the answer costs, and
    says whether the client gets to see it.
    """

    __slots__ = (
        "_choices",
        "_done",
        "_envelope",
        "_failure",
        "_object",
        "_operation",
        "_parser",
        "_scrubbers",
        "_tally",
    )

    def __init__(
        self,
        operation: Operation,
        scrubbers: TextScrubbers | None = None,
        *,
        tally: Tally | None = None,
    ) -> None:
        self._operation = operation
        self._scrubbers = scrubbers or TextScrubbers()
        self._object = _STREAM_OBJECT[operation]
        self._parser = EventParser()
        self._tally = tally or Tally()
        self._choices: dict[int, ChoiceStream] = {}
        self._envelope: dict[str, Any] = {}
        self._done = False
        self._failure: type[SealgateError] | None = None

    def feed(self, data: bytes) -> bytes:
        """Accept the next *data*; return the events that are safe to send, often none."""
        if self._failure is not None:
            raise self._failure
        # Dead until proven otherwise: whatever goes wrong in here, nothing more comes out.
        self._failure = ScrubFailed
        try:
            safe = b"".join([self._take(event) for event in self._parser.feed(data)])
        except SealgateError as error:
            self._failure = type(error)
            raise
        self._failure = None
        return safe

    def finish(self) -> bytes:
        """End the stream: nothing is left to send, since ``[DONE]`` brought out what was held."""
        if self._failure is not None:
            raise self._failure
        self._failure = UpstreamUnavailable
        self._parser.finish()
        if not self._done:
            raise UpstreamUnavailable
        self._failure = None
        return b""

    def _take(self, event: ServerSentEvent) -> bytes:
        if self._done or event.name:
            raise ScrubFailed
        if event.data == _DONE:
            self._done = True
            return self._flush() + encode_event(_DONE)
        received = load_json(event.data, otherwise=ScrubFailed())
        if type(received) is not dict:
            raise ScrubFailed
        return self._rebuild(received)

    def _flush(self) -> bytes:
        """Return an event with all text that is still held, or nothing."""
        rest = [choice.flush() for choice in self._choices.values()]
        return self._event([choice for choice in rest if choice is not None])

    def _rebuild(self, received: dict[str, Any]) -> bytes:
        self._envelope = envelope(received, self._object)
        texts: list[dict[str, Any]] = []  # what the event says
        ends: list[dict[str, Any]] = []  # which choices it ends
        for choice in member(received, "choices", list) or ():
            index = index_of(choice, MAX_CHOICE_INDEX)
            stream = self._choices.get(index)
            if stream is None:
                stream = ChoiceStream(
                    index,
                    self._scrubbers,
                    chat=self._operation is Operation.CHAT_COMPLETIONS,
                )
                self._choices[index] = stream
            else:
                self._tally.see_pieces(1)  # the first one only says whose turn it is
            said = stream.take(choice)
            if said is not None:
                texts.append(said)
            reason = finish_reason(choice)
            if reason is not None:
                ends.append(stream.end(reason))
        counts = usage(received)
        if counts is not None:
            self._tally.see_usage(counts["total_tokens"])
            if not self._tally.is_shown:
                counts = None
        if not ends:
            return self._event(texts, counts)
        return self._event(texts) + self._event(ends, counts)

    def _event(self, choices: list[dict[str, Any]], counts: dict[str, int] | None = None) -> bytes:
        if not choices and counts is None:
            return b""
        event = self._envelope | {"choices": choices}
        if counts is not None:
            event["usage"] = counts
        return encode_event(orjson.dumps(event))


class WholeAnswerScrubber:
    """Take vLLM's JSON answer in any pieces, give the scrubbed answer at :meth:`finish`.

    Raises ``ScrubFailed`` for an answer that is too long or not understood, ``UpstreamUnavailable``
    for an error of the model server; from then on always.

    *scrubbers* makes the scrubbers of its texts. *tally* gets to know what the answer costs.
    """

    __slots__ = ("_body", "_failure", "_limit", "_operation", "_scrubbers", "_tally")

    def __init__(
        self,
        operation: Operation,
        scrubbers: TextScrubbers | None = None,
        *,
        tally: Tally | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._operation = operation
        self._scrubbers = scrubbers or TextScrubbers()
        self._tally = tally or Tally()
        self._limit = max_answer_bytes
        self._body = bytearray()
        self._failure: type[SealgateError] | None = None

    def feed(self, data: bytes) -> bytes:
        """Keep *data*; nothing goes out before the whole answer is known."""
        if self._failure is not None:
            raise self._failure
        self._body += data
        if len(self._body) > self._limit:
            self._body.clear()
            self._failure = ScrubFailed
            raise ScrubFailed
        return b""

    def finish(self) -> bytes:
        """Return the scrubbed answer, all of :meth:`finish_slices` at one go."""
        return b"".join([part for part in self.finish_slices() if part is not None])

    def finish_slices(self) -> Iterator[bytes | None]:
        """Do the work of :meth:`finish` in small steps: yield None after each, at last the answer.

        A step is a slice of ``TextScrubbers.in_slices``, so a caller on an event loop should let
        others run between two steps. Raises, while it is iterated, what :meth:`finish` raises.
        Whoever stops half-way gets nothing, then or later.
        """
        if self._failure is not None:
            raise self._failure
        self._failure = ScrubFailed
        body = bytes(self._body)
        self._body.clear()
        try:
            received = load_json(body, otherwise=ScrubFailed())
            if type(received) is not dict:
                raise ScrubFailed
            counts = usage(received)
            if counts is not None:  # before the long work: it has been spent whatever comes of it
                self._tally.see_usage(counts["total_tokens"])
            answer = yield from _scrub_answer(self._operation, received, self._scrubbers)
        except SealgateError as error:
            self._failure = type(error)
            raise
        yield answer


class ModelListFilter:
    """Take vLLM's model list in any pieces, give what of it is *visible* at :meth:`finish`.

    Raises ``UpstreamUnavailable`` for anything but a model list.
    """

    __slots__ = ("_body", "_visible")

    def __init__(self, *, visible: Collection[str]) -> None:
        self._visible = visible
        self._body = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Keep *data*; nothing goes out before the whole list is known."""
        self._body += data
        if len(self._body) > MAX_ANSWER_BYTES:
            self._body.clear()
            raise UpstreamUnavailable
        return b""

    def finish(self) -> bytes:
        """Return the reduced list."""
        return parse_model_list(bytes(self._body), visible=self._visible)


def error_event(code: str, message: str, type: str) -> bytes:  # noqa: A002 - the name on the wire
    """Return the event, in OpenAI's shape, that ends a stream after a failure.

    No ``[DONE]`` follows it: clients must see that the answer is not whole.
    """
    error = {"message": message, "type": type, "param": None, "code": code}
    return encode_event(orjson.dumps({"error": error}))


def _scrub_answer(
    operation: Operation, received: dict[str, Any], scrubbers: TextScrubbers
) -> Slices[bytes]:
    answer = envelope(received, _WHOLE_OBJECT[operation])
    rebuild: Callable[[Any, TextScrubbers], Slices[dict[str, Any]]] = _text_choice
    if operation is Operation.CHAT_COMPLETIONS:
        rebuild = _chat_choice
    choices = answer["choices"] = []
    for choice in member(received, "choices", list) or ():
        choices += [(yield from rebuild(choice, scrubbers))]
    counts = usage(received)
    if counts is not None:
        answer["usage"] = counts
    return orjson.dumps(answer)


def _text_choice(choice: Any, scrubbers: TextScrubbers) -> Slices[dict[str, Any]]:
    index = index_of(choice, MAX_CHOICE_INDEX)
    received = member(choice, "text", str) or ""
    text = yield from scrubbers.in_slices("text", received, choice=index)
    return {"index": index, "text": text, "finish_reason": finish_reason(choice)}


def _chat_choice(choice: Any, scrubbers: TextScrubbers) -> Slices[dict[str, Any]]:
    index = index_of(choice, MAX_CHOICE_INDEX)
    received = member(choice, "message", dict) or {}
    message: dict[str, Any] = {"role": role(received) or "assistant", "content": None}
    for field in MESSAGE_TEXTS:
        text = member(received, field, str)
        if text is not None:
            message[field] = yield from scrubbers.in_slices(field, text)
    calls = member(received, "tool_calls", list)
    if calls:
        message["tool_calls"] = rebuilt = []
        for place, call in enumerate(calls):
            rebuilt += [(yield from _tool_call(call, place, scrubbers))]
    return {"index": index, "message": message, "finish_reason": finish_reason(choice)}


def _tool_call(call: Any, place: int, scrubbers: TextScrubbers) -> Slices[dict[str, Any]]:
    if type(call) is not dict or place > MAX_TOOL_INDEX:
        raise ScrubFailed
    function = member(call, "function", dict) or {}
    received = member(function, "arguments", str) or ""
    arguments = yield from scrubbers.in_slices("arguments", received)
    return {
        "id": tool_call_id(call, place) or f"call_{place}",
        "type": "function",
        "function": {"name": tool_name(function) or "redacted", "arguments": arguments},
    }
