"""Clients that call the processes of a group again and again, and streams that run until cut."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from time import perf_counter

import httpx2

from gateway.core.ohttp_keys import KeyConfig, find_usable_config, parse_key_list
from loadtests.client import (
    SEALED_PATH,
    StreamConnection,
    Target,
    bearer,
    chat_body,
    connect,
    sealed,
)
from loadtests.gateway_group import MODEL, Account, Group, Member
from loadtests.processes import wait_until
from loadtests.reach import Attempt, Ending

_PROBE_SECONDS = 0.015
"""Between an answer and the next call: what the times measured are rounded up to, at most."""
_STEADY_SECONDS = 0.1
_TOKEN_PAUSE_SECONDS = 1.1
"""A token of the very second of a revocation is refused as well."""
_STREAM_TOKENS = 5000
_FIRST_TOKEN_SECONDS = 10.0
_OK, _UNAUTHORIZED = 200, 401


async def call(http: httpx2.AsyncClient, member: Member, token: str) -> Attempt:
    """Ask *member* for the models, in the clear; return what came of it."""
    sent_at = perf_counter()
    status = 0
    with suppress(httpx2.TransportError):
        headers = {"authorization": f"Bearer {token}"}
        status = (await http.get(f"{member.origin}/v1/models", headers=headers)).status_code
    return Attempt(sent_at, perf_counter(), status)


class Probe:
    """Calls one process with one token, over one connection, until it is told to stop."""

    def __init__(self, http: httpx2.AsyncClient, member: Member, token: str) -> None:
        self.attempts: list[Attempt] = []
        self._http, self._member, self._token = http, member, token
        self._accepted, self._refused = asyncio.Event(), asyncio.Event()
        self._stopped = False

    async def run(self) -> None:
        """Call until :meth:`stop`. Refusals before the first success are not kept.

        A process that has not heard of a new client or key yet may refuse for a moment.
        """
        while not self._stopped:
            attempt = await call(self._http, self._member, self._token)
            if attempt.status == _OK:
                self._accepted.set()
            if self._accepted.is_set():
                self.attempts.append(attempt)
                if attempt.status == _UNAUTHORIZED:
                    self._refused.set()
            await asyncio.sleep(_PROBE_SECONDS)

    def stop(self) -> None:
        """Make no further call."""
        self._stopped = True

    async def wait_for_success(self, *, seconds: float) -> None:
        """Return once the token was accepted; raises ``TimeoutError``."""
        await asyncio.wait_for(self._accepted.wait(), seconds)

    async def wait_for_refusal(self, *, seconds: float) -> None:
        """Return once the token was refused, or when the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._refused.wait(), seconds)


class Caller:
    """A bystander: calls every process in turn, and gets a new token when its own is refused."""

    def __init__(self, group: Group, account: Account) -> None:
        self.statuses: Counter[int] = Counter()
        self._group, self._account = group, account

    async def run(self) -> None:
        """Call until cancelled."""
        async with self._group.connect() as http:
            token = await self._group.fetch_token(self._account)
            while True:
                for member in self._group.members:
                    attempt = await call(http, member, token)
                    self.statuses[attempt.status] += 1
                    if attempt.status == _UNAUTHORIZED:
                        await asyncio.sleep(_TOKEN_PAUSE_SECONDS)
                        token = await self._group.fetch_token(self._account)
                    await asyncio.sleep(_STEADY_SECONDS)


async def fetch_key(group: Group) -> KeyConfig:
    """Return a key that requests can be sealed to; raises ``RuntimeError`` without one."""
    async with group.connect() as http:
        answer = await http.get(group.members[0].origin + SEALED_PATH)
    key = find_usable_config(parse_key_list(answer.raise_for_status().content))
    if key is None:
        raise RuntimeError("the gateway offers no key that this client can use")
    return key


class Stream:
    """A sealed stream that runs until it is cut."""

    def __init__(self, connection: StreamConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, group: Group, member: Member, *, key: KeyConfig, token: str) -> "Stream":
        """Return a stream of which the first token has come; raises ``TimeoutError``."""
        prepare = sealed(key, host=f"127.0.0.1:{member.port}", prove=bearer(token), date=_http_date)
        target = Target("stream", ("127.0.0.1", member.port), prepare, group.tls)
        body = chat_body(tokens=_STREAM_TOKENS, variant=0, model=MODEL, streamed=True)
        connection = await connect(target, body)
        connection.send()

        async def has_begun() -> bool:
            return any(b"content" in one.data for one in connection.received.arrivals)

        await wait_until(has_begun, seconds=_FIRST_TOKEN_SECONDS)
        return cls(connection)

    async def wait_for_end(self, *, seconds: float) -> Ending | None:
        """Return how it ended, or None when it still runs after that time."""
        try:
            received = await asyncio.wait_for(asyncio.shield(self._connection.done), seconds)
        except TimeoutError:
            self._connection.leave()
            return None
        last = received.arrivals[-1]
        return Ending(
            last.at,
            has_error_event=b'"error"' in last.data,
            is_complete=received.error is None or b"[DONE]" in last.data,
        )


def _http_date() -> str:
    return format_datetime(datetime.now(UTC), usegmt=True)
