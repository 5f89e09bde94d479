"""The use of permissions over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from gateway.core.identity import Role
from tests.fakes.control import FakeClock

CallAs = Callable[[Role], Awaitable[httpx.AsyncClient]]

BODY = {"models": ["tiny"], "networks": ["127.0.0.0/8"]}


@pytest.fixture
async def idle_client(operator: httpx.AsyncClient) -> str:
    """Register an application whose permissions nobody ever uses, and return its identifier."""
    answer = await operator.post("clients", json=BODY)
    return str(answer.json()["client_id"])


async def test_usage_is_paged(idle_client: str, auditor: httpx.AsyncClient) -> None:
    """Following next gives each permission of each client once."""
    seen, after = [], ""
    while after is not None:
        query = {"after": after, "limit": 5}
        page = (await auditor.get("permissions/usage", params=query)).json()
        seen += page["items"]
        after = page["next"]
    whole = (await auditor.get("permissions/usage", params={"limit": 200})).json()["items"]
    assert seen == whole
    mine = [item["permission"] for item in seen if item["client_id"] == idle_client]
    assert mine == sorted(mine)
    assert "models:call:chat_completions:tiny" in mine
    assert set(seen[0]) == {
        "client_id",
        "permission",
        "granted_on",
        "last_used_on",
        "idle_days",
        "withheld",
    }


async def test_reclaim_and_restore(idle_client: str, clock: FakeClock, call_as: CallAs) -> None:
    """A dry run and a run show the same, and one permission is given back."""
    clock.advance(days=8)
    operator = await call_as(Role.OPERATOR)
    dry = await operator.post("permissions/reclaim", json={"idle_days": 8, "dry_run": True})
    run = await operator.post("permissions/reclaim", json={"idle_days": 8})
    assert (dry.json()["dry_run"], run.json()["dry_run"]) == (True, False)
    assert dry.json()["items"] == run.json()["items"]
    assert idle_client in [item["client_id"] for item in run.json()["items"]]
    named = {"client_id": idle_client, "permission": "models:list"}
    back = await operator.post("permissions/restore", json=named)
    assert (back.status_code, back.json()["client_id"]) == (200, idle_client)
    assert (await operator.post("permissions/restore", json=named)).status_code == 409
    unknown = {**named, "client_id": "c-unknown"}
    assert (await operator.post("permissions/restore", json=unknown)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"idle_days": 0}, {"idle_days": "x"}, {"idle_days": 7, "more": 1}, {"idle_days": 99999}],
)
async def test_what_is_no_number_of_days_is_refused(
    operator: httpx.AsyncClient, body: dict[str, object]
) -> None:
    """A body that says something else is refused."""
    assert (await operator.post("permissions/reclaim", json=body)).status_code == 422


async def test_roles_are_apart(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """Auditors see and change nothing, owners neither see nor reclaim."""
    assert (await operator.get("permissions/usage")).status_code == 200
    for caller in (auditor, owner):
        refused = await caller.post("permissions/reclaim", json={"idle_days": 9})
        assert refused.status_code == 403
    assert (await owner.get("permissions/usage")).status_code == 403
