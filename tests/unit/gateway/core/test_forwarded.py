"""Forwarded headers: believed from trusted proxies alone, from the right, and never guessed."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.errors import AddressNotAllowed
from gateway.core.forwarded import (
    MAX_BYTES,
    MAX_ENTRIES,
    ForwardedHeader,
    TrustedProxies,
    verify_client_address,
)
from gateway.core.identity import unmapped

PROXY_NETWORK = ip_network("10.0.0.0/8")
NETWORKS = (PROXY_NETWORK, ip_network("2001:db8:ffff::/48"))
XFF = TrustedProxies(NETWORKS, ForwardedHeader.X_FORWARDED_FOR)
FORWARDED = TrustedProxies(NETWORKS, ForwardedHeader.FORWARDED)
PROXY = ip_address("10.0.0.1")
CLIENT = "203.0.113.7"


def located(*lines: str | bytes, proxies=XFF, peer=PROXY, name=None) -> str:
    """Return the client's address when a proxy sends these lines of the header."""
    key = (name or proxies.header.value).encode()
    headers = [(b"host", b"x")]
    headers += [(key, line if isinstance(line, bytes) else line.encode()) for line in lines]
    return str(verify_client_address(peer, headers, proxies))


def refused(*lines: str | bytes, proxies=XFF) -> None:
    """Expect that nobody is found."""
    with pytest.raises(AddressNotAllowed):
        located(*lines, proxies=proxies)


@pytest.mark.parametrize("header", ForwardedHeader)
def test_a_peer_that_is_no_proxy_is_the_client(header):
    """Whoever is not trusted is who the connection says, whatever its headers claim."""
    proxies = TrustedProxies(NETWORKS, header)
    for peer in (CLIENT, "2001:db8::1"):
        for claim in ("10.0.0.2", "for=10.0.0.2", "", "unknown"):
            assert located(claim, proxies=proxies, peer=ip_address(peer)) == peer


def test_without_a_configured_header_none_is_read():
    """A listener that is not told of a header takes the peer, as it does by default."""
    assert (
        located("1.2.3.4", proxies=TrustedProxies(NETWORKS), name="x-forwarded-for") == "10.0.0.1"
    )
    assert located("1.2.3.4", proxies=TrustedProxies(), name="x-forwarded-for") == "10.0.0.1"


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["203.0.113.7"], CLIENT),
        (["6.6.6.6, 203.0.113.7"], CLIENT),
        (["6.6.6.6,203.0.113.7,10.1.1.1 ,\t10.2.2.2"], CLIENT),
        (["6.6.6.6", "203.0.113.7", "10.1.1.1"], CLIENT),
        (["6.6.6.6, 203.0.113.7", "10.1.1.1, 10.2.2.2"], CLIENT),
        (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
        (["10.9.9.9", "10.1.1.1"], "10.9.9.9"),
        (["203.0.113.7:4711"], CLIENT),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:DB8:0::7, 2001:db8:ffff::1"], "2001:db8::7"),
        (["::ffff:203.0.113.7, ::ffff:10.1.1.1"], CLIENT),
        (["rubbish, 203.0.113.7"], CLIENT),
        (["unknown, 203.0.113.7, 10.1.1.1"], CLIENT),
        ([b"\x22, , 203.0.113.7"], CLIENT),
    ],
)
def test_x_forwarded_for_is_read_from_the_right(lines, client):
    """The first address from the right that is no trusted proxy is the client."""
    assert located(*lines) == client


@pytest.mark.parametrize(
    "entry",
    [
        "", " ", "unknown", "_hidden", "localhost", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256",
        "0x7f.0.0.1", "16909060", "1.2.3.4/32", "1.2.3.4:", "1.2.3.4:123456", "1.2.3.4:http",
        "[::1]x", "1.2.3.4 5.6.7.8", "fe80::1%eth0", "[fe80::1%25eth0]", "[1.2.3.4]", "[::1",
        "::1]", "[]", ":::1", ":", "::1::2", "\"1.2.3.4\"", "for=1.2.3.4", "1.2.3.4;",
        "-1.2.3.4", "[::1]:123456", "1.2.3.4\x00", "\x0b1.2.3.4", "\u0661.2.3.4", "1.2.3.4:1:2",
    ],
)  # fmt: skip
def test_x_forwarded_for_that_is_no_address_is_refused(entry):
    """Met before the client is found, anything that is no address refuses the call."""
    refused(entry)
    refused(f"{CLIENT}, {entry}")
    refused(f"{CLIENT}, {entry}, 10.1.1.1")
    refused(CLIENT, entry)


