"""The model servers: how they are, and draining one before its maintenance.

What is drained is in the store, so every process knows it, and no restart forgets it. How a server
is (health, calls under way) each process knows for itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from gateway.control.actors import Actor
from gateway.control.acts import Act, Action, Acts
from gateway.core.balancer import BackendLoad, Balancer
from gateway.core.errors import NotFound
from gateway.core.policy import Permission
from gateway.core.registry import ControlState


class BackendStatus(NamedTuple):
    """One model server: its load in this process, and whether it is drained everywhere."""

    load: BackendLoad
    drained: bool


class Backends:
    """The use cases around model servers, which themselves change with the configuration alone.

    *balancer* is what the data plane of this process chooses by; a command has one without calls.
    Methods that take an actor raise ``PermissionDenied`` for one without the right, and
    ``StoreUnavailable``.
    """

    def __init__(self, acts: Acts, balancer: Balancer) -> None:
        self.balancer = balancer
        self._acts = acts

    def drained(self) -> Collection[str]:
        """Return the names of what gets no new calls. Raises ``StoreUnavailable``."""
        return self._acts.snapshots.current().drained_backends

    async def list_all(self, actor: Actor) -> Sequence[BackendStatus]:
        """Return all model servers; they are few."""
        self._acts.verify(actor, Permission.READ_STATUS)
        return self.statuses(await self._acts.store.load())

    async def drain(self, actor: Actor, name: str) -> BackendStatus:
        """Give it no new calls; running answers go on. Raises ``NotFound``."""
        return await self._save(actor, Act(Action.DRAIN_BACKEND, name), drained=True)

    async def undrain(self, actor: Actor, name: str) -> BackendStatus:
        """Give it calls again. Raises ``NotFound``."""
        return await self._save(actor, Act(Action.UNDRAIN_BACKEND, name), drained=False)

    def statuses(self, state: ControlState) -> Sequence[BackendStatus]:
        """Return all model servers as of *state*."""
        drained = state.drained_backends
        return [BackendStatus(load, load.name in drained) for load in self.balancer.loads()]

    async def _save(self, actor: Actor, act: Act, *, drained: bool) -> BackendStatus:
        async with self._acts.change(actor, Permission.WRITE_BACKENDS, act) as change:
            found = [load for load in self.balancer.loads() if load.name == act.target]
            if not found:
                raise NotFound
            await change.save_drained(act.target, drained=drained)
        return BackendStatus(found[0], drained)
