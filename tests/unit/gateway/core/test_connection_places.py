"""How many connections there may be."""

from __future__ import annotations

from ipaddress import ip_address

from gateway.core.connection_places import ConnectionPlaces

ONE, TWO = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def places(total=100, per_address=2, exempt=()) -> ConnectionPlaces:
    return ConnectionPlaces(total, per_address, exempt=lambda address: address in exempt)


def taken(of, *addresses) -> list[bool]:
    """Take a place for each and say who got one."""
    return [(place := of.find_place()) is not None and place.claim(a) for a in addresses]


def test_total_is_a_limit_for_all():
    """Beyond the total nobody has a place, until somebody leaves."""
    of = places(total=2)
    first, second = of.find_place(), of.find_place()
    assert of.find_place() is None
    first.leave()
    first.leave()
    assert of.find_place() is not None
    assert of.find_place() is None
    second.leave()


def test_one_address_does_not_have_all_places():
    """An address gets as many as it may have; others are not touched by that."""
    of = places()
    assert taken(of, ONE, ONE, ONE, TWO) == [True, True, False, True]


def test_ipv6_customer_is_one_address():
    """All addresses of a /64 count as one, and a mapped one as the IPv4 address it carries."""
    near = [ip_address(f"2001:db8::{n}") for n in range(3)]
    assert taken(places(), *near, ip_address("2001:db8:0:1::")) == [True, True, False, True]
    mapped = ip_address("::ffff:192.0.2.1")
    assert taken(places(), mapped, ONE, mapped) == [True, True, False]


def test_place_that_is_left_is_free_for_the_same_address():
    """Who leaves may come again; a place that was never claimed is no address's."""
    of = places(per_address=1)
    place, nobodys = of.find_place(), of.find_place()
    assert place.claim(ONE)
    nobodys.leave()
    assert taken(of, ONE) == [False]
    place.leave()
    assert taken(of, ONE) == [True]


def test_who_left_is_not_remembered():
    """Callers from ever new addresses fill no memory."""
    of = places()
    for each in (ONE, TWO):
        place = of.find_place()
        place.claim(each)
        place.leave()
    assert not of._by_site


def test_refused_claim_gives_its_place_back():
    """Who has too many takes no place of others by trying."""
    of = places(total=2, per_address=1)
    place, refused = of.find_place(), of.find_place()
    assert (place.claim(ONE), refused.claim(ONE)) == (True, False)
    refused.leave()
    assert taken(of, TWO) == [True]


def test_proxies_have_no_limit_of_their_own():
    """Addresses through which everybody comes count in the total alone."""
    of = places(total=4, exempt={ONE})
    assert taken(of, ONE, ONE, ONE, ONE, ONE) == [True, True, True, True, False]
