"""What there is to grant, over HTTP."""

from __future__ import annotations

import httpx

from gateway.core.identity import Role
from gateway.core.policy import ROLE_PERMISSIONS


async def test_models_are_listed_for_operators(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """An operator sees every configured model, others none."""
    page = (await operator.get("models", params={"limit": 1})).json()
    assert page == {
        "items": [
            {"name": "draft", "production": False, "clearance": "internal", "location": "local"}
        ],
        "next": "draft",
    }
    page = (await operator.get("models", params={"after": page["next"]})).json()
    assert ([item["name"] for item in page["items"]], page["next"]) == (["tiny"], None)
    assert [(await other.get("models")).status_code for other in (auditor, owner)] == [403, 403]


async def test_roles_are_listed_for_staff(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """All staff sees what each role may do."""
    for client in (operator, auditor, owner):
        page = (await client.get("roles")).json()
        shown = {item["role"]: set(item["permissions"]) for item in page["items"]}
        assert shown == {str(role): set(map(str, ROLE_PERMISSIONS[role])) for role in Role}
        assert page["next"] is None
