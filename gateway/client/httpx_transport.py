"""Sealed transports for ``httpx``, for applications and SDKs that still use it.

    client = OpenAI(
        base_url="https://gateway.example/v1",
        api_key="unused",
        http_client=sealed_client(
            "https://gateway.example", client_id="…", client_secret="…", pin="sealgate-pin-…"
        ),
    )

Every request travels sealed and is answered sealed, streams included. The gateway's key and the
access token are fetched and renewed on the way. What goes wrong shows as ``httpx`` errors: a cut
or altered answer is ``RemoteProtocolError`` even after ``[DONE]``; a refusal outside the encryption
is an error status with a neutral text; keys that the pin does not vouch for are ``UntrustedKeys``.
Nothing is ever sent unsealed instead.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, Unpack

import httpx

from gateway.client.account import Account, Options, utc_now
from gateway.client.driver import Driver, Opened, ThreadLock, run_without_waiting
from gateway.client.exchange import inner_request
from gateway.client.outer import GatewayRefused, OuterHead, OuterRequest, ProtocolFailure
from gateway.client.session import Clock, Session
from gateway.core.bhttp import Request
from gateway.core.errors import MalformedRequest
from gateway.core.hpke import RandomBytes
from gateway.core.secret import Secret

# A model may think for minutes before its first token; connecting must not take that long.
_TIMEOUT: Final = httpx.Timeout(600, connect=10)


def sealed_client(
    origin: str,
    *,
    client_id: str,
    client_secret: str,
    ca_file: str | None = None,
    **options: Unpack[Options],
) -> httpx.Client:
    """Return a client whose every request is sealed to the gateway at *origin*.

    *ca_file* is a PEM file with the authority of the gateway's certificate, when the system does
    not trust it. *options* are those of :class:`.Account`; give ``pin=`` or ``trust_tls=True``.
    Requests to another origin are refused. The caller closes the client.
    """
    upstream = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=ca_file))
    account = Account(origin, client_id, Secret(client_secret), **options)
    return httpx.Client(transport=SealgateTransport(account, upstream=upstream), timeout=_TIMEOUT)


def sealed_async_client(
    origin: str,
    *,
    client_id: str,
    client_secret: str,
    ca_file: str | None = None,
    **options: Unpack[Options],
) -> httpx.AsyncClient:
    """Return the ``asyncio`` twin of :func:`sealed_client`."""
    upstream = httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=ca_file))
    account = Account(origin, client_id, Secret(client_secret), **options)
    return httpx.AsyncClient(
        transport=AsyncSealgateTransport(account, upstream=upstream), timeout=_TIMEOUT
    )


class SealgateTransport(httpx.BaseTransport):
    """Seal each request for the gateway of *account* and send it through *upstream*.

    May be shared by threads: one of them fetches keys and token while the others wait. Raises
    ``UnsupportedProtocol`` for another origin, ``LocalProtocolError`` for a request that cannot be
    sealed, ``RemoteProtocolError`` for an answer that does not open or is cut short.
    """

    def __init__(
        self,
        account: Account,
        *,
        upstream: httpx.BaseTransport,
        now: Clock = utc_now,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._account = account
        session = Session(account, now=now, random_bytes=random_bytes)
        self._driver: Driver[_Reply] = Driver(
            session, lock=ThreadLock(), failures=httpx.TransportError
        )
        self._upstream = upstream

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the gateway's answer, opened; its content streams as it arrives."""
        request.read()

        async def send(outer: OuterRequest) -> _Reply:  # never waits, see run_without_waiting
            return _Reply(self._upstream.handle_request(_outer(outer, request, self._account)))

        with _library_errors():
            inner = _inner(request, self._account)
            answer = run_without_waiting(self._driver.perform(inner, send=send))
        if isinstance(answer, GatewayRefused):
            return _refused(answer)
        return _response(answer, _OpenedStream(answer))

    def close(self) -> None:
        """Close the connections."""
        self._upstream.close()


