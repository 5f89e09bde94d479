"""The audit trail over HTTP."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI

from gateway.control.room import ControlRoom
from gateway.core.audit import AuditRow, TrailVerifier
from gateway.core.audit_lines import encode_head, parse_line
from gateway.core.identity import Role
from tests.fakes.control import token_of
from tests.fakes.http import http


async def test_rows_are_listed_in_pages(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """An auditor reads every act once by following next; the last rows are the readings."""
    for _ in range(3):
        await operator.post("clients", json={})
    seen, after = [], "0"
    while after is not None and len(seen) < 50:
        page = (await auditor.get("audit", params={"after": after, "limit": 2})).json()
        seen += page["items"]
        after = page["next"]
    assert [row["number"] for row in seen] == list(range(1, len(seen) + 1))
    assert [row["action"] for row in seen].count("client.create") >= 5
    assert set(seen[0]) == {
        "number",
        "at",
        "actor",
        "action",
        "target",
        "outcome",
        "request_id",
        "detail",
        "digest",
    }


async def test_row_has_the_name_of_the_call(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """The answer's Request-Id is in the row of the act."""
    made = await operator.post("clients", json={})
    rows = (await auditor.get("audit", params={"limit": 200})).json()["items"]
    assert made.headers["request-id"] in [row["request_id"] for row in rows]


async def test_verified_head_can_be_noted(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """The head of one check is what the next one goes on from."""
    head = (await auditor.get("audit/verify")).json()["head"]
    await operator.post("clients", json={})
    again = await auditor.get("audit/verify", params={"head": head})
    assert again.json()["rows"] > int(head.partition(":")[0])
    number, _, digest = head.partition(":")
    wrong = f"{number}:{'0' * len(digest)}"
    broken = await auditor.get("audit/verify", params={"head": wrong})
    assert (broken.status_code, broken.json()["code"]) == (500, "audit_broken")
    assert broken.json()["detail"] == f"Row {number} is not the one that was noted."


@pytest.mark.parametrize("head", ["", "x", "1:" + "z" * 64, "1:" + "0" * 200])
async def test_what_is_no_head_is_refused(auditor: httpx.AsyncClient, head: str) -> None:
    """A malformed head is the caller's error."""
    assert (await auditor.get("audit/verify", params={"head": head})).status_code in {400, 422}


async def test_export_verifies_line_by_line(
    room: ControlRoom, operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """The export is JSON Lines that make one chain up to the head of the moment."""
    await operator.post("clients", json={})
    answer = await auditor.get("audit/export")
    assert answer.headers["content-type"] == "application/jsonl"
    verifier = TrailVerifier()
    for line in answer.content.splitlines(keepends=True):
        verifier.feed(parse_line(line))
    assert encode_head(verifier.finish()) == encode_head(await room.store.audit_head())


@pytest.mark.parametrize("path", ["audit", "audit/verify", "audit/export"])
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.OWNER])
async def test_only_auditors_read(app: FastAPI, room: ControlRoom, path: str, role: Role) -> None:
    """Operators and owners, whose acts are in the trail, do not read it."""
    async with http(app, token=await token_of(room, role)) as client:
        answer = await client.get(f"/admin/v1/{path}")
    assert answer.status_code == 403
    rows: Sequence[AuditRow] = await room.store.list_audit(after=0, limit=99)
    assert (rows[-1].entry.action, rows[-1].entry.outcome) == ("audit.read", "refused")


@pytest.mark.parametrize("query", [{"after": -1}, {"after": "x"}, {"limit": 0}, {"limit": 201}])
async def test_pages_are_bounded(auditor: httpx.AsyncClient, query: dict[str, object]) -> None:
    """A page that cannot be is refused."""
    assert (await auditor.get("audit", params=query)).status_code in {400, 422}
