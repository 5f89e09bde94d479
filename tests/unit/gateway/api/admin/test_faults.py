"""What is wrong is named by its place, never by a value."""

from __future__ import annotations

import httpx
import pytest

from gateway.api.admin.faults import MAX_FAULTS


async def faults(client: httpx.AsyncClient, path: str, body: object) -> list[dict[str, str]]:
    """Return the faults of a POST that is refused with 422."""
    response = await client.post(path, json=body)
    assert response.status_code == 422, response.text
    assert response.json()["code"] == "invalid_member"
    return list(response.json()["errors"])


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"kind": "jti"}, {"pointer": "/subject", "detail": "is missing"}),
        ({"kind": "jti", "subject": "j", "x-1": 1},
         {"pointer": "/x-1", "detail": "is not known here"}),
        ({"kind": "jti", "subject": "j", "ca nary": 1},
         {"pointer": "", "detail": "holds an unknown field"}),
        ({"kind": "jti", "subject": "j", "c" * 65: 1},
         {"pointer": "", "detail": "holds an unknown field"}),
        ({"kind": "jti", "subject": 7},
         {"pointer": "/subject", "detail": "Input should be a valid string"}),
    ],
)  # fmt: skip
async def test_each_fault_has_its_place(
    operator: httpx.AsyncClient, body: object, fault: dict[str, str]
) -> None:
    """The pointer leads to the member; a name that does not look like one is not repeated."""
    assert await faults(operator, "revocations", body) == [fault]


async def test_place_in_a_list_is_told(operator: httpx.AsyncClient) -> None:
    """Of a list the wrong element is named."""
    body = {"networks": ["10.0.0.0/8", "canary"]}
    assert await faults(operator, "clients", body) == [
        {"pointer": "/networks/1", "detail": "is not valid"}
    ]


async def test_parameters_are_told(operator: httpx.AsyncClient) -> None:
    """A parameter that is out of range or unknown is named; an odd name is not."""
    response = await operator.get("clients", params={"limit": 0})
    (fault,) = response.json()["errors"]
    assert (response.status_code, fault["parameter"]) == (422, "limit")
    response = await operator.get("clients", params={"limmit": 1, "ca nary": 1})
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"parameter": "limmit", "detail": "is not known here"},
        {"pointer": "", "detail": "holds an unknown field"},
    ]


async def test_body_that_nobody_reads_is_refused(operator: httpx.AsyncClient) -> None:
    """A route without a body takes an empty one or none, and no member that does nothing."""
    keys = (await operator.get("keys")).json()["items"]
    path = f"keys/{keys[0]['kid']}/revoke"
    assert await faults(operator, path, {"drain": True}) == [
        {"pointer": "/drain", "detail": "is not known here"}
    ]
    assert (await operator.post(path, json={})).status_code == 200


async def test_faults_are_few(operator: httpx.AsyncClient) -> None:
    """A request made of faults alone gets a short answer."""
    body = {f"m{number}": 1 for number in range(MAX_FAULTS + 5)}
    assert len(await faults(operator, "clients", body)) == MAX_FAULTS


async def test_missing_body_is_malformed(operator: httpx.AsyncClient) -> None:
    """Where a body is needed, none is 400."""
    response = await operator.post("revocations")
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")
