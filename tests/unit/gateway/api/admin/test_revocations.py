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
    seen, after = [], ""
    while after is not None:
        page = (await operator.get("revocations", params={"after": after, "limit": 2})).json()
        seen += [item["subject"] for item in page["items"]]
        after = page["next"]
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
        ({"kind": "credential_id", "subject": "i-0"}, 404),
        ({"kind": "role", "subject": "king"}, 404),
        ({"kind": "everything", "subject": "x"}, 400),
        ({"kind": "everything", "issued_before": "2100-01-01T00:00:00Z"}, 400),
        ({"kind": "everything", "issued_before": "0001-01-01T00:00:00+14:00"}, 400),
        ({"kind": "everything", "issued_before": "2026-01-01T00:00:00"}, 422),
        ({"kind": "jti", "subject": "j", "issued_before": "2026-01-01T00:00:00Z"}, 400),
    ],
)
async def test_what_names_nothing_is_refused(
    operator: httpx.AsyncClient, body: dict[str, str], status: int
) -> None:
    """An unknown client or key is not found; another shape is 422; nothing is listed."""
    assert (await operator.post("revocations", json=body)).status_code == status
    assert (await operator.get("revocations")).json()["items"] == []


@pytest.mark.parametrize("kind", ["client_id", "credential_id", "role", "everything"])
async def test_what_was_issued_before_a_time(operator: httpx.AsyncClient, kind: str) -> None:
    """A wide revocation may spare what is newer; without a time it spares nothing."""
    made = (await operator.post("clients", json={})).json()
    subject = {"role": "application", "everything": "*", **made}[kind]
    body = {"kind": kind, "subject": subject, "issued_before": "2026-11-23T12:00:00+02:00"}
    created = (await operator.post("revocations", json=body)).json()
    assert (created["subject"], created["revoked_at"]) == (subject, "2026-11-23T09:59:59Z")
    del body["issued_before"]
    if kind == "everything":
        del body["subject"]
    created = (await operator.post("revocations", json=body)).json()
    assert created["revoked_at"] > "2026-11-23T10:30"


async def test_operator_cannot_lock_owners_out(operator: httpx.AsyncClient) -> None:
    """The tokens of owners are withdrawn by somebody who may assign roles."""
    body = {"kind": "role", "subject": "owner"}
    assert (await operator.post("revocations", json=body)).status_code == 403