def test_a_missing_header_is_refused():
    """A proxy that does not say who called is not taken for the client."""
    refused()
    refused(proxies=FORWARDED)


def test_a_proxy_may_ask_for_itself():
    """Where a proxy may call, one without a header speaks for itself; with one, for its client."""
    for proxies in (XFF, FORWARDED):
        assert verify_client_address(PROXY, [], proxies, proxy_may_call=True) == PROXY
    named = [(b"x-forwarded-for", CLIENT.encode())]
    assert str(verify_client_address(PROXY, named, XFF, proxy_may_call=True)) == CLIENT
    with pytest.raises(AddressNotAllowed):
        verify_client_address(PROXY, [(b"x-forwarded-for", b"")], XFF, proxy_may_call=True)


@pytest.mark.parametrize(
    "name",
    ["x_forwarded_for", "x-forwarded_for", "x-forwarded-for ", "forwarded", "x-real-ip"],
)
def test_no_other_name_is_read(name):
    """Twins of the header that a proxy may pass on unseen neither count nor replace it."""
    with pytest.raises(AddressNotAllowed):
        located("1.2.3.4", name=name)
    headers = [(name.encode(), b"1.2.3.4"), (b"X-Forwarded-For", CLIENT.encode())]
    assert str(verify_client_address(PROXY, headers, XFF)) == CLIENT


def test_mapped_addresses_are_ipv4():
    """A mapped peer is trusted as the IPv4 proxy it is, and a mapped client comes out as IPv4."""
    mapped = IPv6Address("::ffff:10.0.0.1")
    assert located("::ffff:203.0.113.7", peer=mapped) == CLIENT
    assert located("x", peer=IPv6Address("::ffff:203.0.113.7")) == CLIENT


def test_over_long_headers_are_refused():
    """One byte or one entry more than the cap refuses the call, wherever the client stands."""
    room = "10.1.1.1, " * (MAX_ENTRIES - 2) + "10.1.1.1"
    assert located(CLIENT, room) == CLIENT
    refused("10.1.1.1", CLIENT, room)
    tail = f",{CLIENT}"
    assert located("x" * (MAX_BYTES - len(tail)) + tail) == CLIENT
    refused("x" * (MAX_BYTES - len(tail) + 1) + tail)
    refused("x" * (MAX_BYTES - len(tail)), CLIENT + " ")


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        (["for=203.0.113.7"], CLIENT),
        (["For=203.0.113.7;proto=https;by=10.0.0.1"], CLIENT),
        (["proto=https; FOR=203.0.113.7"], CLIENT),
        (['for="203.0.113.7:4711"'], CLIENT),
        (['for="203.0.113.7:_port"'], CLIENT),
        (['for="[2001:db8::7]:4711"'], "2001:db8::7"),
        (['for="[2001:db8::7]"'], "2001:db8::7"),
        (['for="[::ffff:203.0.113.7]"'], CLIENT),
        (['for="\\2\\03.0.113.7"'], CLIENT),
        (["for=6.6.6.6, for=203.0.113.7, for=10.1.1.1"], CLIENT),
        (["for=6.6.6.6", "for=203.0.113.7", 'for="10.1.1.1:1"'], CLIENT),
        (["for=10.9.9.9, for=10.1.1.1"], "10.9.9.9"),
        (["for=_hidden, for=203.0.113.7"], CLIENT),
        (["for, ;;=, for=203.0.113.7"], CLIENT),
        (['for=6.6.6.6;host="a,b;for=5.5.5.5", for=203.0.113.7;host="c,d"'], CLIENT),
        (["for=203.0.113.7;"], CLIENT),
        ([";for=203.0.113.7;;proto=https"], CLIENT),
    ],
)
def test_forwarded_is_read_from_the_right(lines, client):
    """RFC 7239: parameters in any order and case, quoted strings, brackets, ports."""
    assert located(*lines, proxies=FORWARDED) == client


