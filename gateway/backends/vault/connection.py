"""HTTP to one Vault: calls that end in time, and none at all for a while after one that failed.

Promises that no caller waits longer than the limit, that a silent or lying server costs one attempt
at a time, and that neither a token nor a word of an answer gets into a log or an error. Redirects
are not followed: they would carry the token to another host.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import orjson

from gateway.core.errors import KeyServiceUnavailable
from gateway.core.secret import Secret

PATIENCE_SECONDS: Final = 5.0
"""After which every call ends, also one that nobody waits for any more."""

_MAX_ANSWER_BYTES: Final = 1 << 20  # wrapped keys and secrets are a few kilobytes
_MAX_CONNECTIONS: Final = 4
_FIRST_PAUSE_SECONDS: Final = 0.25
_LAST_PAUSE_SECONDS: Final = 2.0  # so that it is noticed soon when Vault is back
_NAMESPACE: Final = "X-Vault-Namespace"
_TOKEN: Final = "X-Vault-Token"  # noqa: S105  # the name of a header

_UNFIT: Final = {
    429: "Vault is a standby or asks for fewer calls.",
    472: "Vault is a disaster recovery standby.",
    473: "Vault is a performance standby.",
    501: "Vault is not initialised.",
    503: "Vault is sealed or cannot serve.",
}
_NO_ANSWER: Final = "Vault cannot be reached or broke off."
_LATE: Final = "Vault does not answer in time."
_UNTRUSTED: Final = (
    "TLS with Vault fails: its certificate is not what the gateway was told to trust."
)
_NOT_JSON: Final = "Vault answers with something that is not its API."


@dataclass(frozen=True, slots=True)
class VaultAddress:
    """Where Vault is: *url* is its origin, *ca_file* (PEM) the only authorities that vouch for it.

    Without *ca_file* those of the machine do. *timeout_seconds* bounds one call, connecting
    included. *namespace* is sent as ``X-Vault-Namespace``.
    """

    url: str
    ca_file: Path | None = None
    namespace: str | None = None
    timeout_seconds: float = 0.45


class Answer(NamedTuple):
    """A status below 500, and the JSON object of the body; empty where there is none.

    Not shown: the body may hold a key.
    """

    status: int
    body: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Answer({self.status})"


class VaultConnection:
    """Calls Vault's HTTP API. Belongs to one event loop.

    ``OSError`` for an authority file that cannot be read.
    """

    def __init__(
        self, address: VaultAddress, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        tls = ssl.create_default_context(cafile=address.ca_file)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        headers = {"X-Vault-Request": "true", "Accept-Encoding": "identity"}
        if address.namespace is not None:
            headers[_NAMESPACE] = address.namespace
        self._client = httpx2.AsyncClient(
            base_url=f"{address.url.rstrip('/')}/v1/",
            headers=headers,
            verify=tls,
            limits=httpx2.Limits(max_connections=_MAX_CONNECTIONS),
            trust_env=False,
        )
        self._timeout_seconds = address.timeout_seconds
        self._monotonic = monotonic
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._refused_until = float("-inf")
        self._refusal = _NO_ANSWER
        self._running: set[asyncio.Task[Answer]] = set()

    async def call(
        self,
        method: str,
        path: str,
        *,
        token: Secret[str] | None = None,
        body: Mapping[str, object] | None = None,
        is_patient: bool = False,
    ) -> Answer:
        """Return the answer of ``/v1/`` *path*, whose status may say that it was refused.

        With *is_patient* it is waited for five seconds: an answer that cannot be asked for again.

        Raises ``KeyServiceUnavailable`` when there is none in time or Vault cannot serve, and at
        once for a moment after that: so callers do not pile up before a server that hangs.
        """
        if self._monotonic() < self._refused_until:
            raise KeyServiceUnavailable(self._refusal)
        headers = None if token is None else {_TOKEN: token.reveal()}
        seconds = PATIENCE_SECONDS if is_patient else self._timeout_seconds
        request = self._client.build_request(
            method, path, json=body, headers=headers, timeout=seconds
        )
        exchange = asyncio.create_task(self._exchange(request))
        self._running.add(exchange)
        exchange.add_done_callback(self._forget)
        # An exchange that is cut off from outside leaves its socket open. So it ends by limits of
        # its own, each of them for one step, and who asked goes on without it.
        await asyncio.wait({exchange}, timeout=seconds)
        try:
            answer = exchange.result()
        except (asyncio.InvalidStateError, TimeoutError, httpx2.TimeoutException):
            raise self._away(_LATE) from None
        except httpx2.TransportError as error:
            raise self._away(_UNTRUSTED if _is_tls(error) else _NO_ANSWER) from None
        except ValueError:
            raise self._away(_NOT_JSON) from None
        if answer.status in _UNFIT or not 200 <= answer.status < 500 or 300 <= answer.status < 400:
            raise self._away(_UNFIT.get(answer.status, _NO_ANSWER))
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        return answer

    async def close(self) -> None:
        """Close all connections, once what was begun has ended."""
        if self._running:
            await asyncio.wait(self._running)
        await self._client.aclose()

    async def _exchange(self, request: httpx2.Request) -> Answer:
        async with asyncio.timeout(PATIENCE_SECONDS):
            response = await self._client.send(request, stream=True)
            try:
                parts, size = [], 0
                async for part in response.aiter_bytes():
                    size += len(part)
                    if size > _MAX_ANSWER_BYTES:
                        raise ValueError
                    parts.append(part)
            finally:
                await response.aclose()
            return Answer(response.status_code, _parse_object(b"".join(parts)))

    def _forget(self, exchange: asyncio.Task[Answer]) -> None:
        self._running.discard(exchange)
        if not exchange.cancelled():
            exchange.exception()  # perhaps nobody waits for it any more

    def _away(self, reason: str) -> KeyServiceUnavailable:
        """Remember that a call failed; return the error to raise."""
        self._refused_until = self._monotonic() + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, _LAST_PAUSE_SECONDS)
        self._refusal = reason
        return KeyServiceUnavailable(reason)


def _parse_object(data: bytes) -> Mapping[str, Any]:
    """Return the object in *data*. Raises ``ValueError`` when there is something else."""
    value = orjson.loads(data) if data else {}
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004  # it is not our caller who is wrong
    return value


def _is_tls(error: BaseException | None) -> bool:
    """Return whether *error* has its reason in TLS."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None
