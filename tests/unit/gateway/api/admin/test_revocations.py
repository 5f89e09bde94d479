"""Revocations over HTTP: they count before they are answered for."""

from __future__ import annotations

import httpx
import pytest

from gateway.control.room import ControlRoom
from gateway.core.identity import Role
from tests.fakes.control import LOCAL, token_of


async def test_token_is_refused_from_the_answer_on(
    room: ControlRoom, operator: httpx.AsyncClient
) -> None:
    """When the answer is there, the snapshot in use knows the revocation."""
    body = {"kind": "jti", "subject": "stolen"}
    created = await operator.post("revocations", json=body)
    assert created.status_code == 201
    assert {name: created.json()[name] for name in body} == body
    assert "stolen" in room.snapshots.current().revocations.jtis


async def test_client_loses_its_tokens(room: ControlRoom, operator: httpx.AsyncClient) -> None:
    """A client that is named is refused with every token it has."""
    await token_of(room)
    name = next(
        stored.client.client_id
        for stored in await room.clients.list_page(LOCAL)
        if stored.client.role is Role.APPLICATION
    )
    body = {"kind": "client_id", "subject": name}
    assert (await operator.post("revocations", json=body)).status_code == 201
    assert name in room.snapshots.current().revocations.clients


async def test_key_is_revoked_as_well(operator: httpx.AsyncClient) -> None:
    """A key that is named here is withdrawn like one revoked among the keys."""
    kid = (await operator.get("keys")).json()["items"][-1]["kid"]
    await operator.post("revocations", json={"kind": "kid", "subject": kid})
    states = {key["kid"]: key["state"] for key in (await operator.get("keys")).json()["items"]}
    assert states[kid] == "revoked"


async def test_list_is_paged(operator: httpx.AsyncClient) -> None:
    """Following next visits every revocation once."""
    for subject in ("one", "two", "three"):
        await operator.post("revocations", json={"kind": "jti", "subject": subject})
    seen, skip = [], "0"
    while skip is not None:
        page = (await operator.get("revocations", params={"skip": skip, "limit": 2})).json()
        seen += [item["subject"] for item in page["items"]]
        skip = page["next"]
    assert sorted(seen) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "client_id", "subject": "c-0"}, 404),
        ({"kind": "kid", "subject": "unknown"}, 404),
        ({"kind": "nothing", "subject": "x"}, 422),
        ({"kind": "jti", "subject": ""}, 422),
        ({"kind": "jti", "subject": "x" * 129}, 422),
        ({"kind": "jti"}, 422),
    ],
)
async def test_what_names_nothing_is_refused(
    operator: httpx.AsyncClient, body: dict[str, str], status: int
) -> None:
    """An unknown client or key is not found; another shape is 422; nothing is listed."""
    assert (await operator.post("revocations", json=body)).status_code == status
    assert (await operator.get("revocations")).json()["items"] == []
