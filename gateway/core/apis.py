"""The APIs that the gateway speaks: one line for each operation, and all that belongs to it.

A new API is a parser of its requests, what rebuilds its answers, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from gateway.core.answers.asked import Asked
from gateway.core.answers.choices import ChoiceEvents, rebuild_chat, rebuild_completion
from gateway.core.answers.embeddings import rebuild_embeddings
from gateway.core.answers.event_stream import EventRebuilder, EventStreamScrubber
from gateway.core.answers.message_events import MessageEvents
from gateway.core.answers.messages import rebuild_message
from gateway.core.answers.response_events import MAX_EVENT_BYTES as RESPONSE_EVENT_BYTES
from gateway.core.answers.response_events import ResponseEvents
from gateway.core.answers.responses import rebuild_response
from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.errors import ScrubFailed
from gateway.core.grants import Operation, Parameter
from gateway.core.requests.allow_list import AllowList
from gateway.core.requests.chat import CHAT, parse_chat
from gateway.core.requests.completions import COMPLETION, parse_completion
from gateway.core.requests.embeddings import EMBEDDINGS, parse_embedding_request
from gateway.core.requests.inference_request import InferenceRequest
from gateway.core.requests.messages import MESSAGES, parse_message_request
from gateway.core.requests.responses import RESPONSE, parse_response_request
from gateway.core.sse import MAX_EVENT_BYTES
from gateway.core.text_scrubbers import Slices


class ErrorShape(StrEnum):
    """How the clients of an API expect its errors; ``openai_named`` has named events."""

    OPENAI = "openai"
    OPENAI_NAMED = "openai_named"
    ANTHROPIC = "anthropic"


@dataclass(frozen=True, slots=True)
class Api:
    """One API: where it is, how its requests are read and how its answers are rebuilt.

    *parse* turns a body into a checked request, for a caller with some parameters and some extra
    members. *new_events* makes what rebuilds the events of one stream (None where there are none),
    *rebuild* does the same for an answer in one piece. *max_event_bytes* is what an event may hold.
    """

    operation: Operation
    path: str
    takes: AllowList
    parse: Callable[[bytes, frozenset[Parameter], frozenset[str]], InferenceRequest]
    new_events: Callable[[Asked], EventRebuilder] | None
    rebuild: Callable[[dict[str, Any], Asked], Slices[dict[str, Any]]]
    max_event_bytes: int = MAX_EVENT_BYTES
    error_shape: ErrorShape = ErrorShape.OPENAI

    def new_scrubber(
        self, asked: Asked, *, streamed: bool
    ) -> EventStreamScrubber | WholeAnswerScrubber:
        """Return the scrubber of one answer; ``ScrubFailed`` if it cannot be streamed."""
        if not streamed:
            return WholeAnswerScrubber(lambda received: self.rebuild(received, asked))
        if self.new_events is None:
            raise ScrubFailed
        return EventStreamScrubber(self.new_events(asked), max_event_bytes=self.max_event_bytes)


_APIS: Final = (
    Api(
        Operation.CHAT_COMPLETIONS,
        "/v1/chat/completions",
        takes=CHAT,
        parse=parse_chat,
        new_events=partial(ChoiceEvents, chat=True),
        rebuild=rebuild_chat,
    ),
    Api(
        Operation.RESPONSES,
        "/v1/responses",
        takes=RESPONSE,
        parse=parse_response_request,
        new_events=ResponseEvents,
        rebuild=rebuild_response,
        max_event_bytes=RESPONSE_EVENT_BYTES,
        error_shape=ErrorShape.OPENAI_NAMED,
    ),
    Api(
        Operation.MESSAGES,
        "/v1/messages",
        takes=MESSAGES,
        parse=parse_message_request,
        new_events=MessageEvents,
        rebuild=rebuild_message,
        error_shape=ErrorShape.ANTHROPIC,
    ),
    Api(
        Operation.EMBEDDINGS,
        "/v1/embeddings",
        takes=EMBEDDINGS,
        parse=parse_embedding_request,
        new_events=None,
        rebuild=rebuild_embeddings,
    ),
    Api(
        Operation.COMPLETIONS,
        "/v1/completions",
        takes=COMPLETION,
        parse=parse_completion,
        new_events=partial(ChoiceEvents, chat=False),
        rebuild=rebuild_completion,
    ),
)

APIS: Final[Mapping[Operation, Api]] = MappingProxyType({api.operation: api for api in _APIS})
"""Every operation with its API."""

_BY_PATH: Final = {api.path: api for api in _APIS}


def find_error_shape(path: str) -> ErrorShape:
    """Return how errors look to the clients of *path*, which may be any."""
    api = _BY_PATH.get(path)
    return ErrorShape.OPENAI if api is None else api.error_shape
