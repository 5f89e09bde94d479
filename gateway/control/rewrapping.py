"""Private keys wrapped anew after the wrapping key was rotated, all of them or none.

The new values are made and tried while no transaction is open, and put in place in one. A crash at
any moment leaves a store whose keys open. No key changes, so clients and tokens notice nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from gateway.control.actors import Actor
from gateway.control.acts import Act, Action, Acts
from gateway.control.key_material import rewrap_key, wrapped_private
from gateway.core.access_log_ports import AccessLogArchive
from gateway.core.errors import Conflict
from gateway.core.keyring import USABLE, StoredKey
from gateway.core.policy import Permission
from gateway.core.ports import KeyWrap

_ATTEMPTS: Final = 10  # each takes in what was changed during the one before


class Rewrapping:
    """The use case after a rotation of the wrapping key.

    Answers that are kept for repeated calls are not wrapped anew, they end within a day. So the old
    wrapping key must open for a day more. The keys of the access log follow once the others are in
    place, those of this host alone; on the others the command is to be run too.
    """

    def __init__(self, acts: Acts, key_wrap: KeyWrap, access_log: AccessLogArchive) -> None:
        self._acts = acts
        self._key_wrap = key_wrap
        self._access_log = access_log

    async def rewrap(self, actor: Actor) -> Sequence[StoredKey]:
        """Wrap every usable key under the newest wrapping key; return those keys.

        Raises ``PermissionDenied``, ``StoreUnavailable`` when one of them does not open or the key
        service is away, with nothing changed, and ``Conflict`` when the keys change all the time.
        ``StoreUnavailable`` also for a key of the access log: then the others are done, and the
        same call again does the rest.
        """
        await self._acts.admit(actor, Permission.WRITE_KEYS, Act(Action.REWRAP_KEYS, "usable"))
        fresh: dict[bytes, bytes] = {}
        for _ in range(_ATTEMPTS):
            keys = {wrapped_private(key): key for key in await self._usable_now()}
            fresh = {
                old: fresh.get(old) or await rewrap_key(key, self._key_wrap)
                for old, key in keys.items()
            }
            with suppress(_KeysChanged):
                done = await self._replace(actor, fresh)
                await self._access_log.rewrap()
                return done
        raise Conflict("The keys are being changed by somebody else. Try again.")

    async def _usable_now(self) -> Sequence[StoredKey]:
        return _usable((await self._acts.store.load()).keys)

    async def _replace(self, actor: Actor, fresh: Mapping[bytes, bytes]) -> Sequence[StoredKey]:
        """Put the new values in place; return the keys, or raise ``_KeysChanged``."""
        act = Act(Action.REWRAP_KEYS, "usable", f"{len(fresh)} keys")
        async with self._acts.change(actor, Permission.WRITE_KEYS, act) as change:
            keys = _usable(await change.list_keys())
            if {wrapped_private(key) for key in keys} != fresh.keys():
                raise _KeysChanged
            done = [replace(key, wrapped_private=fresh[wrapped_private(key)]) for key in keys]
            for key in done:
                await change.save_key(key)
        return done


class _KeysChanged(Exception):
    """There is another set of keys than when the new values were made."""


def _usable(keys: Sequence[StoredKey]) -> list[StoredKey]:
    return [key for key in keys if key.state in USABLE]
