"""The gateway at a glance, over HTTP."""

from __future__ import annotations

import httpx


async def test_counts_follow_the_store(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """Clients, disabled ones and revocations of each kind are counted for whoever may read."""
    name = (await operator.post("clients", json={})).json()["client_id"]
    await operator.post(f"clients/{name}/disable")
    await operator.post("revocations", json={"kind": "jti", "subject": "stolen"})
    status = (await auditor.get("status")).json()
    assert (status["clients"], status["clients_disabled"]) == (3, 1)
    assert {"jti": 1, "client_id": 1, "kid": 0}.items() <= status["revocations"].items()


async def test_keys_in_use_are_shown(operator: httpx.AsyncClient) -> None:
    """Keys that are still accepted are there, a revoked one is not."""
    (key,) = (await operator.post("keys/document/rotate")).json()["items"]
    states = {k["kid"]: k["state"] for k in (await operator.get("status")).json()["keys"]}
    assert states[key["kid"]] == "active"
    assert list(states.values()).count("retiring") == 1
    await operator.post(f"keys/{key['kid']}/revoke")
    shown = (await operator.get("status")).json()
    assert key["kid"] not in {k["kid"] for k in shown["keys"]}
    assert shown["revocations"]["kid"] == 1


async def test_each_change_grows_the_revision(operator: httpx.AsyncClient) -> None:
    """The revision grows with a change and stays without one."""
    before = (await operator.get("status")).json()["revision"]
    assert (await operator.get("status")).json()["revision"] == before
    await operator.post("clients", json={})
    assert (await operator.get("status")).json()["revision"] == before + 1


async def test_owner_reads_no_status(owner: httpx.AsyncClient) -> None:
    """An owner names staff and sees nothing else."""
    assert (await owner.get("status")).status_code == 403
