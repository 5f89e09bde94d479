"""Keys over HTTP: rotated, revoked, listed, and never a byte of one."""

from __future__ import annotations

import httpx
import pytest


async def test_rotation_answers_with_the_new_keys(operator: httpx.AsyncClient) -> None:
    """The new keys of the use are active, the one before them retires."""
    before = (await operator.get("keys")).json()["items"]
    rotated = (await operator.post("keys/document/rotate")).json()
    assert rotated["next"] is None
    assert {(key["use"], key["state"]) for key in rotated["items"]} == {("document", "active")}
    after = {key["kid"]: key["state"] for key in (await operator.get("keys")).json()["items"]}
    for key in before:
        assert after[key["kid"]] == ("retiring" if key["use"] == "document" else "active")


@pytest.mark.parametrize("use", ["encryption", "signing"])
async def test_new_keys_wait(operator: httpx.AsyncClient, use: str) -> None:
    """They are pending until everybody knows them, and the answer says until when."""
    rotated = (await operator.post(f"keys/{use}/rotate")).json()["items"]
    assert {key["state"] for key in rotated} == {"pending"}
    assert all(key["activates_at"] > key["created_at"] for key in rotated)


async def test_revoked_key_is_replaced(operator: httpx.AsyncClient) -> None:
    """An active key that is revoked leaves another active one in its place."""
    keys = (await operator.get("keys")).json()["items"]
    (key,) = (key for key in keys if key["use"] == "document")
    revoked = await operator.post(f"keys/{key['kid']}/revoke")
    assert revoked.json()["state"] == "revoked"
    keys = (await operator.get("keys")).json()["items"]
    assert [k["state"] for k in keys if k["use"] == "document"].count("active") == 1


async def test_drain_is_said_by_the_caller(operator: httpx.AsyncClient) -> None:
    """Running streams are cut unless the revocation says that they may finish."""
    keys = (await operator.get("keys")).json()["items"]
    first, second = (key["kid"] for key in keys if key["use"] == "encryption")
    assert (await operator.post(f"keys/{first}/revoke")).json()["drain"] is False
    drained = await operator.post(f"keys/{second}/revoke", params={"drain": True})
    assert drained.json()["drain"] is True


async def test_no_key_byte_is_shown(operator: httpx.AsyncClient) -> None:
    """The list holds names, states and times."""
    for key in (await operator.get("keys")).json()["items"]:
        assert not {"public", "private", "wrapped_private"} & set(key)


async def test_list_is_paged(operator: httpx.AsyncClient) -> None:
    """Following next visits every key once, in the order of creation."""
    await operator.post("keys/encryption/rotate")
    whole = [key["kid"] for key in (await operator.get("keys")).json()["items"]]
    seen, after = [], ""
    while after is not None:
        page = (await operator.get("keys", params={"after": after, "limit": 1})).json()
        seen += [key["kid"] for key in page["items"]]
        after = page["next"]
    assert (await operator.get("keys", params={"after": "unknown"})).json()["items"] == []
    assert seen == whole
    assert len(whole) == len(set(whole)) > 2


async def test_unknown_names_are_refused(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """Neither an unknown key nor an unknown use is found, another role is refused."""
    assert (await operator.post("keys/unknown/revoke")).status_code == 404
    assert (await operator.post("keys/nothing/rotate")).status_code == 404
    assert (await auditor.post("keys/signing/rotate")).status_code == 403


async def test_rewrapped_keys_are_told(operator: httpx.AsyncClient) -> None:
    """Every usable key is in the answer, as it was."""
    before = (await operator.get("keys")).json()["items"]
    rewrapped = await operator.post("keys/rewrap")
    assert rewrapped.json() == {"items": before, "next": None}
    assert (await operator.get("keys")).json()["items"] == before
