"""The gateway with bugs whose exceptions quote what was said, run as ``sealgate`` is.

What a test of traces needs and the product must not have: no switch in it provokes a bug.
"""

from __future__ import annotations

import logging

from gateway import configured_stages
from gateway.cli.main import main
from gateway.control import room
from gateway.control.actors import Actor
from gateway.control.clients import Clients
from gateway.core.registry import StoredClient
from gateway.pipeline.exchange import Masked, Metered
from gateway.pipeline.mask import Mask

BUG = "bug-"
"""What is said to meet one."""


class CarelessMask(Mask):
    """The stage that has read the whole prompt."""

    async def __call__(self, metered: Metered) -> Masked:
        """Raise what quotes the request, if that is asked for."""
        body = metered.authorized.upstream_request.body
        if BUG.encode() in body:
            raise ValueError(body.decode())
        return await super().__call__(metered)


class CarelessClients(Clients):
    """The use cases of the admin API."""

    async def get(self, actor: Actor, client_id: str) -> StoredClient:
        """Raise what quotes the name, if that is asked for."""
        if client_id.startswith(BUG):
            raise KeyError(client_id, actor)
        return await super().get(actor, client_id)

    async def disable(
        self, actor: Actor, client_id: str, *, expected_version: int | None = None
    ) -> StoredClient:
        """Do the same."""
        await self.get(actor, client_id)
        return await super().disable(actor, client_id, expected_version=expected_version)


if __name__ == "__main__":
    configured_stages.Mask = CarelessMask  # type: ignore[misc]
    room.Clients = CarelessClients  # type: ignore[misc]
    # As loud as it gets: every library may log, and the event loop tells of all that it does.
    logging.root.setLevel(logging.DEBUG)
    main()