class AsyncSealgateTransport(httpx.AsyncBaseTransport):
    """The ``asyncio`` twin of :class:`SealgateTransport`; one event loop per instance."""

    def __init__(
        self,
        account: Account,
        *,
        upstream: httpx.AsyncBaseTransport,
        now: Clock = utc_now,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._account = account
        session = Session(account, now=now, random_bytes=random_bytes)
        self._driver: Driver[_AsyncReply] = Driver(
            session, lock=asyncio.Lock(), failures=httpx.TransportError
        )
        self._upstream = upstream

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the gateway's answer, opened; its content streams as it arrives."""
        await request.aread()

        async def send(outer: OuterRequest) -> _AsyncReply:
            sealed = _outer(outer, request, self._account)
            return _AsyncReply(await self._upstream.handle_async_request(sealed))

        with _library_errors():
            inner = _inner(request, self._account)
            answer = await self._driver.perform(inner, send=send)
        if isinstance(answer, GatewayRefused):
            return _refused(answer)
        return _response(answer, _AsyncOpenedStream(answer))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._upstream.aclose()


class _Reply:
    """An answer of the synchronous upstream transport, in the driver's shape."""

    def __init__(self, response: httpx.Response) -> None:
        if not isinstance(response.stream, httpx.SyncByteStream):
            raise TypeError("the upstream transport gave an asynchronous stream")
        self.head = OuterHead(response.status_code, dict(response.headers.items()))
        self.response = response
        self.chunks = iter(response.stream)

    async def read_chunk(self) -> bytes | None:
        return next(self.chunks, None)

    async def close(self) -> None:
        self.response.close()


class _AsyncReply:
    """An answer of the asynchronous upstream transport, in the driver's shape."""

    def __init__(self, response: httpx.Response) -> None:
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise TypeError("the upstream transport gave a synchronous stream")
        self.head = OuterHead(response.status_code, dict(response.headers.items()))
        self.response = response
        self.chunks = aiter(response.stream)

    async def read_chunk(self) -> bytes | None:
        return await anext(self.chunks, None)

    async def close(self) -> None:
        await self.response.aclose()


class _OpenedStream(httpx.SyncByteStream):
    """The content of a sealed answer while it arrives."""

    def __init__(self, opened: Opened[_Reply]) -> None:
        self._opened = opened

    def __iter__(self) -> Iterator[bytes]:
        opened = self._opened
        with _library_errors():
            if opened.first:
                yield opened.first
            for chunk in opened.reply.chunks:
                if content := opened.exchange.feed(chunk):
                    yield content
            if content := opened.exchange.finish():
                yield content

    def close(self) -> None:
        self._opened.reply.response.close()


class _AsyncOpenedStream(httpx.AsyncByteStream):
    """The ``asyncio`` twin of :class:`_OpenedStream`."""

    def __init__(self, opened: Opened[_AsyncReply]) -> None:
        self._opened = opened

    async def __aiter__(self) -> AsyncIterator[bytes]:
        opened = self._opened
        with _library_errors():
            if opened.first:
                yield opened.first
            async for chunk in opened.reply.chunks:
                if content := opened.exchange.feed(chunk):
                    yield content
            if content := opened.exchange.finish():
                yield content

    async def aclose(self) -> None:
        await self._opened.reply.close()


@contextmanager
def _library_errors() -> Iterator[None]:
    try:
        yield
    except MalformedRequest as error:
        raise httpx.LocalProtocolError(error.detail) from None
    except ProtocolFailure as failure:
        raise httpx.RemoteProtocolError(str(failure)) from None


def _inner(request: httpx.Request, account: Account) -> Request:
    url = request.url
    if f"{url.scheme}://{url.netloc.decode('ascii')}" != account.origin:
        raise httpx.UnsupportedProtocol("this client talks to its own gateway alone")
    return inner_request(
        request.method,
        url.raw_path,
        authority=url.netloc,
        headers=request.headers.raw,
        body=request.content,
    )


def _outer(outer: OuterRequest, request: httpx.Request, account: Account) -> httpx.Request:
    # Of the application's request only the timeouts reach the outer one.
    timeout = outer.timeouts(request.extensions.get("timeout"))
    return httpx.Request(
        outer.method,
        account.origin + outer.path,
        headers=list(outer.headers),
        content=outer.body,
        extensions={} if timeout is None else {"timeout": timeout},
    )


def _response(
    answer: Opened[_Reply] | Opened[_AsyncReply],
    stream: httpx.SyncByteStream | httpx.AsyncByteStream,
) -> httpx.Response:
    return httpx.Response(answer.head.status, headers=list(answer.head.headers), stream=stream)


def _refused(refusal: GatewayRefused) -> httpx.Response:
    return httpx.Response(refusal.status, headers=refusal.headers, content=refusal.body)
