"""The scrubbing state of one choice in an event stream: one scrubber for each of its texts."""

from __future__ import annotations

from typing import Any

from gateway.core.answers.fields import (
    CHOICE_MEMBERS,
    MAX_TOOL_INDEX,
    MESSAGE_MEMBERS,
    MESSAGE_TEXTS,
    index_of,
    member,
    role,
    tool_call_id,
    tool_name,
)
from gateway.core.answers.unknown import RAW, UnknownStream, merge, unknown_members
from gateway.core.errors import ScrubFailed
from gateway.core.text_scrubbers import TextScrubber, TextScrubbers


class ChoiceStream:
    """Turns the deltas of choice *index* into deltas that are safe to send.

    *chat* says which of the two shapes the deltas have; *scrubbers* makes the scrubbers of its
    texts. Raises ``ScrubFailed`` for a delta that is not understood and for words after the end.
    """

    __slots__ = (
        "_chat",
        "_ended",
        "_identified",
        "_index",
        "_named",
        "_scrubbers",
        "_texts",
        "_tools",
        "_unknown",
        "_unknown_beside",
    )

    def __init__(self, index: int, scrubbers: TextScrubbers, *, chat: bool) -> None:
        self._index = index
        self._scrubbers = scrubbers
        self._chat = chat
        self._ended = False
        self._texts: dict[str, TextScrubber] = {}
        self._tools: dict[int, TextScrubber] = {}
        self._named: set[int] = set()
        self._identified: set[int] = set()
        self._unknown = UnknownStream(scrubbers)  # of the delta
        self._unknown_beside = UnknownStream(scrubbers)  # of the choice

    def take(self, choice: dict[str, Any]) -> dict[str, Any] | None:
        """Return the safe form of *choice*, or None if nothing of it can be said yet.

        If *choice* has a finish reason, all held text is in the result.
        """
        said: dict[str, Any] = {}
        if self._chat:
            delta = member(choice, "delta", dict)
            if delta is not None:
                self._take_delta(delta, said)
        else:
            self._take_text("text", choice, said)
        beside = self._unknown_beside.take(unknown_members(choice, CHOICE_MEMBERS))
        if said and self._ended:
            raise ScrubFailed
        if choice.get("finish_reason") is not None:
            self._add_held(said)
            merge(beside, self._unknown_beside.finish())
        return self.shape(said, beside) if said or beside else None

    def say(self, field: str, text: str) -> str:
        """Return what is now safe to send of a text *field* that goes on with *text*."""
        scrubber = self._texts.get(field)
        if scrubber is None:
            scrubber = self._texts[field] = self._scrubbers.new(field, choice=self._index)
        safe = scrubber.feed(text)
        if text and self._ended:
            raise ScrubFailed
        return safe

    def find_only_text(self, choice: dict[str, Any]) -> str | None:
        """Return the field of the text that *choice* says; None if it may say anything else."""
        if choice.get("finish_reason") is not None or unknown_members(choice, CHOICE_MEMBERS):
            return None
        if not self._chat:
            return "text" if choice.get("text") else None
        delta = choice.get("delta") or {}
        fields = [name for name, value in delta.items() if value is not None and name not in RAW]
        if len(fields) != 1 or fields[0] not in MESSAGE_TEXTS:
            return None
        return fields[0] if delta[fields[0]] else None

    def retell(self, choice: dict[str, Any], field: str, text: str) -> dict[str, Any]:
        """Return *choice* as it would be with another *text* in that field."""
        if self._chat:
            return choice | {"delta": choice["delta"] | {field: text}}
        return choice | {field: text}

    def end(self, reason: str) -> dict[str, Any]:
        """Return the choice that says why the model stopped, and nothing else."""
        if self._ended:
            raise ScrubFailed
        self._ended = True
        return self.shape({}, reason=reason)

    def flush(self) -> dict[str, Any] | None:
        """Return all text that is still held, or None."""
        said: dict[str, Any] = {}
        self._add_held(said)
        beside = self._unknown_beside.finish()
        return self.shape(said, beside) if said or beside else None

    def shape(
        self, said: dict[str, Any], beside: dict[str, Any] | None = None, reason: str | None = None
    ) -> dict[str, Any]:
        """Return what is sent of a choice that *said* this, with members *beside* it."""
        text = {"delta": said} if self._chat else {"text": said.get("text", "")}
        return {**(beside or {}), "index": self._index, **text, "finish_reason": reason}

    def _take_delta(self, delta: dict[str, Any], said: dict[str, Any]) -> None:
        named = role(delta)
        if named is not None:
            said["role"] = named
            if type(delta.get("content")) is str:
                said["content"] = ""
        for field in MESSAGE_TEXTS:
            if delta.get(field) is not None:
                self._take_text(field, delta, said)
        said |= self._unknown.take(unknown_members(delta, MESSAGE_MEMBERS))
        calls = member(delta, "tool_calls", list)
        if calls:
            taken = [self._take_call(call) for call in calls]
            said_calls = [call for call in taken if call is not None]
            if said_calls:
                said["tool_calls"] = said_calls

    def _take_text(self, field: str, source: dict[str, Any], said: dict[str, Any]) -> None:
        text = member(source, field, str)
        if text and (safe := self.say(field, text)):
            said[field] = safe

    def _take_call(self, call: Any) -> dict[str, Any] | None:
        index = index_of(call, MAX_TOOL_INDEX)
        if self._ended:
            raise ScrubFailed
        said: dict[str, Any] = {}
        call_id = tool_call_id(call, index)
        # Clients that join the pieces of an id would have an unscrubbed one: the first piece is it.
        if call_id is not None and index not in self._identified:
            self._identified.add(index)
            said |= {"id": call_id, "type": "function"}
        function: dict[str, Any] = {}
        received = member(call, "function", dict) or {}
        name = tool_name(received)
        if name is not None:
            # Clients join the pieces of a name, and a joined name would be unscrubbed.
            if index in self._named:
                raise ScrubFailed
            self._named.add(index)
            function["name"] = name
        arguments = member(received, "arguments", str)
        if arguments is not None:
            scrubber = self._tools.get(index)
            if scrubber is None:
                scrubber = self._tools[index] = self._scrubbers.new("arguments")
            safe = scrubber.feed(arguments)
            if safe or name is not None:
                function["arguments"] = safe
        if not said and not function:
            return None
        return {"index": index, **said, "function": function}

    def _add_held(self, said: dict[str, Any]) -> None:
        """Add to *said* what the scrubbers still hold; they are finished after that."""
        for field, scrubber in self._texts.items():
            rest = scrubber.finish()
            if rest:
                said[field] = said.get(field, "") + rest
        for index, scrubber in self._tools.items():
            rest = scrubber.finish()
            if rest:
                self._add_arguments(index, rest, said)
        merge(said, self._unknown.finish())
        self._texts.clear()
        self._tools.clear()

    @staticmethod
    def _add_arguments(index: int, rest: str, said: dict[str, Any]) -> None:
        calls = said.setdefault("tool_calls", [])
        for call in calls:
            if call["index"] == index:
                function = call["function"]
                function["arguments"] = function.get("arguments", "") + rest
                return
        calls.append({"index": index, "function": {"arguments": rest}})
