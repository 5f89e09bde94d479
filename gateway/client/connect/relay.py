"""The gateway's side: one local request, sealed, and its answer, opened.

Whatever goes wrong before the answer begins becomes a refusal with a fixed text; nothing of the
gateway's or the library's words is repeated. Later faults are ``BrokenOff``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import h11
import httpx2

from gateway.client.connect.http_messages import LocalRefusal
from gateway.client.outer import UntrustedKeys

_TIMEOUTS: Final = {"connect": 10.0, "read": 600.0, "write": 60.0, "pool": 30.0}


class BrokenOff(Exception):
    """The answer ended before its verified end."""


class Relay:
    """Sends requests through *transport* to the gateway at *origin*."""

    def __init__(self, origin: str, transport: httpx2.AsyncBaseTransport) -> None:
        self._origin = httpx2.URL(origin)
        self._transport = transport

    @asynccontextmanager
    async def answer(self, request: h11.Request, body: bytes) -> AsyncIterator[httpx2.Response]:
        """Give the answer's head; read its content with :func:`read_content`.

        Raises ``LocalRefusal`` when there is no answer.
        """
        sealed = httpx2.Request(
            request.method.decode("ascii"),
            self._origin.copy_with(raw_path=request.target),
            headers=list(request.headers),
            content=body,
            extensions={"timeout": _TIMEOUTS},
        )
        with _refusals():
            response = await self._transport.handle_async_request(sealed)
        try:
            yield response
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the connections to the gateway."""
        await self._transport.aclose()


async def read_content(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Give the content piece by piece as it arrives. Raises ``BrokenOff`` when it is cut."""
    if not isinstance(response.stream, httpx2.AsyncByteStream):
        raise TypeError("the transport gave a synchronous stream")
    try:
        async for piece in response.stream:
            yield piece
    except httpx2.TransportError:
        raise BrokenOff from None


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except UntrustedKeys as error:
        raise LocalRefusal(502, error.code, str(error)) from None
    except httpx2.LocalProtocolError:
        raise LocalRefusal(400, "malformed_request", "The request cannot be sealed.") from None
    except httpx2.RemoteProtocolError:
        raise LocalRefusal(502, "answer_cut", "The gateway's answer was cut or altered.") from None
    except httpx2.TimeoutException:
        raise LocalRefusal(504, "gateway_timeout", "The gateway did not answer in time.") from None
    except httpx2.TransportError:
        raise LocalRefusal(502, "gateway_down", "The gateway cannot be reached.") from None
    except OSError:
        raise LocalRefusal(500, "state_file", "The state file cannot be used.") from None