@pytest.mark.parametrize(
    "element",
    [
        "", " ", ";", "for", "for=", "=1.2.3.4", "1.2.3.4", "by=1.2.3.4", "for=unknown",
        "for=Unknown", "for=_hidden", 'for="_hidden"', "for = 1.2.3.4", "for=1.2.3.4:80",
        "for=[2001:db8::7]", "for=2001:db8::7", 'for="2001:db8::7"', 'for="[fe80::1%eth0]"',
        "for=1.2.3.4;for=1.2.3.4", "for=1.2.3.4;FOR=5.6.7.8", "for=1.2.3.4;by=x;by=y",
        "for=1.2.3.4 proto=https", "for=1.2.3.4;proto", 'for="1.2.3.4', 'for=1.2.3.4"',
        'for="1.2.3.4"x', 'for="1.2.3.4""', "for='1.2.3.4'", 'for=""', 'for="1.2.3.4:"',
        'for="1.2.3.4\x00"', 'for="1.2.3.4\\"', 'for="[1.2.3.4]"', "for=01.2.3.4",
    ],
)  # fmt: skip
def test_forwarded_that_names_no_address_is_refused(element):
    """Met before the client is found, anything else refuses the call; also hidden and unknown."""
    refused(element, proxies=FORWARDED)
    refused(f"for={CLIENT}, {element}", proxies=FORWARDED)
    refused(f"for={CLIENT}", element, proxies=FORWARDED)
    refused(f"for={CLIENT}", element, "for=10.1.1.1", proxies=FORWARDED)


@pytest.mark.parametrize("end", ["for=10.1.1.1", 'for="10.1.1.1:5"', 'for="[2001:db8:ffff::1]"'])
def test_an_open_quote_does_not_swallow_what_the_proxy_appends(end):
    """A client that opens a quote and leaves it open finds nobody, not another address."""
    for claim in (f'for={CLIENT};x="', f'for={CLIENT}, x="', f'for={CLIENT};x="\\', '"'):
        refused(claim, end, proxies=FORWARDED)
        refused(f"{claim}, {end}", proxies=FORWARDED)


@pytest.mark.parametrize(
    "text", ["; " * 2000, "a=b;" * 1000, '"\\' * 1300, 'a="' * 1300, "," * 4096]
)
@pytest.mark.timeout(30)
def test_hostile_text_is_read_in_no_time(text):
    """No text makes the reader try many ways."""
    for proxies in (XFF, FORWARDED):
        for _ in range(50):
            refused(text, proxies=proxies)


ADDRESSES = st.ip_addresses().map(unmapped)
OF_PROXIES = st.ip_addresses(network=PROXY_NETWORK)


@given(
    st.text(st.characters(codec="ascii"), max_size=20), ADDRESSES, st.lists(OF_PROXIES, max_size=9)
)
def test_no_claim_changes_who_is_found(claim, client, proxies):
    """Whatever a client sends, the address that the first trusted proxy appended is found."""
    assume(not any(client in network for network in NETWORKS))
    assert located(claim, ", ".join(map(str, [client, *proxies])), proxies=XFF) == str(client)


@given(st.text(alphabet='for=";,\\ [:]x1.', max_size=60), ADDRESSES)
def test_no_claim_changes_who_is_found_by_forwarded(claim, client):
    """As above for RFC 7239; a claim that leaves a quote open refuses its own call."""
    assume(not any(client in network for network in NETWORKS))
    quoted = f'"[{client}]"' if client.version == 6 else str(client)
    try:
        found = located(claim, f"for={quoted};by=x", proxies=FORWARDED)
    except AddressNotAllowed:
        assert '"' in claim
    else:
        assert found == str(client)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(value):
    """No byte sequence ends in anything but an address or the one refusal."""
    for proxies in (XFF, FORWARDED):
        try:
            located(value, proxies=proxies)
        except AddressNotAllowed:
            continue
