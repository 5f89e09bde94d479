"""The APIs that the gateway speaks: one line for each operation, and all that belongs to it.

A new API is a parser of its requests, what rebuilds its answers, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from gateway.core.answers.asked import Asked
from gateway.core.answers.choices import ChoiceEvents, rebuild_chat, rebuild_completion
from gateway.core.answers.event_stream import EventRebuilder, EventStreamScrubber
from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.grants import Operation
from gateway.core.requests.chat import parse_chat
from gateway.core.requests.completions import parse_completion
from gateway.core.requests.inference_request import InferenceRequest
from gateway.core.text_scrubbers import Slices


@dataclass(frozen=True, slots=True)
class Api:
    """One API: where it is, how its requests are read and how its answers are rebuilt.

    *parse* turns a body into a checked request, *new_events* makes what rebuilds the events of one
    stream, *rebuild* does the same for an answer in one piece.
    """

    operation: Operation
    path: str
    parse: Callable[[bytes], InferenceRequest]
    new_events: Callable[[Asked], EventRebuilder]
    rebuild: Callable[[dict[str, Any], Asked], Slices[dict[str, Any]]]

    def new_scrubber(
        self, asked: Asked, *, streamed: bool
    ) -> EventStreamScrubber | WholeAnswerScrubber:
        """Return the scrubber of one answer."""
        if streamed:
            return EventStreamScrubber(self.new_events(asked))
        return WholeAnswerScrubber(lambda received: self.rebuild(received, asked))


_APIS: Final = (
    Api(
        Operation.CHAT_COMPLETIONS,
        "/v1/chat/completions",
        parse=parse_chat,
        new_events=partial(ChoiceEvents, chat=True),
        rebuild=rebuild_chat,
    ),
    Api(
        Operation.COMPLETIONS,
        "/v1/completions",
        parse=parse_completion,
        new_events=partial(ChoiceEvents, chat=False),
        rebuild=rebuild_completion,
    ),
)

APIS: Final[Mapping[Operation, Api]] = MappingProxyType({api.operation: api for api in _APIS})
"""Every operation with its API."""
