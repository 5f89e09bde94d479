"""Key pairs for a transaction, made and wrapped while none is open.

What wraps a key may take most of a second, and while the store's write lock is held no sealed
request can be taken. So a transaction that finds it needs a key is rolled back, the key is made,
and the transaction begins anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, NamedTuple, TypeVar

from gateway.control.key_material import create_key
from gateway.core.errors import Conflict, KeyServiceUnavailable
from gateway.core.keyring import KeyAlgorithm, KeyUse, StoredKey
from gateway.core.ports import KeyWrap

_ATTEMPTS: Final = 12  # one for each key of each use, and some that another process takes away

T = TypeVar("T")


class Blank(NamedTuple):
    """Which key is needed. *key_id* is given for encryption keys and only for them."""

    use: KeyUse
    algorithm: KeyAlgorithm
    key_id: int | None


class KeyNeeded(Exception):
    """A transaction needs a key that is not made yet. No refusal: it is begun anew."""

    def __init__(self, blank: Blank) -> None:
        self.blank = blank
        super().__init__()


class FreshKeys:
    """The keys that were made so far for one act, each of which goes into the store once."""

    def __init__(self, key_wrap: KeyWrap, *, now: datetime) -> None:
        self._key_wrap = key_wrap
        self.now = now
        """The moment of the act, at which its keys begin."""

        self._made: dict[Blank, StoredKey] = {}
        self._fault: KeyServiceUnavailable | None = None

    async def complete(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what *work*, which is one transaction, returns once it has all keys it needs.

        Raises ``Conflict`` when others change the keys all the time.
        """
        for _ in range(_ATTEMPTS):
            try:
                return await work()
            except KeyNeeded as needed:
                await self._make(needed.blank)
        raise Conflict("The keys are being changed by somebody else. Try again.")

    def take(self, blank: Blank) -> StoredKey:
        """Return the pending key for *blank*.

        Raises ``KeyNeeded``, which :meth:`complete` sees to, or ``KeyServiceUnavailable`` when it
        could not be wrapped.
        """
        if self._fault is not None:
            raise self._fault
        if blank not in self._made:
            raise KeyNeeded(blank)
        return self._made[blank]

    async def _make(self, blank: Blank) -> None:
        use, algorithm, key_id = blank
        try:
            self._made[blank] = await create_key(
                algorithm, self._key_wrap, use=use, key_id=key_id, now=self.now
            )
        except KeyServiceUnavailable as fault:
            # Raised where the key is missed, since not every act needs it: a stolen key is
            # revoked all the same.
            self._fault = fault
