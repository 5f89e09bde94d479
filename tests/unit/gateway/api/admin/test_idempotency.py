"""Writes with an ``Idempotency-Key``: done once, answered as often as asked."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.api.admin.idempotency import MAX_KEY_CHARS, parse_key
from gateway.control.room import ControlRoom
from gateway.core.errors import MalformedRequest
from gateway.core.identity import Role
from tests.fakes.control import FakeClock
from tests.unit.gateway.api.admin.conftest import CallAs

KEY = {"idempotency-key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
BODY = {"models": ["tiny"], "networks": ["127.0.0.0/8"]}


async def clients(operator: httpx.AsyncClient) -> int:
    """Return how many applications there are."""
    items = (await operator.get("clients")).json()["items"]
    return sum(item["role"] == "application" for item in items)


async def test_call_is_done_once(room: ControlRoom, operator: httpx.AsyncClient) -> None:
    """Sent again, it is answered with the very same answer, secret included, and does nothing."""
    first = await operator.post("clients", json=BODY, headers=KEY)
    revision = await room.store.revision()
    again = await operator.post("clients", json=BODY, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["cache-control"] == "no-store"
    assert again.headers["request-id"] != first.headers["request-id"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await room.store.revision() == revision
    assert await clients(operator) == 1


async def test_without_a_key_each_call_counts(operator: httpx.AsyncClient) -> None:
    """Nothing is remembered of calls that do not ask for it; a read ignores a key."""
    for _ in range(2):
        await operator.post("clients", json=BODY)
    assert await clients(operator) == 2
    first, second = [await operator.get("clients", headers=KEY) for _ in range(2)]
    assert "idempotency-replayed" not in second.headers
    assert first.json() == second.json()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "clients", {**BODY, "plaintext_allowed": False}),
        ("POST", "revocations", {"kind": "jti", "subject": "j"}),
        ("POST", "clients?x=1", BODY),
        ("PATCH", "clients/c-0", BODY),
    ],
)
async def test_another_request_is_422(
    operator: httpx.AsyncClient, method: str, path: str, body: dict[str, object]
) -> None:
    """Another method, path, query or body under the same key is refused and does nothing."""
    await operator.post("clients", json=BODY, headers=KEY)
    refused = await operator.request(method, path, json=body, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert await clients(operator) == 1


async def test_refused_call_frees_its_key(operator: httpx.AsyncClient) -> None:
    """What was refused changed nothing, so the mended call may use the same key."""
    for body, status in (({"canary": 1}, 422), ({"networks": ["x"]}, 422), (BODY, 201)):
        assert (await operator.post("clients", json=body, headers=KEY)).status_code == status
    path = "clients/c-0/disable"
    other = {"idempotency-key": "other"}
    for _ in range(2):
        assert (await operator.post(path, headers=other)).status_code == 404


async def test_two_at_once_are_one(operator: httpx.AsyncClient) -> None:
    """Of several equal calls at once one is made; the others get its answer or are told to wait."""
    answers = await asyncio.gather(
        *(operator.post("clients", json=BODY, headers=KEY) for _ in range(5))
    )
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) >= 1
    assert set(statuses) <= {201, 409}
    assert len({a.json()["client_id"] for a in answers if a.status_code == 201}) == 1
    assert all(a.json()["code"] == "outcome_unknown" for a in answers if a.status_code == 409)
    assert await clients(operator) == 1


async def test_keys_are_the_callers_own(operator: httpx.AsyncClient, call_as: CallAs) -> None:
    """Another operator's call with the same key is another call."""
    mine = await operator.post("clients", json=BODY, headers=KEY)
    theirs = await (await call_as(Role.OPERATOR)).post("clients", json=BODY, headers=KEY)
    assert mine.json()["client_id"] != theirs.json()["client_id"]


async def test_answer_is_kept_for_a_day(
    room: ControlRoom, call_as: CallAs, clock: FakeClock
) -> None:
    """After a day the key is free again."""
    made = await (await call_as(Role.OPERATOR)).post("clients", json=BODY, headers=KEY)
    assert made.status_code == 201
    clock.advance(days=1)
    await room.snapshots.check()
    assert await room.idempotency.forget_expired() == 1


async def test_bug_leaves_the_outcome_unknown(
    room: ControlRoom, operator: httpx.AsyncClient
) -> None:
    """After an unexpected error nobody can say what was done, so it is not done again."""

    async def fail(*_args: object, **_named: object) -> None:
        raise RuntimeError("canary")

    made = room.clients.register
    object.__setattr__(room.clients, "register", fail)
    assert (await operator.post("clients", json=BODY, headers=KEY)).status_code == 500
    object.__setattr__(room.clients, "register", made)
    again = await operator.post("clients", json=BODY, headers=KEY)
    assert (again.status_code, again.json()["code"]) == (409, "outcome_unknown")


async def test_key_is_asked_after_the_proof(room: ControlRoom, operator: httpx.AsyncClient) -> None:
    """Without a token no kept answer is given."""
    await operator.post("clients", json=BODY, headers=KEY)
    bare = {**KEY, "authorization": ""}
    assert (await operator.post("clients", json=BODY, headers=bare)).status_code == 401


@pytest.mark.parametrize(
    "fields", [[""], ["a b"], ["é"], ["x" * (MAX_KEY_CHARS + 1)], ["a", "a"], ["\x7f"], []]
)
def test_malformed_key_is_refused(fields: list[str]) -> None:
    """A key is one field of 1 to 255 visible characters."""
    with pytest.raises(MalformedRequest):
        parse_key(fields)


def test_quotes_are_no_part_of_a_key() -> None:
    """Written as a structured field or bare, it is the same key."""
    assert parse_key(['"k"']) == parse_key(["k"]) == "k"
    assert parse_key(['""']) == '""'
    assert parse_key(["x" * MAX_KEY_CHARS])


async def test_malformed_key_is_400(operator: httpx.AsyncClient) -> None:
    """A key that cannot be is not taken for none."""
    headers = {"idempotency-key": "a b"}
    assert (await operator.post("clients", json=BODY, headers=headers)).status_code == 400
    assert await clients(operator) == 0
