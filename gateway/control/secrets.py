"""Client secrets: made here, shown once, remembered only as an Argon2id hash (RFC 9106).

A secret carries the identifier of its credential in front, so verifying one takes exactly one hash
however many credentials a client holds, and exactly one when the client does not exist.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gateway.core.errors import InvalidClient, RateLimited
from gateway.core.secret import Secret

MAX_SECRET_CHARS: Final = 128
"""Ours have 66; whatever is longer is refused before any work."""

_SECRET_BYTES: Final = 32
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class HashCost:
    """The parameters of a new hash; one that is stored keeps those it was made with.

    By default OWASP's second choice. The secrets are random, so this is a margin, not the wall.
    """

    memory_kib: int = 19456
    iterations: int = 2
    lanes: int = 1


def new_credential_id() -> str:
    """Return a fresh credential identifier of 16 characters. It is no secret."""
    return secrets.token_hex(8)


def new_secret(credential_id: str) -> Secret[str]:
    """Return a fresh secret of 256 random bits for the credential *credential_id*."""
    return Secret(f"{credential_id}-{secrets.token_urlsafe(_SECRET_BYTES)}")


def credential_id_of(unverified_secret: Secret[str]) -> str:
    """Return the credential that a secret claims to belong to, perhaps one that does not exist."""
    return unverified_secret.reveal().partition("-")[0]


async def _nothing() -> None:
    pass


class SecretHasher:
    """Hash and check secrets off the event loop, a few at a time.

    At most *concurrency* hashes of 19 MiB each run at once and at most *queue* calls wait for one;
    more raise ``RateLimited``, so the token endpoint cannot be used to exhaust the machine. *match*
    says whether a secret is what a hash was made from.
    """

    def __init__(
        self,
        cost: HashCost = HashCost(),
        *,
        concurrency: int = 2,
        queue: int = 64,
        match: Callable[[Secret[str], str], bool] | None = None,
    ) -> None:
        self._cost = cost
        self._match = match or _matches
        self._slots = asyncio.Semaphore(concurrency)
        self._admitted = 0
        self._limit = concurrency + queue
        # A hash of the same cost that nothing matches, checked in place of a missing one.
        self._decoy = _hash(Secret(secrets.token_urlsafe(_SECRET_BYTES)), cost)

    async def hash(self, secret: Secret[str]) -> str:
        """Return the hash of *secret* as a PHC string, with its parameters and salt inside."""
        async with self._slots:
            return await asyncio.to_thread(_hash, secret, self._cost)

    async def verify(
        self,
        secret: Secret[str],
        *,
        secret_hash: str | None,
        before: Callable[[], Awaitable[object]] = _nothing,
    ) -> None:
        """Raise ``InvalidClient`` unless *secret* is what *secret_hash* was made from.

        ``None`` stands for "there is no such credential" and takes as long as a wrong secret.
        *before* is called when it is this secret's turn and may refuse: the answer to others that
        waited before it may be known by then.
        """
        if self._admitted >= self._limit:
            raise RateLimited(retry_after_seconds=1)
        self._admitted += 1
        try:
            async with self._slots:
                await before()
                matches = await asyncio.to_thread(self._match, secret, secret_hash or self._decoy)
        finally:
            self._admitted -= 1
        if not matches or secret_hash is None:
            raise InvalidClient


def _hash(secret: Secret[str], cost: HashCost) -> str:
    hasher = Argon2id(
        salt=secrets.token_bytes(_SALT_BYTES),
        length=32,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    return hasher.derive_phc_encoded(secret.reveal().encode())


def _matches(secret: Secret[str], secret_hash: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(secret.reveal().encode(), secret_hash)
    except InvalidKey:
        return False
    return True
