"""Clients over HTTP: registered by operators, given a role by owners."""

from __future__ import annotations

import httpx
import pytest

from gateway.control.room import ControlRoom
from gateway.core.grants import Operation
from gateway.core.identity import Role
from tests.fakes.control import GRANTS, LOCAL

TINY = {"model": "tiny", "operations": sorted(Operation)}
BODY = {"models": ["tiny"], "networks": ["127.0.0.0/8"]}


async def create(operator: httpx.AsyncClient) -> dict[str, str]:
    """Register an application and return the answer."""
    created = await operator.post("clients", json=BODY)
    assert created.status_code == 201
    return created.json()


async def test_new_client_is_an_application(operator: httpx.AsyncClient) -> None:
    """An operator registers an application with exactly the grants of the body."""
    name = (await create(operator))["client_id"]
    shown = (await operator.get(f"clients/{name}")).json()
    assert (shown["role"], shown["disabled"]) == ("application", False)
    assert shown["models"] == [TINY]
    assert shown["networks"] == BODY["networks"]
    assert shown["plaintext_allowed"] is False


async def test_change_replaces_only_what_is_given(operator: httpx.AsyncClient) -> None:
    """A part that the body leaves out stays; an empty one denies."""
    path = f"clients/{(await create(operator))['client_id']}"
    changed = (await operator.patch(path, json={"networks": ["10.0.0.0/8"]})).json()
    assert (changed["networks"], changed["models"]) == (["10.0.0.0/8"], [TINY])
    assert (await operator.patch(path, json={"models": []})).json()["models"] == []


async def test_disabled_client_can_be_enabled(operator: httpx.AsyncClient) -> None:
    """Disable and enable each answer with the new state."""
    path = f"clients/{(await create(operator))['client_id']}"
    assert (await operator.post(f"{path}/disable")).json()["disabled"] is True
    assert (await operator.post(f"{path}/enable")).json()["disabled"] is False


async def test_credentials_rotate_and_are_revoked(operator: httpx.AsyncClient) -> None:
    """A rotation adds a credential; a revocation withdraws the one that it names."""
    made = await create(operator)
    path = f"clients/{made['client_id']}/credentials"
    fresh = await operator.post(f"{path}/rotate")
    assert fresh.status_code == 201
    assert (await operator.post(f"{path}/{made['credential_id']}/revoke")).json()["revoked_at"]
    listed = (await operator.get(path)).json()["items"]
    assert {item["credential_id"]: item["revoked_at"] is None for item in listed} == {
        made["credential_id"]: False,
        fresh.json()["credential_id"]: True,
    }


async def test_secret_is_in_one_answer_only(operator: httpx.AsyncClient) -> None:
    """After the answer that made it, neither the secret nor its hash is shown again."""
    made = await create(operator)
    path = f"clients/{made['client_id']}"
    for later in (path, f"{path}/credentials", "clients"):
        shown = (await operator.get(later)).text
        assert "hash" not in shown
        assert made["client_secret"] not in shown


async def test_owner_assigns_a_role(operator: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    """An owner makes an auditor of an application; an operator may not."""
    path = f"clients/{(await create(operator))['client_id']}/role"
    assert (await operator.put(path, json={"role": "auditor"})).status_code == 403
    assert (await owner.put(path, json={"role": "auditor"})).json()["role"] == "auditor"
    assert (await owner.put(path, json={"role": "king"})).status_code == 422


async def test_operator_gives_staff_no_secret(
    room: ControlRoom, operator: httpx.AsyncClient
) -> None:
    """Whoever could give an owner a new secret would be an owner."""
    name = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    assert (await operator.post(f"clients/{name}/credentials/rotate")).status_code == 403
    assert (await operator.patch(f"clients/{name}", json=BODY)).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "clients/c-0"),
        ("PATCH", "clients/c-0"),
        ("POST", "clients/c-0/disable"),
        ("POST", "clients/c-0/enable"),
        ("POST", "clients/c-0/credentials/rotate"),
        ("POST", "clients/c-0/credentials/i/revoke"),
    ],
)
async def test_unknown_client_is_404(operator: httpx.AsyncClient, method: str, path: str) -> None:
    """A client that does not exist is not found, whatever was to be done with it."""
    body = BODY if method == "PATCH" else None
    assert (await operator.request(method, path, json=body)).status_code == 404


