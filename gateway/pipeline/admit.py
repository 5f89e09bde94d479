"""Stage 1: let in only what comes from an address that may talk to this gateway.

First it is settled whose address that is, since a proxy may stand in between; every later stage
takes the result. Needs no identity, so it runs before anything is opened. An empty allowlist
refuses everyone.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.core.forwarded import TrustedProxies, verify_client_address
from gateway.core.identity import Address, Network
from gateway.core.policy import verify_address
from gateway.pipeline.exchange import Admitted, Headers, Located, Received
from gateway.pipeline.spend import Spending

_NO_PROXIES = TrustedProxies()


class Admit:
    """Finds the client's address and checks the gateway-wide allowlist.

    Each request is an attempt to spend what *spending* allows; without one nothing is bounded.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        *,
        proxies: TrustedProxies = _NO_PROXIES,
        spending: Spending | None = None,
    ) -> None:
        self._networks = tuple(networks)
        self._proxies = proxies
        self._spending = spending or Spending()

    def locate(self, received: Received) -> Located:
        """Return *received* with its client's address.

        Raises ``AddressNotAllowed`` when a trusted proxy does not say who that is.
        """
        return Located(self.client_address(received.peer, received.headers), received)

    def __call__(self, located: Located) -> Admitted:
        """Return *located* as admitted. Raises ``AddressNotAllowed``."""
        address = located.address
        self.verify(address)
        return Admitted(address, located.received, self._spending.attempt(address))

    def client_address(
        self, peer: Address, unverified_headers: Headers, *, proxy_may_call: bool = False
    ) -> Address:
        """Return the client's address as ``core.forwarded`` finds it for these proxies."""
        return verify_client_address(
            peer, unverified_headers, self._proxies, proxy_may_call=proxy_may_call
        )

    def verify(self, address: Address) -> None:
        """Raise ``AddressNotAllowed`` unless *address* may talk to this gateway."""
        verify_address(address, self._networks)
