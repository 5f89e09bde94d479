"""What the fake vLLM is told to answer: the steps of a stream, and how the response behaves.

The same steps make a streamed and a whole answer, because vLLM's two shapes hold the same text.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Delta:
    """One event of one choice."""

    members: Mapping[str, object]
    """Goes into `delta` (chat) or gives `text` through `content` (completions)."""
    index: int = 0
    """Which choice; steps of several choices may be interleaved."""
    choice: Mapping[str, object] = field(default_factory=dict)
    """Members set beside `delta`, such as `logprobs`; they replace the usual ones."""
    top: Mapping[str, object] = field(default_factory=dict)
    """Members set on the event itself."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes put into the body as they are, as one transfer chunk: events, halves or nonsense."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Until:
    """Nothing until the event is set, by whatever thread; without it the connection breaks."""

    event: threading.Event
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing until the client goes away."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks here, in the middle of the transfer coding."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The engine dies here: vLLM sends an error event and `[DONE]`, then closes."""

    message: str = "EngineCore encountered an issue. See stack trace (above) for the root cause."


Step = Delta | Raw | Pause | Until | Hang | Cut | Fault


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response that is not a success; like vLLM's, its message may repeat what was sent."""

    status: int
    message: str
    error_type: str = "BadRequestError"
    param: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """One answer."""

    steps: Sequence[Step] = ()
    refusal: Refusal | None = None
    """Answer with this instead of the steps."""
    whole_body: bytes | None = None
    """Exact body of a response that is not streamed, instead of one made of the steps."""
    finish_reason: str = "stop"
    finish: Literal["with_text", "apart", "never"] = "with_text"
    """Where `finish_reason` goes: on the last text, apart (as with tool parsers), nowhere."""
    hold_head: bool = False
    """Send not even the status line before the first step that has bytes."""
    headers: Sequence[tuple[str, str]] = ()
    """Added to the response's head."""
    usage_in_stream: bool = False
    """Send the usage event even where the request did not ask for it."""


def text(content: str, *, index: int = 0, logprobs: object = None) -> Delta:
    """Return a piece of the answer, with its log-probabilities if given."""
    extra = {} if logprobs is None else {"logprobs": logprobs}
    return Delta({"content": content}, index=index, choice=extra)


def texts(*contents: str, index: int = 0) -> list[Step]:
    """Return one step per piece of the answer."""
    return [text(content, index=index) for content in contents]


def reasoning(content: str, *, index: int = 0) -> Delta:
    """Return a piece of the model's reasoning, under the member that vLLM 0.32 uses."""
    return Delta({"reasoning": content}, index=index)


def tool_start(name: str, *, call: int = 0, index: int = 0) -> Delta:
    """Return the event that opens tool call number *call*."""
    opened = {
        "id": f"chatcmpl-tool-{call:016x}",
        "type": "function",
        "index": call,
        "function": {"name": name},
    }
    return Delta({"content": None, "tool_calls": [opened]}, index=index)


def tool_arguments(fragment: str, *, call: int = 0, index: int = 0) -> Delta:
    """Return a fragment of the JSON text of a tool call's arguments."""
    return Delta(
        {"tool_calls": [{"index": call, "function": {"arguments": fragment}}]}, index=index
    )