async def test_list_is_paged(operator: httpx.AsyncClient) -> None:
    """Following next visits every client once."""
    for _ in range(4):
        await create(operator)
    seen, after = [], ""
    while after is not None:
        page = (await operator.get("clients", params={"limit": 2, "after": after})).json()
        seen += [item["client_id"] for item in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5


async def test_promotion_shows_one_fresh_secret(
    operator: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """The owner's answer holds the only secret that is good now; the operator's ends."""
    made = await create(operator)
    path = f"clients/{made['client_id']}"
    fresh = (await owner.put(f"{path}/role", json={"role": "owner"})).json()["credential"]
    assert fresh["client_secret"].startswith(fresh["credential_id"])
    listed = (await operator.get(f"{path}/credentials")).json()["items"]
    good = [item["credential_id"] for item in listed if item["revoked_at"] is None]
    assert good == [fresh["credential_id"]]
    assert fresh["client_secret"] not in (await operator.get(f"{path}/credentials")).text
    demoted = (await owner.put(f"{path}/role", json={"role": "application"})).json()
    assert demoted["credential"] is None


async def test_owner_keeps_its_own_role(room: ControlRoom, owner: httpx.AsyncClient) -> None:
    """The own role is 403; the last owner cannot be disabled, which is 409."""
    listed = (await owner.get("clients")).json()["items"]
    (name,) = (item["client_id"] for item in listed if item["role"] == "owner")
    answer = await owner.put(f"clients/{name}/role", json={"role": "operator"})
    assert answer.status_code == 403
    assert (await owner.post(f"clients/{name}/disable")).status_code == 409


async def test_operator_cannot_revoke_an_owners_tokens(
    room: ControlRoom, operator: httpx.AsyncClient
) -> None:
    """The tokens of staff are not an operator's to withdraw."""
    name = (await room.clients.create(LOCAL, GRANTS, role=Role.OWNER)).client_id
    body = {"kind": "client_id", "subject": name}
    assert (await operator.post("revocations", json=body)).status_code == 403


async def test_grants_are_given_by_operation(operator: httpx.AsyncClient) -> None:
    """A bare name gives every operation, an object those it names; both are shown as objects."""
    models = ["tiny", {"model": "draft", "operations": ["completions"]}]
    made = (await operator.post("clients", json={"models": models})).json()
    shown = (await operator.get(f"clients/{made['client_id']}")).json()
    assert shown["models"] == [models[1], TINY]
    assert shown["withheld"] == []


async def test_quota_is_changed_member_by_member(operator: httpx.AsyncClient) -> None:
    """A member that is left out stays, null lifts a limit, and so do class and binding stay."""
    body = {"quota": {"requests_per_minute": 5, "tokens_per_day": 7}, "data_class": "public"}
    path = f"clients/{(await operator.post('clients', json=body)).json()['client_id']}"
    body = {"quota": {"tokens_per_day": None}, "token_binding": "dpop"}
    shown = (await operator.patch(path, json=body)).json()
    assert (shown["data_class"], shown["token_binding"]) == ("public", "dpop")
    assert {name for name, limit in shown["quota"].items() if limit} == {"requests_per_minute"}
    assert shown["quota"]["requests_per_minute"] == 5
    shown = (await operator.patch(path, json={"quota": {"concurrent_streams": 2}})).json()
    assert (shown["quota"]["requests_per_minute"], shown["quota"]["concurrent_streams"]) == (5, 2)


async def test_rules_for_found_values_are_replaced_as_one(operator: httpx.AsyncClient) -> None:
    """Rules are shown as they were given; what is left out stays, and what is unknown is named."""
    body = {"scrub": {"PHONE": "mask", "default": "pseudonym"}, "masks_requests": True}
    path = f"clients/{(await operator.post('clients', json=body)).json()['client_id']}"
    shown = (await operator.patch(path, json={"data_class": "public"})).json()
    assert {name: shown[name] for name in body} == body
    shown = (await operator.patch(path, json={"scrub": {}})).json()
    assert (shown["scrub"], shown["masks_requests"]) == ({}, True)
    for wrong in ({"PHNOE": "mask"}, {"PHONE": "off"}, {"PHONE": None}, None):
        refused = await operator.patch(path, json={"scrub": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"].startswith("/scrub")


async def test_parameters_are_replaced_as_one(operator: httpx.AsyncClient) -> None:
    """They are shown in order; raw ones are refused, for a new client is an application."""
    body = {"parameters": ["stop_reason", "logprobs"]}
    path = f"clients/{(await operator.post('clients', json=body)).json()['client_id']}"
    shown = (await operator.patch(path, json={"data_class": "public"})).json()
    assert shown["parameters"] == ["logprobs", "stop_reason"]
    assert (await operator.patch(path, json={"parameters": []})).json()["parameters"] == []
    for wrong in (["canary"], None, ["echo"] * 11):
        refused = await operator.patch(path, json={"parameters": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"].startswith("/parameters")
    refused = await operator.patch(path, json={"parameters": ["token_ids"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_request")


async def test_limits_of_requests_are_replaced_as_one(operator: httpx.AsyncClient) -> None:
    """They are shown as they are; unknown ones, and numbers out of reach, are refused."""
    path = f"clients/{(await operator.post('clients', json={})).json()['client_id']}"
    assert (await operator.get(path)).json()["limits"] == {}
    given = {"choices": 1, "output_tokens": 500}
    assert (await operator.patch(path, json={"limits": given})).json()["limits"] == given
    assert (await operator.patch(path, json={"networks": []})).json()["limits"] == given
    assert (await operator.patch(path, json={"limits": {}})).json()["limits"] == {}
    for wrong in (None, {"canary": 1}, {"choices": 10_000}, {"choices": "1"}, {"choices": -1}, 5):
        refused = await operator.patch(path, json={"limits": wrong})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"].startswith("/limits")


async def test_answers_name_the_version(
    operator: httpx.AsyncClient, owner: httpx.AsyncClient
) -> None:
    """Every answer about one client has its version as an entity tag, and it grows."""
    made = await operator.post("clients", json=BODY)
    path = f"clients/{made.json()['client_id']}"
    answers = [
        made,
        await operator.get(path),
        await operator.patch(path, json={"networks": []}),
        await operator.post(f"{path}/disable"),
        await operator.post(f"{path}/enable"),
        await operator.post(f"{path}/credentials/rotate"),
        await operator.post(f"{path}/credentials/{made.json()['credential_id']}/revoke"),
        await operator.post(
            f"{path}/credentials", json={"kind": "tls_client_auth", "subject": "dns:app.example"}
        ),
        await owner.put(f"{path}/role", json={"role": "developer"}),
    ]
    assert [answer.headers["etag"] for answer in answers] == [
        f'"{number}"' for number in (1, 1, 2, 3, 4, 5, 6, 7, 8)
    ]


async def test_old_version_is_412(operator: httpx.AsyncClient, owner: httpx.AsyncClient) -> None:
    """A change of a version that is no more is refused by every call that changes a client."""
    made = await create(operator)
    path = f"clients/{made['client_id']}"
    await operator.patch(path, json={"plaintext_allowed": False})
    calls = [
        (operator, "PATCH", path, {"networks": []}),
        (operator, "POST", f"{path}/disable", None),
        (operator, "POST", f"{path}/enable", None),
        (owner, "PUT", f"{path}/role", {"role": "auditor"}),
        (operator, "POST", f"{path}/credentials/rotate", None),
        (operator, "POST", f"{path}/credentials", {"kind": "client_secret_basic"}),
        (operator, "POST", f"{path}/credentials/{made['credential_id']}/revoke", None),
    ]
    before = (await operator.get(path)).json()
    for client, method, target, body in calls:
        headers = {"if-match": '"1"'}
        answer = await client.request(method, target, json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (412, "version_mismatch")
    assert (await operator.get(path)).json() == before
    fresh = {"if-match": '"2"'}
    assert (await operator.post(f"{path}/disable", headers=fresh)).status_code == 200


JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"kind": "private_key_jwt", "jwk": JWK}, "jwk"),
        ({"kind": "tls_client_auth", "subject": "dns:App.Example"}, "subject"),
    ],
)
async def test_public_credentials_have_no_secret(
    operator: httpx.AsyncClient, body: dict[str, object], shown: str
) -> None:
    """A key or a certificate is registered with the client or later; no secret is made."""
    path = f"clients/{(await create(operator))['client_id']}/credentials"
    added = await operator.post(path, json=body)
    assert (added.status_code, set(added.json())) == (201, {"client_id", "credential_id", "kind"})
    assert (await operator.post(path, json=body)).status_code == 409
    made = await operator.post("clients", json={**BODY, "credential": body})
    assert set(made.json()) == {"client_id", "credential_id", "kind"}
    (listed,) = (await operator.get(f"clients/{made.json()['client_id']}/credentials")).json()[
        "items"
    ]
    assert listed[shown]
    assert {"jwk", "subject"} & {name for name, value in listed.items() if value} == {shown}


async def test_client_may_have_no_credential(operator: httpx.AsyncClient) -> None:
    """With null there is none, until one is added."""
    made = await operator.post("clients", json={**BODY, "credential": None})
    assert set(made.json()) == {"client_id"}
    path = f"clients/{made.json()['client_id']}/credentials"
    assert (await operator.get(path)).json() == {"items": [], "next": None}
    added = await operator.post(path, json={"kind": "client_secret_basic"})
    assert added.json()["client_secret"].startswith(added.json()["credential_id"])


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({"credential": {"kind": "canary"}},
         {"pointer": "/credential", "detail": "has an unknown kind"}),
        ({"credential": {}}, {"pointer": "/credential", "detail": "must say its kind"}),
        ({"credential": {"kind": "private_key_jwt", "jwk": {**JWK, "d": "canary"}}},
         {"pointer": "/credential/jwk",
          "detail": "The key is not a sound public key for EdDSA, ES256, RS256 or PS256."}),
        ({"credential": {"kind": "tls_client_auth"}},
         {"pointer": "/credential/subject", "detail": "is missing"}),
        ({"quota": {"canary": 1}}, {"pointer": "/quota/canary", "detail": "is not known here"}),
        ({"quota": {"tokens_per_day": 0}},
         {"pointer": "/quota/tokens_per_day",
          "detail": "Input should be greater than or equal to 1"}),
        ({"quota": None}, {"pointer": "/quota", "detail": "must not be null"}),
        ({"models": [{"model": "tiny", "operations": ["canary"]}]},
         {"pointer": "/models/0/operations/0",
          "detail": "Input should be 'chat_completions', 'completions', 'responses', 'messages'"
          " or 'embeddings'"}),
        ({"models": ["a canary"]}, {"pointer": "/models/0", "detail": "is not valid"}),
        ({"plaintext_allowed": "yes"},
         {"pointer": "/plaintext_allowed", "detail": "Input should be a valid boolean"}),
    ],
)  # fmt: skip
async def test_faults_are_named(
    operator: httpx.AsyncClient, body: dict[str, object], fault: dict[str, str]
) -> None:
    """What is wrong is told by its place in the body that was sent."""
    response = await operator.post("clients", json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == [fault]


async def test_credentials_are_paged(operator: httpx.AsyncClient) -> None:
    """Following next visits every credential once."""
    path = f"clients/{(await create(operator))['client_id']}/credentials"
    for _ in range(2):
        await operator.post(f"{path}/rotate")
    seen, skip = [], "0"
    while skip is not None:
        page = (await operator.get(path, params={"skip": skip, "limit": 2})).json()
        seen += [item["credential_id"] for item in page["items"]]
        skip = page["next"]
    assert len(seen) == len(set(seen)) == 3


async def test_strangers_learn_no_identifier(
    operator: httpx.AsyncClient, auditor: httpx.AsyncClient
) -> None:
    """Who may not read clients gets one answer for those that exist and those that do not."""
    name = (await create(operator))["client_id"]
    for template in ("clients/{}", "clients/{}/credentials"):
        answers = [(await auditor.get(template.format(one))).json() for one in (name, "c-0")]
        assert answers[0] == answers[1]
        assert answers[0]["status"] == 403
    for template in ("clients/{}/disable", "clients/{}/credentials/rotate"):
        answers = [(await auditor.post(template.format(one))).json() for one in (name, "c-0")]
        assert answers[0] == answers[1]
        assert answers[0]["status"] == 403
