"""`sealgate serve` with stages replaced by ones that do nothing, to see what those cost.

    python -m loadtests.stand_ins --without scrub --without record

It reads ./sealgate.toml, like `sealgate serve`, and protects nothing: a process of the benchmark,
never of the product, in which no setting turns a stage off.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import gateway.app
import gateway.cli.gateway_process
import gateway.configured_stages
from gateway.backends.http_server import Listener
from gateway.cli.main import app
from gateway.core.identity import Address, Principal
from gateway.pipeline.authenticate import Authenticate
from gateway.pipeline.exchange import (
    Authenticated,
    Authorized,
    Decapsulated,
    Forwarded,
    Fresh,
    Here,
    Metered,
    Scrubbing,
)
from gateway.pipeline.meter import Meter
from gateway.pipeline.record import Record
from gateway.pipeline.refuse_replay import RefuseReplay
from gateway.pipeline.scrub import Scrub

_END_OF_EVENT = b"\n\n"


class AuthenticateOnce(Authenticate):
    """Verifies the first token; whoever comes then is taken for the same client."""

    _principal: Principal | None = None

    def __call__(self, decapsulated: Decapsulated) -> Authenticated:
        """Return the first principal."""
        if self._principal is None:
            self._principal = super().__call__(decapsulated).principal
        return Authenticated(self._principal, decapsulated)


class TakeReplays(RefuseReplay):
    """Takes every request, however often it comes."""

    async def __call__(self, authenticated: Authenticated) -> Fresh:
        """Return *authenticated* as if it were new."""
        return Fresh(authenticated)


class CountNothing(Meter):
    """Has quota for everything."""

    @asynccontextmanager
    async def __call__(self, authorized: Authorized) -> AsyncIterator[Metered]:
        """Yield *authorized* as it is."""
        yield Metered(authorized)


class WholeEvents:
    """Passes events on when they are whole, since only whole ones can be padded."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the events that are whole by now."""
        data = self._rest + data
        end = data.rfind(_END_OF_EVENT) + len(_END_OF_EVENT)
        if end < len(_END_OF_EVENT):
            end = 0
        self._rest = data[end:]
        return data[:end]

    def finish(self) -> bytes:
        """Return the rest: all of an answer that is not streamed."""
        return self._rest


class PassOn(Scrub):
    """Takes nothing out of any answer."""

    async def __call__(self, forwarded: Forwarded) -> Scrubbing:
        """Return *forwarded* with a scrubber that only waits for the ends of events."""
        return Scrubbing(forwarded, WholeEvents(), Here())


class ForgetAll(Record):
    """Records nothing."""

    def __call__(self, status: int, address: Address) -> None:
        """Do nothing."""


def _listen_in_the_clear(host: Any, port: int, _tls: Any, *more: Any, **named: Any) -> Listener:
    nothing: Any = None
    return Listener(host, port, nothing, *more, **{**named, "handshake_seconds": nothing})


STAND_INS: Mapping[str, tuple[Any, str, Callable[..., Any]]] = {
    "tls": (gateway.cli.gateway_process, "Listener", _listen_in_the_clear),
    "token": (gateway.configured_stages, "Authenticate", AuthenticateOnce),
    "replay": (gateway.configured_stages, "RefuseReplay", TakeReplays),
    "meter": (gateway.configured_stages, "Meter", CountNothing),
    "scrub": (gateway.configured_stages, "Scrub", PassOn),
    "record": (gateway.app, "Record", ForgetAll),
}
"""By the name of a step: where its stage is taken from, by which name, and what stands in."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", default=[], choices=list(STAND_INS))
    for step in parser.parse_args().without:
        where, name, stand_in = STAND_INS[step]
        setattr(where, name, stand_in)
    app(["serve"])


if __name__ == "__main__":
    main()
