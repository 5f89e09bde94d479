"""Secrets that Vault's KV v2 engine keeps, and the two uses the gateway makes of them.

A secret is held in memory and in nothing else. While Vault is away the one that was read last
counts; until one was read, whoever needs it is refused.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

from gateway.backends.key_wrap import FileKeyWrap
from gateway.backends.vault.session import VaultSession
from gateway.core.errors import KeyServiceUnavailable, UpstreamUnavailable
from gateway.core.secret import Secret

_KEEP_SECONDS: Final = 15.0  # how late a secret that was replaced in Vault counts here


class KvPlace(NamedTuple):
    """Where a secret is: the member *field* of the newest version at *path* of engine *mount*."""

    mount: str
    path: str
    field: str


class KvSecret:
    """One secret in Vault."""

    def __init__(self, session: VaultSession, place: KvPlace) -> None:
        self._session = session
        self._place = place

    async def fetch(self) -> Secret[str]:
        """Return it as it is in Vault now.

        Raises ``KeyServiceUnavailable``, also when it is not there, deleted, or no text.
        """
        mount, path, field = self._place
        answer = await self._session.call("GET", f"{mount}/data/{path}")
        data = answer.body.get("data") if answer.status == 200 else None
        fields = data.get("data") if isinstance(data, dict) else None
        value = fields.get(field) if isinstance(fields, dict) else None
        if not isinstance(value, str) or not value:
            raise KeyServiceUnavailable("Vault has no secret where the configuration says.")
        return Secret(value)


class HeldApiKey:
    """vLLM's key out of Vault, for the requests to vLLM."""

    def __init__(
        self, source: KvSecret, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._monotonic = monotonic
        self._held: Secret[str] | None = None
        self._good_until = float("-inf")

    async def refresh(self) -> None:
        """Read it if it was not read lately. While that fails the one before counts.

        Background task, to be called every second.
        """
        if self._monotonic() >= self._good_until:
            with suppress(KeyServiceUnavailable):
                self._held = await self._source.fetch()
                self._good_until = self._monotonic() + _KEEP_SECONDS

    def __call__(self) -> Secret[str]:
        """Return it. Raises ``UpstreamUnavailable`` until it was read once."""
        if self._held is None:
            raise UpstreamUnavailable
        return self._held


class ProvisionedKeyWrap:
    """A ``KeyWrap`` as with a key file, whose key is in Vault instead and read at the first use."""

    def __init__(self, session: VaultSession, source: KvSecret) -> None:
        self._session = session
        self._source = source
        self._lock = asyncio.Lock()
        self._held: FileKeyWrap | None = None

    async def wrap(self, private: Secret[bytes], *, kid: str) -> bytes:
        """Return *private* wrapped."""
        return await (await self._key_wrap()).wrap(private, kid=kid)

    async def unwrap(self, wrapped: bytes, *, kid: str) -> Secret[bytes]:
        """Return what was wrapped for *kid*. Raises ``StoreUnavailable`` when it does not open."""
        return await (await self._key_wrap()).unwrap(wrapped, kid=kid)

    async def close(self) -> None:
        """Give Vault's token back and close all connections."""
        await self._session.close()

    async def _key_wrap(self) -> FileKeyWrap:
        async with self._lock:
            if self._held is None:
                text = await self._source.fetch()
                try:
                    key = base64.b64decode(text.reveal(), validate=True)
                except (binascii.Error, ValueError):
                    raise KeyServiceUnavailable("The storage key is not base64.") from None
                self._held = FileKeyWrap(Secret(key))
            return self._held
