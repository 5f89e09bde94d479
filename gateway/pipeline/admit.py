"""Stage 1: let in only what comes from an address that may talk to this gateway.

Needs no identity, so it runs before anything is opened. An empty allowlist refuses everyone.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.identity import Address, Network
from gateway.core.policy import verify_address
from gateway.pipeline.exchange import Admitted, Received


class Admit:
    """Checks the gateway-wide allowlist."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)

    def __call__(self, received: Received) -> Admitted:
        """Return *received* as admitted. Raises ``AddressNotAllowed``."""
        self.verify(received.peer)
        return Admitted(address=received.peer, received=received)

    def verify(self, address: Address) -> None:
        """Raise ``AddressNotAllowed`` unless *address* may talk to this gateway."""
        verify_address(address, self._networks)
