"""Clients and principals."""

from __future__ import annotations

from gateway.core.identity import Client, Role


def test_new_client_may_do_nothing():
    """Silence denies: a client has no model, no address and no clear requests by default."""
    client = Client(client_id="c", role=Role.APPLICATION)
    assert (client.models, client.networks, client.plaintext_allowed) == (frozenset(), (), False)
