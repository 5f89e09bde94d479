"""Answers to a chat and to a completion (OpenAI): several choices, whole or as a stream.

Members of a choice that are not known here are scrubbed, those of the frame around it are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import orjson

from gateway.core.answers.asked import Asked
from gateway.core.answers.choice_stream import ChoiceStream
from gateway.core.answers.fields import (
    CHOICE_MEMBERS,
    MAX_CHOICE_INDEX,
    MAX_TOOL_INDEX,
    MESSAGE_MEMBERS,
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
from gateway.core.answers.logprobs import TokenText, rebuild_entries, rebuild_lists
from gateway.core.answers.raw_tokens import raw_members
from gateway.core.answers.repeated_event import (
    PROBE,
    RepeatedEvent,
    find_repeated_event,
    say_ordinary,
)
from gateway.core.answers.unknown import scrub_unknown, unknown_members
from gateway.core.errors import ScrubFailed
from gateway.core.grants import Parameter
from gateway.core.sse import ServerSentEvent, encode_event
from gateway.core.strict_json import load_json
from gateway.core.text_scrubbers import Slices, TextScrubbers

_DONE: Final = b"[DONE]"
# One for the words of each choice, and one for its reasoning; looked through for every token.
_MAX_REPEATED: Final = 8


class ChoiceEvents:
    """Rebuilds the events of a chat, or of a completion, as an ``EventRebuilder``.

    Held text goes out before the event that ends its choice.
    """

    __slots__ = ("_asked", "_chat", "_choices", "_envelope", "_object", "_repeated", "is_done")

    def __init__(self, asked: Asked, *, chat: bool) -> None:
        self._asked = asked
        self._chat = chat
        self._object = "chat.completion.chunk" if chat else "text_completion"
        self._choices: dict[int, ChoiceStream] = {}
        self._envelope: dict[str, Any] = {}
        self._repeated: list[RepeatedEvent] = []
        self.is_done = False

    def take(self, event: ServerSentEvent) -> bytes:
        """Return the events that are safe to send after *event*, often none."""
        if self.is_done or event.name:
            raise ScrubFailed
        if event.data == _DONE:
            self.is_done = True
            return self._flush() + encode_event(_DONE)
        received = load_json(event.data, otherwise=ScrubFailed())
        if type(received) is not dict:
            raise ScrubFailed
        safe = self._rebuild(received)
        if len(self._repeated) < _MAX_REPEATED:
            self._remember(event, received)
        return safe

    def take_ordinary(self, blocks: list[bytes], at: int) -> tuple[bytes, int]:
        """Return what is safe to send after *blocks* that only go on, and how many these are."""
        if self.is_done:
            return b"", 0
        return say_ordinary(blocks, at, shapes=self._repeated, tally=self._asked.tally)

    def _flush(self) -> bytes:
        """Return an event with all text that is still held, or nothing."""
        rest = [choice.flush() for choice in self._choices.values()]
        return self._event([choice for choice in rest if choice is not None])

    def _rebuild(self, received: dict[str, Any]) -> bytes:
        tally = self._asked.tally
        self._envelope = envelope(received, self._object, self._envelope)
        texts: list[dict[str, Any]] = []  # what the event says
        ends: list[dict[str, Any]] = []  # which choices it ends
        for choice in member(received, "choices", list) or ():
            index = index_of(choice, MAX_CHOICE_INDEX)
            stream = self._choices.get(index)
            if stream is None:
                stream = ChoiceStream(index, self._asked.scrubbers, chat=self._chat)
                self._choices[index] = stream
            else:
                tally.see_pieces(1)  # the first one only says whose turn it is
            said = stream.take(choice)
            if said is not None:
                texts.append(said)
            reason = finish_reason(choice)
            if reason is not None:
                ends.append(stream.end(reason) | stop_reason(choice, self._asked))
        counts = usage(received)
        if counts is not None:
            tally.see_usage(counts["total_tokens"])
            if not tally.is_shown:
                counts = None
        if not ends:
            return self._event(texts, counts)
        return self._event(texts) + self._event(ends, counts)

    def _remember(self, event: ServerSentEvent, received: dict[str, Any]) -> None:
        """Keep the shape of *event*, as far as only one text can differ in the next."""
        choices = received.get("choices") or []
        if len(choices) != 1 or received.get("usage") is not None:
            return
        choice = choices[0]
        stream = self._choices[choice["index"]]
        field = stream.find_only_text(choice)
        if field is None:
            return
        text = choice["delta"][field] if self._chat else choice[field]
        repeated = find_repeated_event(
            event,
            text,
            probed=received | {"choices": [stream.retell(choice, field, PROBE)]},
            sent=self._event([stream.shape({field: PROBE})]),
            say=partial(stream.say, field),
        )
        if repeated is not None:
            self._repeated.append(repeated)

    def _event(self, choices: list[dict[str, Any]], counts: dict[str, int] | None = None) -> bytes:
        if not choices and counts is None:
            return b""
        event = self._envelope | {"choices": choices}
        if counts is not None:
            event["usage"] = counts
        return encode_event(orjson.dumps(event))


def rebuild_chat(received: dict[str, Any], asked: Asked) -> Slices[dict[str, Any]]:
    """Return the answer to a chat that is safe to send; see ``WholeAnswerScrubber``."""
    return (yield from _rebuild(received, asked, kind="chat.completion", rebuild=_chat_choice))


def rebuild_completion(received: dict[str, Any], asked: Asked) -> Slices[dict[str, Any]]:
    """Return the answer to a completion that is safe to send; see ``WholeAnswerScrubber``."""
    return (yield from _rebuild(received, asked, kind="text_completion", rebuild=_text_choice))


def _rebuild(
    received: dict[str, Any],
    asked: Asked,
    *,
    kind: str,
    rebuild: Callable[[Any, Asked], Slices[dict[str, Any]]],
) -> Slices[dict[str, Any]]:
    counts = usage(received)
    if counts is not None:  # before the long work: it has been spent whatever comes of it
        asked.tally.see_usage(counts["total_tokens"])
    answer = raw_members(received, asked) | envelope(received, kind)
    choices = answer["choices"] = []
    several = member(received, "choices", list) or []
    if len(several) > MAX_CHOICE_INDEX + 1:
        raise ScrubFailed
    for choice in several:
        choices += [(yield from rebuild(choice, asked))]
    if counts is not None:
        answer["usage"] = counts
    return answer


def _text_choice(choice: Any, asked: Asked) -> Slices[dict[str, Any]]:
    index = index_of(choice, MAX_CHOICE_INDEX)
    received = member(choice, "text", str) or ""
    text = yield from asked.scrubbers.in_slices("text", received, choice=index)
    rebuilt = yield from _around(choice, asked, index)
    tokens = member(choice, "logprobs", dict)
    if tokens is not None and Parameter.LOGPROBS in asked.parameters:
        same = TokenText(asked.scrubbers, "text", choice=index)
        shown = None if text != received else (yield from rebuild_lists(tokens, same))
        rebuilt["logprobs"] = shown
    return rebuilt | {"text": text}


def _chat_choice(choice: Any, asked: Asked) -> Slices[dict[str, Any]]:
    index = index_of(choice, MAX_CHOICE_INDEX)
    received = member(choice, "message", dict) or {}
    message = yield from _message(received, asked.scrubbers)
    rebuilt = yield from _around(choice, asked, index)
    entries = member(member(choice, "logprobs", dict) or {}, "content", list)
    if entries is not None and Parameter.LOGPROBS in asked.parameters:
        same = TokenText(asked.scrubbers, "content")
        is_same = _says_the_same(message, received)
        shown = [] if not is_same else (yield from rebuild_entries(entries, same))
        rebuilt["logprobs"] = {"content": shown} if shown else None
    return rebuilt | {"message": message}


def _around(choice: dict[str, Any], asked: Asked, index: int) -> Slices[dict[str, Any]]:
    """Return what a choice says beside its text: what is known, asked for, or not known here."""
    beside = yield from scrub_unknown(unknown_members(choice, CHOICE_MEMBERS), asked.scrubbers)
    beside |= raw_members(choice, asked) | stop_reason(choice, asked)
    return beside | {"index": index, "finish_reason": finish_reason(choice)}


def _says_the_same(message: dict[str, Any], received: dict[str, Any]) -> bool:
    """Return whether no text of *received* was changed; calls may be written otherwise."""
    if received.get("tool_calls"):
        return False
    return all(message.get(field) == received.get(field) for field in MESSAGE_TEXTS)


def _message(received: dict[str, Any], scrubbers: TextScrubbers) -> Slices[dict[str, Any]]:
    message = yield from scrub_unknown(unknown_members(received, MESSAGE_MEMBERS), scrubbers)
    message |= {"role": role(received) or "assistant", "content": None}
    for field in MESSAGE_TEXTS:
        text = member(received, field, str)
        if text is not None:
            message[field] = yield from scrubbers.in_slices(field, text)
    calls = member(received, "tool_calls", list)
    if calls:
        message["tool_calls"] = rebuilt = []
        for place, call in enumerate(calls):
            rebuilt += [(yield from _tool_call(call, place, scrubbers))]
    return message


def stop_reason(choice: dict[str, Any], asked: Asked) -> dict[str, str]:
    """Return at which string a choice ended, if it is the caller's own and they may know."""
    matched = choice.get("stop_reason")
    if Parameter.STOP_REASON not in asked.parameters or not isinstance(matched, str):
        return {}
    return {"stop_reason": matched} if matched in asked.stops else {}


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
