"""Clients and principals."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from gateway.core.grants import (
    RAW_PARAMETERS,
    UNLIMITED,
    UNMASKABLE_PARAMETERS,
    DataClass,
    Grant,
    Operation,
    Parameter,
    every_operation,
)
from gateway.core.identity import Client, Role, unmapped


def test_new_client_may_do_nothing():
    """Silence denies: a client has no model, no address and no clear requests by default."""
    client = Client(client_id="c", role=Role.APPLICATION)
    assert (client.models, client.networks, client.plaintext_allowed) == (frozenset(), (), False)


@pytest.mark.parametrize("role", Role)
def test_raw_parameters_count_for_developers_alone(role):
    """Whatever is stored: what is not scrubbed never reaches an application."""
    client = Client("c", role, parameters=frozenset(Parameter))
    assert (client.usable_parameters >= RAW_PARAMETERS) is (role is Role.DEVELOPER)
    assert Parameter.LOGPROBS in client.usable_parameters


def test_nothing_goes_around_the_masks():
    """A client whose models see no personal data sends nothing that cannot be masked."""
    client = Client("c", Role.APPLICATION, parameters=frozenset(Parameter), masks_requests=True)
    assert not client.usable_parameters & UNMASKABLE_PARAMETERS
    assert replace(client, masks_requests=False).usable_parameters >= UNMASKABLE_PARAMETERS


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::192.0.2.1", "::c000:201"),  # the deprecated compatible form stays IPv6
        ("2001:db8::1", "2001:db8::1"),
    ],
)
def test_mapped_addresses_are_the_ipv4_addresses_they_carry(address, plain):
    """One client has one address, whichever kind of socket it came in by."""
    assert unmapped(ip_address(address)) == ip_address(plain)


def test_new_client_sends_internal_data_without_a_quota():
    """Unless an operator says otherwise requests are internal, and no quota applies."""
    client = Client(client_id="c", role=Role.APPLICATION)
    assert (client.data_class, client.quota) == (DataClass.INTERNAL, UNLIMITED)


def test_models_are_those_of_some_grant_that_was_not_reclaimed():
    """A model stays in sight while one operation of it is left, and is gone with the last."""
    chat = Grant("tiny", Operation.CHAT_COMPLETIONS)
    client = Client(client_id="c", role=Role.APPLICATION, grants=every_operation({"tiny", "b"}))
    assert client.models == {"tiny", "b"}
    assert replace(client, withheld=frozenset({chat.permission})).models == {"tiny", "b"}
    every = frozenset(grant.permission for grant in every_operation({"tiny"}))
    assert replace(client, withheld=every).models == {"b"}
