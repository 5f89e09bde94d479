"""Stage 3."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from gateway.core.errors import AddressNotAllowed, EncryptionRequired, InvalidToken
from gateway.core.policy import Revocations
from gateway.pipeline.authenticate import Authenticate
from tests.fakes.world import (
    EXPECTED,
    NOW,
    FixedSnapshots,
    clock,
    decapsulated,
    inner_request,
    snapshot,
    token,
    with_client,
)


def run(request=None, **world):
    source = FixedSnapshots(snapshot(*world.pop("clients", ()), **world))
    return Authenticate(source, EXPECTED, clock)(request or decapsulated())


def with_headers(*headers):
    return decapsulated(replace(inner_request(), headers=headers))


def test_valid_token_names_its_client():
    """A good token gives the principal behind it."""
    assert run().principal.client.client_id == "c-app"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"authorization", b"Basic YTpi"),),
        ((b"authorization", b"Bearer"),),
        ((b"authorization", b"Bearer \xff\xfe"),),
        ((b"authorization", b"Bearer " + token().encode()),) * 2,
    ],
)
def test_anything_but_one_bearer_token_is_refused(headers):
    """No token, another scheme, rubbish, or two tokens: refused."""
    with pytest.raises(InvalidToken):
        run(with_headers(*headers))


@pytest.mark.parametrize(
    "revocations",
    [
        Revocations(jtis=frozenset({"token-1"})),
        Revocations(kids=frozenset({"sig-1"})),
        Revocations(clients={"c-app": NOW}),
    ],
)
def test_every_kind_of_revocation_counts(revocations):
    """A token revoked by itself, by its key or by its client is refused."""
    with pytest.raises(InvalidToken):
        run(revocations=revocations)


def test_clients_own_allowlist_counts():
    """A good token from an address that is not the client's is refused."""
    with pytest.raises(AddressNotAllowed):
        run(clients=[with_client(networks=(ip_network("192.0.2.0/24"),))])


def test_client_without_allowlist_may_call_from_nowhere():
    """Silence denies."""
    with pytest.raises(AddressNotAllowed):
        run(clients=[with_client(networks=())])


def test_clear_request_needs_permission():
    """A request that was not sealed passes only for a client that an operator marked."""
    clear = decapsulated(seal=None)
    with pytest.raises(EncryptionRequired):
        run(clear)
    assert run(clear, clients=[with_client(plaintext_allowed=True)]).principal
