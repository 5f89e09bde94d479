"""What a request is after each stage.

Every stage takes the record of the stage before it and returns the next one, so a skipped or
swapped stage is a type error. Records are frozen: a later stage adds, it never rewrites what an
earlier one has checked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from gateway.core import bhttp
from gateway.core.dpop import ProvenKey
from gateway.core.errors import SealgateError
from gateway.core.grants import DataClass, Grant, Parameter
from gateway.core.identity import Address, Principal
from gateway.core.masks import Masks
from gateway.core.ohttp import Profile, ResponseSealer
from gateway.core.pii.actions import PLACEHOLDERS, Actions
from gateway.core.policy import Permission
from gateway.core.tally import Tally
from gateway.core.text_scrubbers import TextScrubbers
from gateway.core.upstream_port import UpstreamAnswer, UpstreamRequest
from gateway.pipeline.spend import Attempt, boundless_attempt

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came off the wire; nothing in it has been checked.

    *peer* is the other end of the connection, which may be a proxy. *client_certificate* (DER) is
    the exception: TLS verified it against the client authorities.
    """

    method: str
    path: str
    headers: Headers = field(repr=False)
    peer: Address
    body: AsyncIterator[bytes]
    client_certificate: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Located:
    """Of a client whose *address* is known, whatever proxies stand in between."""

    address: Address
    received: Received


@dataclass(frozen=True, slots=True)
class Admitted:
    """From a client whose *address* may talk to this gateway at all.

    *attempt* is to be asked before work that strangers can cause, and times it.
    """

    address: Address
    received: Received
    attempt: Attempt = field(default_factory=boundless_attempt, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Seal:
    """How the request was sealed and the answer must be: with which key, by which sealer.

    *replay_tag* is what tells this request from every other one.
    """

    kid: str
    profile: Profile
    replay_tag: bytes
    response_sealer: ResponseSealer


@dataclass(frozen=True, slots=True)
class Opened:
    """A request whose last byte has arrived and, if it was sealed, has been verified.

    *content* is the Binary HTTP message that was inside, or the request itself when only TLS
    protected it; then *seal* is None. From here on errors travel inside the seal.
    """

    admitted: Admitted
    content: bytes | bhttp.Request = field(repr=False)
    seal: Seal | None


@dataclass(frozen=True, slots=True)
class Decapsulated:
    """The request that was meant, and its client's *address*. Its authority is one of ours.

    *client_certificate* (DER) was verified by TLS, on the connection that brought the request.
    """

    address: Address
    request: bhttp.Request
    seal: Seal | None
    client_certificate: bytes | None = field(default=None, repr=False)
    attempt: Attempt = field(default_factory=boundless_attempt, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Authenticated:
    """From a principal whose token is valid now.

    *proven* is the key that a DPoP proof was made with; the proof has not been claimed yet.
    """

    principal: Principal
    decapsulated: Decapsulated
    proven: ProvenKey | None = None


@dataclass(frozen=True, slots=True)
class Fresh:
    """Taken for the first time; a copy of it would be refused."""

    authenticated: Authenticated


_Result = TypeVar("_Result")


class Workplace(Protocol):
    """Where scrubbing is done: on the event loop, or elsewhere if it may take long."""

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what *work* returns, or raise what it raises.

        Raises ``ScrubFailed`` if it takes too long.
        """


class Here:
    """The workplace for work that is quick: it is done at once."""

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what *work* returns."""
        return work()


class Scrubber(Protocol):
    """Turns the upstream's bytes into bytes that are safe to send."""

    def feed(self, data: bytes) -> bytes:
        """Accept *data*; return what is now safe to send, often nothing."""

    def finish(self) -> bytes:
        """Return the rest. Raises when the answer was cut off or cannot be scrubbed."""


class ModelCall(NamedTuple):
    """Which call to which model, with data of which class, and what it asks for beside."""

    grant: Grant
    data_class: DataClass
    parameters: frozenset[Parameter] = frozenset()


@dataclass(frozen=True, slots=True)
class Authorized:
    """A call that this principal may make, as the gateway itself will put it to vLLM.

    *permission* and *call* (None for a list) are what allowed it, and what must go on allowing it
    while the answer runs. *new_scrubber* makes the scrubber for this one answer, *prompts*, *n* and
    *actions* are what those of its texts go by (see ``TextScrubbers``), *unmasked* is the request
    for vLLM in a form in which it can be masked, None if it goes as it is, and *tally*
    learns from it what the answer costs. *streamed* says whether the client asked for server-sent
    events.
    """

    principal: Principal
    permission: Permission
    call: ModelCall | None
    upstream_request: UpstreamRequest
    new_scrubber: Callable[[TextScrubbers], Scrubber]
    streamed: bool
    tally: Tally = field(default_factory=Tally)
    prompts: tuple[str, ...] = field(default=(), repr=False)
    n: int = 1
    actions: Actions = PLACEHOLDERS
    unmasked: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Metered:
    """A call for which its client has quota left, counted and holding a place."""

    authorized: Authorized


@dataclass(frozen=True, slots=True)
class Masked:
    """A call whose request the model may see. *masks* are those of personal data in it, if any."""

    authorized: Authorized
    masks: Masks | None


@dataclass(frozen=True, slots=True)
class Forwarded:
    """vLLM accepted the call; its answer is about to arrive."""

    authorized: Authorized
    answer: UpstreamAnswer
    masks: Masks | None = None


@dataclass(frozen=True, slots=True)
class Scrubbing:
    """An answer together with the scrubber that every byte of it passes, and where it works."""

    forwarded: Forwarded
    scrubber: Scrubber
    workplace: Workplace


class WholeAnswer(NamedTuple):
    """An answer that is sent in one piece.

    *headers* are those that belong to this answer alone, with names in lower case; inside the seal
    if there is one.
    """

    status: int
    content_type: str
    body: bytes
    headers: Headers = ()

    def __repr__(self) -> str:
        return f"WholeAnswer({self.status})"


class Presenter(Protocol):
    """How errors look to a client; the HTTP face provides it."""

    def outside(self, error: SealgateError, path: str) -> WholeAnswer:
        """Return *error* for a request to *path* that was not opened."""

    def inside(self, error: SealgateError, path: str) -> WholeAnswer:
        """Return *error* for a request that was opened, to the *path* inside if it is known."""

    def event(self, error: SealgateError, path: str) -> bytes:
        """Return *error* as the last event of a stream whose status is already spent."""


class Downstream(Protocol):
    """The client's side of the connection."""

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head of the answer."""

    def send(self, data: bytes) -> Awaitable[None]:
        """Send a piece of the body; waits while the client reads slower than we send."""

    async def finish(self) -> None:
        """End the body properly. Without it the client sees a cut connection."""
