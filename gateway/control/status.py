"""Status: what an operator needs to see at a glance. Counts and key states, no request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gateway.control.actors import Actor
from gateway.control.acts import Acts
from gateway.control.backends import Backends, BackendStatus
from gateway.core.keyring import USABLE, StoredKey
from gateway.core.policy import Permission
from gateway.core.registry import RevocationKind


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The store at one revision. *keys* are those that are still accepted.

    *backends* are the model servers as this process sees them.
    """

    revision: int
    clients: int
    clients_disabled: int
    keys: tuple[StoredKey, ...]
    revocations: dict[RevocationKind, int]
    backends: tuple[BackendStatus, ...]


class Status:
    """The use case behind the status page and command."""

    def __init__(self, acts: Acts, backends: Backends) -> None:
        self._store = acts.store
        self._acts = acts
        self._backends = backends

    async def read(self, actor: Actor) -> StatusReport:
        """Return the report. Raises ``PermissionDenied``, ``StoreUnavailable``."""
        self._acts.verify(actor, Permission.READ_STATUS)
        state = await self._store.load()
        counts = Counter(entry.kind for entry in state.revocations)
        return StatusReport(
            revision=state.revision,
            clients=len(state.clients),
            clients_disabled=sum(stored.client.disabled for stored in state.clients),
            keys=tuple(key for key in state.keys if key.state in USABLE),
            revocations={kind: counts[kind] for kind in RevocationKind},
            backends=tuple(self._backends.statuses(state)),
        )
