"""Stage 1."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from gateway.core.errors import AddressNotAllowed
from gateway.pipeline.admit import Admit
from tests.fakes.world import clear_received, inner_request


def test_address_on_the_list_is_admitted():
    """An address on the gateway-wide allowlist comes in."""
    received = clear_received(inner_request())
    assert Admit([ip_network("127.0.0.0/8")])(received).address == received.peer


def test_empty_list_refuses_everyone():
    """Silence denies: without an allowlist nobody is admitted."""
    with pytest.raises(AddressNotAllowed):
        Admit([])(clear_received(inner_request()))


def test_mapped_address_counts_as_ipv4():
    """An IPv4 client on a dual-stack socket is judged by its IPv4 address."""
    admit = Admit([ip_network("10.0.0.0/8")])
    admit.verify(ip_address("::ffff:10.1.2.3"))
    with pytest.raises(AddressNotAllowed):
        admit.verify(ip_address("::ffff:192.0.2.1"))
