"""What is allowed now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest

from gateway.core.errors import AddressNotAllowed, InvalidToken, PermissionDenied
from gateway.core.grants import DataClass, Grant, Operation, every_operation
from gateway.core.identity import Principal, Role
from gateway.core.policy import (
    HERE_ONLY,
    ROLE_PERMISSIONS,
    ModelPolicy,
    Permission,
    Revocations,
    verify_address,
    verify_data_class,
    verify_grant,
    verify_permission,
)
from tests.fakes.world import NOW, snapshot, with_client

CHAT = Grant("tiny", Operation.CHAT_COMPLETIONS)


def principal(**changes):
    return Principal(with_client(**changes), "token-1", "sig-1", NOW, NOW)


def test_every_role_is_in_the_table():
    """No role is left to chance."""
    assert set(ROLE_PERMISSIONS) == set(Role)


@pytest.mark.parametrize("role", list(Role))
def test_no_role_both_calls_models_and_manages(role):
    """Separation of duties: who calls models changes nothing, who changes things calls none."""
    held = ROLE_PERMISSIONS[role]
    writes = {p for p in held if p.value.endswith((":write", ":purge", ":assign"))}
    assert not (writes and Permission.CALL_MODEL in held)
    assert not ({Permission.ASSIGN_ROLES, Permission.WRITE_CLIENTS} <= held)


@pytest.mark.parametrize("permission", list(Permission))
def test_permission_is_the_table_and_nothing_else(permission):
    """A principal holds exactly what its role holds."""
    for role in Role:
        if permission in ROLE_PERMISSIONS[role]:
            verify_permission(principal(role=role), permission)
        else:
            with pytest.raises(PermissionDenied):
                verify_permission(principal(role=role), permission)


@pytest.mark.parametrize(
    ("address", "network", "allowed"),
    [
        ("10.0.0.1", "10.0.0.0/8", True),
        ("::ffff:10.0.0.1", "10.0.0.0/8", True),
        ("11.0.0.1", "10.0.0.0/8", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("10.0.0.1", "2001:db8::/32", False),
    ],
)
def test_addresses(address, network, allowed):
    """IPv4, IPv6 and mapped addresses are judged by the network they are in."""
    if allowed:
        verify_address(ip_address(address), [ip_network(network)])
    else:
        with pytest.raises(AddressNotAllowed):
            verify_address(ip_address(address), [ip_network(network)])


def test_unknown_and_ungranted_models_look_the_same():
    """The refusal does not tell which models exist."""
    models = {"tiny": ModelPolicy(), "other": ModelPolicy()}
    with pytest.raises(PermissionDenied) as ungranted:
        verify_grant(principal(), CHAT._replace(model="other"), models)
    with pytest.raises(PermissionDenied) as unknown:
        verify_grant(
            principal(grants=every_operation({"none"})), CHAT._replace(model="none"), models
        )
    assert ungranted.value.detail == unknown.value.detail


@pytest.mark.parametrize(("age_seconds", "refused"), [(1, True), (0, True), (-1, False)])
def test_not_before_includes_its_own_second(age_seconds, refused):
    """A token of the very second of a revocation dies with it; a later one lives."""
    revocations = Revocations(clients={"c-app": NOW})
    issued_at = NOW - timedelta(seconds=age_seconds)
    if refused:
        with pytest.raises(InvalidToken):
            revocations.refuse(replace(principal(), issued_at=issued_at))
    else:
        revocations.refuse(replace(principal(), issued_at=issued_at))


@pytest.mark.parametrize("operation", list(Operation))
def test_grant_is_for_its_operation_alone(operation):
    """Whoever may chat with a model may not complete with it, nor the other way round."""
    models = {"tiny": ModelPolicy(location="here")}
    holder = principal(grants=frozenset({Grant("tiny", operation)}))
    assert verify_grant(holder, Grant("tiny", operation), models) == ModelPolicy(location="here")
    for other in set(Operation) - {operation}:
        with pytest.raises(PermissionDenied):
            verify_grant(holder, Grant("tiny", other), models)


def test_reclaimed_grant_counts_no_more():
    """A grant whose use was reclaimed is refused while its neighbours stay."""
    models = {"tiny": ModelPolicy(), "draft": ModelPolicy()}
    holder = principal(
        grants=every_operation(models), withheld=frozenset({CHAT.permission, "models:list"})
    )
    with pytest.raises(PermissionDenied):
        verify_grant(holder, CHAT, models)
    verify_grant(holder, CHAT._replace(operation=Operation.COMPLETIONS), models)
    verify_grant(holder, CHAT._replace(model="draft"), models)
    with pytest.raises(PermissionDenied):
        verify_permission(holder, Permission.LIST_MODELS)
    verify_permission(holder, Permission.CALL_MODEL)


def test_withheld_role_permission_does_not_withhold_grants():
    """The names of grants and of the permissions of roles are apart."""
    holder = principal(withheld=frozenset({"models:call"}))
    with pytest.raises(PermissionDenied):
        verify_permission(holder, Permission.CALL_MODEL)
    verify_grant(holder, CHAT, {"tiny": ModelPolicy()})


@pytest.mark.parametrize("clearance", list(DataClass))
@pytest.mark.parametrize("data_class", list(DataClass))
def test_data_goes_only_to_a_model_that_is_cleared_for_it(data_class, clearance):
    """A model sees data of its clearance and of every class below, never above."""
    policy = ModelPolicy(clearance=clearance)
    if data_class.rank <= clearance.rank:
        verify_data_class(data_class, policy, snapshot())
    else:
        with pytest.raises(PermissionDenied, match="clearance"):
            verify_data_class(data_class, policy, snapshot())


@pytest.mark.parametrize(
    ("locations", "allowed"),
    [
        (HERE_ONLY, False),
        ({**HERE_ONLY, DataClass.PUBLIC: frozenset({"local", "eu-1"})}, True),
        ({**HERE_ONLY, DataClass.INTERNAL: frozenset({"local", "eu-1"})}, False),
        ({**HERE_ONLY, DataClass.PUBLIC: frozenset({"eu-10"})}, False),
        ({DataClass.PUBLIC: frozenset()}, False),
        ({}, False),
    ],
)
def test_data_goes_only_where_its_class_may_go(locations, allowed):
    """A class may go where the operator named, and nowhere if nothing was said of it."""
    elsewhere = ModelPolicy(clearance=DataClass.CORE, location="eu-1")
    current = replace(snapshot(), locations=locations)
    if allowed:
        verify_data_class(DataClass.PUBLIC, elsewhere, current)
    else:
        with pytest.raises(PermissionDenied, match="where the model runs"):
            verify_data_class(DataClass.PUBLIC, elsewhere, current)


def test_every_class_stays_here_by_default():
    """Without a word of configuration data of every class goes to the local models alone."""
    assert set(HERE_ONLY) == set(DataClass)
    assert set(HERE_ONLY.values()) == {frozenset({"local"})}
    assert ModelPolicy().clearance is DataClass.INTERNAL
