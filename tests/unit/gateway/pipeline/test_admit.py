"""Stage 1."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import count

import pytest

from gateway.core.effort import EffortRules
from gateway.core.errors import AddressNotAllowed, RateLimited
from gateway.core.forwarded import ForwardedHeader, TrustedProxies
from gateway.pipeline.admit import Admit
from gateway.pipeline.exchange import Located
from gateway.pipeline.spend import Spending
from tests.fakes.world import PEER, clear_received, inner_request

PROXIES = TrustedProxies((ip_network("127.0.0.0/8"),), ForwardedHeader.X_FORWARDED_FOR)


def forwarded(value: bytes):
    """Return a request that a trusted proxy passes on with *value* in its header."""
    received = clear_received(inner_request())
    return replace(received, headers=[*received.headers, (b"x-forwarded-for", value)])


def test_address_on_the_list_is_admitted():
    """An address on the gateway-wide allowlist comes in."""
    admit = Admit([ip_network("127.0.0.0/8")])
    assert admit(admit.locate(clear_received(inner_request()))).address == PEER


def test_empty_list_refuses_everyone():
    """Silence denies: without an allowlist nobody is admitted."""
    with pytest.raises(AddressNotAllowed):
        Admit([])(Located(PEER, clear_received(inner_request())))


def test_mapped_address_counts_as_ipv4():
    """An IPv4 client on a dual-stack socket is judged by its IPv4 address."""
    admit = Admit([ip_network("10.0.0.0/8")])
    admit.verify(ip_address("::ffff:10.1.2.3"))
    with pytest.raises(AddressNotAllowed):
        admit.verify(ip_address("::ffff:192.0.2.1"))


def test_the_list_is_for_the_client_and_not_for_the_proxy():
    """Behind a trusted proxy the client's address decides, whatever the proxy's own may do."""
    admit = Admit([ip_network("192.0.2.0/24")], proxies=PROXIES)
    admitted = admit(admit.locate(forwarded(b"192.0.2.1")))
    assert (admitted.address, admitted.received.peer) == (ip_address("192.0.2.1"), PEER)
    of_the_proxy = Admit([ip_network("127.0.0.0/8")], proxies=PROXIES)
    with pytest.raises(AddressNotAllowed):
        of_the_proxy(of_the_proxy.locate(forwarded(b"192.0.2.1")))


def test_a_proxy_that_names_nobody_is_not_the_client():
    """A proxy's own address, which may be on the list, does not stand in for the client's."""
    admit = Admit([ip_network("127.0.0.0/8")], proxies=PROXIES)
    for received in (clear_received(inner_request()), forwarded(b"unknown")):
        with pytest.raises(AddressNotAllowed):
            admit.locate(received)
    assert admit.client_address(PEER, [], proxy_may_call=True) == PEER


def test_a_stranger_cannot_choose_an_address():
    """Whoever is no trusted proxy is who the connection says, headers or not."""
    admit = Admit([ip_network("10.0.0.0/8")], proxies=PROXIES)
    stranger = replace(forwarded(b"10.0.0.1"), peer=ip_address("203.0.113.7"))
    located = admit.locate(stranger)
    assert located.address == ip_address("203.0.113.7")
    with pytest.raises(AddressNotAllowed):
        admit(located)


def test_work_for_a_stranger_is_charged_to_the_client_and_not_to_the_proxy():
    """Behind a trusted proxy the real address has the bound, and another client is free."""
    rules = EffortRules(strangers_share=10.0)
    spending = Spending(rules, monotonic=lambda: 0.0, working=count().__next__)
    admit = Admit([ip_network("192.0.2.0/24")], proxies=PROXIES, spending=spending)
    first, second = (admit(admit.locate(forwarded(b"192.0.2.%d" % n))).attempt for n in (1, 2))
    with first:
        first.do(int)
    with pytest.raises(RateLimited):
        first.verify()
    second.verify()
