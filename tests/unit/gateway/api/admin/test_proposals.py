"""Acts that wait for a second person, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from gateway.control.room import ControlRoom
from gateway.control.two_person import TwoPersonAct, TwoPersonRule
from gateway.core.identity import Role
from tests.fakes.control import FakeClock, make_room, make_wrap, token_of
from tests.fakes.http import http

CallAs = Callable[[Role], Awaitable[httpx.AsyncClient]]
CLEAR = {"plaintext_allowed": True}


@pytest.fixture
async def room(tmp_path: Path, clock: FakeClock) -> ControlRoom:
    """Return a room in which leave for clear requests needs two people."""
    rule = TwoPersonRule(frozenset({TwoPersonAct.ALLOW_PLAINTEXT, TwoPersonAct.REVOKE_EVERYTHING}))
    room = make_room(tmp_path, clock, key_wrap=make_wrap(), two_person=rule)
    await room.keys.ensure_first()
    return room


async def test_act_is_202_until_another_owner_approves(
    operator: httpx.AsyncClient, call_as: CallAs
) -> None:
    """The proposal is the answer; the owner who approves gets what the act gave out."""
    first, _second = await call_as(Role.OWNER), await call_as(Role.OWNER)
    answer = await operator.post("clients", json=CLEAR)
    assert answer.status_code == 202
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["request-id"]
    proposal = answer.json()
    assert (proposal["state"], proposal["action"]) == ("pending", "client.create")
    assert proposal["arguments"]["grants"]["plaintext_allowed"] is True
    listed = (await operator.get("proposals")).json()
    assert listed == {"items": [proposal], "next": None}
    path = f"proposals/{proposal['proposal_id']}"
    assert (await operator.post(f"{path}/approve")).status_code == 403
    decision = (await first.post(f"{path}/approve")).json()
    assert decision["proposal"]["state"] == "approved"
    made = decision["credential"]["client_id"]
    assert (await operator.get(f"clients/{made}")).json()["plaintext_allowed"] is True
    assert decision["credential"]["client_secret"]
    assert decision["credential"]["client_secret"] not in (await operator.get("proposals")).text
    again = await first.post(f"{path}/approve")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_rejection(operator: httpx.AsyncClient, call_as: CallAs) -> None:
    """A rejected proposal is over and gives nothing out."""
    owner, _ = await call_as(Role.OWNER), await call_as(Role.OWNER)
    body = {"kind": "everything", "subject": "*"}
    proposal = (await operator.post("revocations", json=body)).json()
    decision = await owner.post(f"proposals/{proposal['proposal_id']}/reject")
    assert decision.json()["proposal"]["state"] == "rejected"
    assert decision.json()["credential"] is None
    assert (await operator.get("revocations")).json()["items"] == []


async def test_fewer_than_two_owners_is_409(
    operator: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """With one owner nobody could agree, which is said at once."""
    answer = await operator.post("clients", json=CLEAR)
    assert (answer.status_code, answer.json()["code"]) == (409, "approval_needed")
    assert (await owner.get("proposals")).json()["items"] == []


async def test_expired_is_409_and_unknown_404(
    room: ControlRoom, operator: httpx.AsyncClient, clock: FakeClock, call_as: CallAs, app: object
) -> None:
    """A proposal ends with its minutes; what was never proposed is not found."""
    owner, _ = await call_as(Role.OWNER), await call_as(Role.OWNER)
    proposal = (await operator.post("clients", json=CLEAR)).json()
    clock.advance(minutes=15)
    await room.snapshots.refresh()
    late = await owner.post(f"proposals/{proposal['proposal_id']}/approve")
    assert late.status_code == 409
    assert (await owner.post("proposals/p-unknown/approve")).status_code == 404


async def test_auditor_sees_none(app: object, room: ControlRoom) -> None:
    """An auditor reads the trail, where proposals are, and not the list."""
    async with http(app, token=await token_of(room, Role.AUDITOR)) as client:  # type: ignore[arg-type]
        assert (await client.get("/admin/v1/proposals")).status_code == 403
