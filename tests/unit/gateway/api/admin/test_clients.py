"""Clients over HTTP: registered by operators, given a role by owners."""

from __future__ import annotations

import httpx
import pytest

from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from tests.fakes.control import GRANTS, LOCAL

BODY = {"models": ["tiny"], "networks": ["127.0.0.0/8"]}


async def create(operator: httpx.AsyncClient) -> dict[str, str]:
    """Register an application and return the answer."""
    created = await operator.post("clients", json=BODY)
    assert created.status_code == 201
    return created.json()


async def test_new_client_is_an_application(operator: httpx.AsyncClient) -> None:
    """An operator registers an application with exactly the grants of the body."""
    name = (await create(operator))["client_id"]
    shown = (await operator.get(f"clients/{name}")).json()
    assert (shown["role"], shown["disabled"]) == ("application", False)
    assert {member: shown[member] for member in BODY} == BODY
    assert shown["plaintext_allowed"] is False


async def test_change_replaces_only_what_is_given(operator: httpx.AsyncClient) -> None:
    """A part that the body leaves out stays; an empty one denies."""
    path = f"clients/{(await create(operator))['client_id']}"
    changed = (await operator.patch(path, json={"networks": ["10.0.0.0/8"]})).json()
    assert (changed["networks"], changed["models"]) == (["10.0.0.0/8"], ["tiny"])
    assert (await operator.patch(path, json={"models": []})).json()["models"] == []


async def test_disabled_client_can_be_enabled(operator: httpx.AsyncClient) -> None:
    """Disable and enable each answer with the new state."""
    path = f"clients/{(await create(operator))['client_id']}"
    assert (await operator.post(f"{path}/disable")).json()["disabled"] is True
    assert (await operator.post(f"{path}/enable")).json()["disabled"] is False


async def test_credentials_rotate_and_are_revoked(operator: httpx.AsyncClient) -> None:
    """A rotation adds a credential; a revocation withdraws the one that it names."""
    made = await create(operator)
    path = f"clients/{made['client_id']}/credentials"
    fresh = await operator.post(f"{path}/rotate")
    assert fresh.status_code == 201
    assert (await operator.post(f"{path}/{made['credential_id']}/revoke")).json()["revoked_at"]
    listed = (await operator.get(path)).json()["items"]
    assert {item["credential_id"]: item["revoked_at"] is None for item in listed} == {
        made["credential_id"]: False,
        fresh.json()["credential_id"]: True,
    }


async def test_secret_is_in_one_answer_only(operator: httpx.AsyncClient) -> None:
    """After the answer that made it, neither the secret nor its hash is shown again."""
    made = await create(operator)
    path = f"clients/{made['client_id']}"
    for later in (path, f"{path}/credentials", "clients"):
        shown = (await operator.get(later)).text
        assert "hash" not in shown
        assert made["client_secret"] not in shown


async def test_owner_assigns_a_role(operator: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    """An owner makes an auditor of an application; an operator may not."""
    path = f"clients/{(await create(operator))['client_id']}/role"
    assert (await operator.put(path, json={"role": "auditor"})).status_code == 403
    assert (await owner.put(path, json={"role": "auditor"})).json()["role"] == "auditor"
    assert (await owner.put(path, json={"role": "king"})).status_code == 422


async def test_operator_gives_staff_no_secret(
    room: ControlRoom, operator: httpx.AsyncClient
) -> None:
    """Whoever could give an owner a new secret would be an owner."""
    name = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    assert (await operator.post(f"clients/{name}/credentials/rotate")).status_code == 403
    assert (await operator.patch(f"clients/{name}", json=BODY)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "clients/c-0"),
        ("PATCH", "clients/c-0"),
        ("POST", "clients/c-0/disable"),
        ("POST", "clients/c-0/enable"),
        ("POST", "clients/c-0/credentials/rotate"),
        ("POST", "clients/c-0/credentials/i/revoke"),
    ],
)
async def test_unknown_client_is_404(operator: httpx.AsyncClient, method: str, path: str) -> None:
    """A client that does not exist is not found, whatever was to be done with it."""
    body = BODY if method == "PATCH" else None
    assert (await operator.request(method, path, json=body)).status_code == 404


async def test_list_is_paged(operator: httpx.AsyncClient) -> None:
    """Following next visits every client once."""
    for _ in range(4):
        await create(operator)
    seen, after = [], ""
    while after is not None:
        page = (await operator.get("clients", params={"limit": 2, "after": after})).json()
        seen += [item["client_id"] for item in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5


async def test_promotion_shows_one_fresh_secret(
    operator: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """The owner's answer holds the only secret that is good now; the operator's ends."""
    made = await create(operator)
    path = f"clients/{made['client_id']}"
    fresh = (await owner.put(f"{path}/role", json={"role": "owner"})).json()["credential"]
    assert fresh["client_secret"].startswith(fresh["credential_id"])
    listed = (await operator.get(f"{path}/credentials")).json()["items"]
    good = [item["credential_id"] for item in listed if item["revoked_at"] is None]
    assert good == [fresh["credential_id"]]
    assert fresh["client_secret"] not in (await operator.get(f"{path}/credentials")).text
    demoted = (await owner.put(f"{path}/role", json={"role": "application"})).json()
    assert demoted["credential"] is None


async def test_owner_keeps_its_own_role(room: ControlRoom, owner: httpx.AsyncClient) -> None:
    """The own role is 403; the last owner cannot be disabled, which is 409."""
    listed = (await owner.get("clients")).json()["items"]
    (name,) = (item["client_id"] for item in listed if item["role"] == "owner")
    answer = await owner.put(f"clients/{name}/role", json={"role": "operator"})
    assert answer.status_code == 403
    assert (await owner.post(f"clients/{name}/disable")).status_code == 409


async def test_operator_cannot_revoke_an_owners_tokens(
    room: ControlRoom, operator: httpx.AsyncClient
) -> None:
    """The tokens of staff are not an operator's to withdraw."""
    name = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    body = {"kind": "client_id", "subject": name}
    assert (await operator.post("revocations", json=body)).status_code == 403
