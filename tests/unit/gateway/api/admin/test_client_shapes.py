"""The shapes of clients: silence changes nothing, null is never a guess."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from gateway.api.admin.client_shapes import (
    MAX_QUOTA,
    ClientIn,
    ClientOut,
    GrantsIn,
)
from gateway.control.clients import MAX_GRANTS, ClientGrants
from gateway.control.credentials import SECRET
from gateway.core.grants import Grant, Operation, every_operation
from gateway.core.identity import Client, Role
from gateway.core.registry import StoredClient

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_left_out_grants_stay_left_out() -> None:
    """What the body leaves out is None, what it empties is empty."""
    assert GrantsIn().grants() == ClientGrants()
    assert GrantsIn(models=[], networks=[]).grants() == ClientGrants(frozenset(), ())
    given = GrantsIn.model_validate(
        {
            "models": ["b", "a", "b"],
            "networks": ["10.0.0.0/8", "::1/128"],
            "plaintext_allowed": True,
        }
    )
    networks = (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert given.grants() == ClientGrants(
        every_operation({"a", "b"}), networks, plaintext_allowed=True
    )


@pytest.mark.parametrize(
    "body",
    [
        {"models": [""]},
        {"models": ["-x"]},
        {"models": ["a b"]},
        {"models": ["a\n"]},
        {"models": ["x" * 129]},
        {"models": ["m"] * (MAX_GRANTS + 1)},
        {"networks": ["10.0.0.1/8"]},
        {"networks": ["gateway.example"]},
        {"networks": ["10.0.0.0/8"] * (MAX_GRANTS + 1)},
        {"plaintext_allowed": "perhaps"},
    ],
)
def test_grants_that_mean_nothing_are_refused(body: dict[str, object]) -> None:
    """Names with other characters, networks with host bits and too many of either are refused."""
    with pytest.raises(ValidationError):
        GrantsIn.model_validate(body)


def test_client_is_shown_in_order() -> None:
    """Models are sorted, networks are text, and a grant that is withheld is no grant."""
    withheld = frozenset(grant.permission for grant in every_operation({"gone"}))
    client = Client(
        "c",
        Role.DEVELOPER,
        every_operation({"b", "a", "gone"}),
        (ip_network("::1/128"),),
        withheld=withheld,
    )
    shown = ClientOut.of(StoredClient(client, created_at=NOW, changed_at=NOW))
    assert [entry.model for entry in shown.models] == ["a", "b"]
    assert all(entry.operations == sorted(Operation) for entry in shown.models)
    assert shown.networks == ["::1/128"]
    assert shown.withheld == sorted(withheld)
    assert (shown.role, shown.disabled) == (Role.DEVELOPER, False)


def test_quota_keeps_what_is_not_named() -> None:
    """Only the members that are in the body reach the use case, null among them."""
    given = GrantsIn.model_validate({"quota": {"tokens_per_day": None, "requests_per_day": 3}})
    assert given.grants().quota == {"tokens_per_day": None, "requests_per_day": 3}
    for limit in (0, -1, 1.5, "5", True, MAX_QUOTA + 1):
        with pytest.raises(ValidationError):
            GrantsIn.model_validate({"quota": {"requests_per_day": limit}})


def test_operations_of_one_model_add_up() -> None:
    """Two entries of one model are one grant each of all that they name."""
    entries = [{"model": "m", "operations": [name]} for name in Operation]
    given = GrantsIn.model_validate({"models": [*entries, entries[0]]}).grants()
    assert given.grants == {Grant("m", operation) for operation in Operation}


def test_new_client_gets_a_secret_unless_it_says_otherwise() -> None:
    """Silence is a secret, null is no credential."""
    assert ClientIn().credential is not None
    assert ClientIn().credential.proof() == SECRET
    assert ClientIn.model_validate({"credential": None}).credential is None


def test_extra_members_are_named_and_shown() -> None:
    """Names that are known, or are no plain names, are refused in words of ours."""
    given = GrantsIn.model_validate({"extra_members": ["b_1", "a", "a"]})
    assert given.grants().extra_members == {"a", "b_1"}
    client = Client("c", Role.APPLICATION, extra_members=frozenset({"b", "a"}))
    shown = ClientOut.of(StoredClient(client, created_at=NOW, changed_at=NOW))
    assert shown.extra_members == ["a", "b"]
    for names in (["cache_salt"], ["a b"], ["a"] * 33, None):
        with pytest.raises(ValidationError):
            GrantsIn.model_validate({"extra_members": names})
