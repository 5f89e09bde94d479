"""Access tokens of an issuer that is not ours: oidc-provider, trusted by configuration."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime

import jwt
import pytest

from gateway.backends.jwks_fetch import JwksFetch
from gateway.control.issuer_keys import EARLY_SECONDS, IssuerFeed, IssuerKeyHolder
from gateway.core.errors import InvalidToken
from gateway.core.external_tokens import ExternalIssuer, UnknownSigner, verify_external_token
from gateway.core.identity import Role
from gateway.core.jwk import SigningAlgorithm
from tests.interop.issuer import ALGORITHMS, AUDIENCE, STAFF_ROLE, Issuer, new_key
from tests.story.gateway import Gateway

OLD, NEW = new_key("old", "ES256"), new_key("new", "ES256")
OTHERS = [new_key("rsa", "RS256"), new_key("ed", "EdDSA")]
FIRST_KEYS = [OLD, *OTHERS]


@pytest.fixture(scope="module")
def issuer(node_program, tmp_path_factory):
    """Return an issuer that is not started yet."""
    issuer = Issuer(node_program, tmp_path_factory.mktemp("issuer"))
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module")
def gateway(world, issuer, tmp_path_factory):
    """Return a gateway that trusts the issuer, which comes up only after the gateway."""
    directory = tmp_path_factory.mktemp("gateway")
    socket, key_file = world.gateway.directory / "v.sock", world.gateway.directory / "vllm.key"
    gateway = Gateway(directory, socket=socket, api_key_file=key_file)
    made = gateway.command(
        "clients", "create", "--model", "tiny", "--network", "127.0.0.0/8", "--json"
    )
    client_id = json.loads(made)["client_id"]
    with gateway.config.open("a") as config:
        config.write(
            f'[[issuers]]\nissuer = "{issuer.origin}"\njwks_url = "{issuer.origin}/jwks"\n'
            f'audience = "{AUDIENCE}"\nrole_claim = "roles"\nrefresh_seconds = 30\n'
            f'roles = {{ apps = "application", {STAFF_ROLE} = "operator" }}\n'
            f'clients = {{ app = "{client_id}", promoted = "{client_id}", '
            f'nobody = "{client_id}", ghost = "c-gone" }}\n'
        )
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.stop()


@pytest.fixture(scope="module")
def known(gateway, issuer):
    """Start the issuer and wait until the gateway has heard of its keys."""
    token = _signed_like(issuer, OLD)
    assert gateway.list_models(token).status == 401
    issuer.start(FIRST_KEYS)
    deadline = time.monotonic() + 60
    while gateway.list_models(token).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return gateway


@pytest.fixture
def rotated(issuer, known):
    """Give the issuer back its first keys when a test that changes them is done."""
    yield issuer
    issuer.stop()
    issuer.start(FIRST_KEYS)


def _signed_like(issuer: Issuer, key: dict[str, str], **changes: object) -> str:
    """Return a token as the issuer would make it, signed here with *key*."""
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": issuer.origin, "aud": AUDIENCE, "sub": "app", "client_id": "app"}
    claims |= {"iat": now, "exp": now + 600, "jti": "made-here", "roles": ["apps"], **changes}
    headers = {"typ": "at+jwt", "kid": key["kid"]}
    return jwt.encode(claims, jwt.PyJWK(key), key["alg"], headers)


def _altered(token: str, **changes: object) -> str:
    """Return *token* with other claims under the same signature."""
    head, body, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    text = json.dumps(claims | changes).encode()
    return ".".join([head, urlsafe_b64encode(text).rstrip(b"=").decode(), signature])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_token_is_accepted_for_the_mapped_client(known, issuer, algorithm):
    """A token of the issuer opens what the client of ours may call, with each algorithm."""
    token = issuer.token(resource=f"urn:gateway:{algorithm}")
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    answer = known.list_models(token)
    assert answer.status == 200
    assert [model["id"] for model in json.loads(answer.body)["data"]] == ["tiny"]


def test_token_of_another_audience_is_refused(known, issuer):
    """What was issued for somebody else is no good here, although the issuer is trusted."""
    assert known.list_models(issuer.token(resource="urn:other")).status == 401


@pytest.mark.parametrize("client", ["stranger", "promoted", "nobody"])
def test_client_that_the_tables_do_not_let_in_is_refused(known, issuer, client):
    """Refused: a client not in the table, one that has another role here, a role of no meaning."""
    assert known.list_models(issuer.token(client)).status == 401


def test_tampered_token_is_refused(known, issuer):
    """Other claims under a genuine signature, or a signature by another key, count for nothing."""
    stranger = issuer.token("stranger")
    assert known.list_models(_altered(stranger, client_id="app")).status == 401
    forged = _signed_like(issuer, {**new_key("old", "ES256")})
    assert known.list_models(forged).status == 401
    genuine = _signed_like(issuer, OLD)
    assert known.list_models(genuine).status == 200  # the forged one failed for its key alone


def test_token_without_staff_rights_does_not_open_the_admin_api(known, issuer):
    """The tables cannot turn a token of the issuer into one of staff by its claim alone."""
    with known.http() as http:
        headers = {"authorization": f"Bearer {issuer.token('promoted')}"}
        answer = http.get(f"{known.admin_origin}/admin/v1/clients", headers=headers)
    assert answer.status_code == 401


def test_revocation_reaches_tokens_of_the_issuer(known, issuer):
    """One token of the issuer is withdrawn here by its identifier, and others go on."""
    token, other = issuer.token(), issuer.token()
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    assert known.list_models(token).status == 200
    known.admin("POST", "/revocations", json={"kind": "jti", "subject": jti})
    assert known.list_models(token).status == 401
    assert known.list_models(other).status == 200


def test_issuer_that_is_down_disturbs_nobody(known, rotated):
    """While the issuer is away its keys stay good, and our own tokens never depended on it."""
    token = rotated.token()
    rotated.stop()
    assert known.list_models(token).status == 200
    assert known.list_models(known.token(known.create_client())).status == 200
    assert known.list_models(_signed_like(rotated, NEW)).status == 401


class _Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Trust:
    """What a gateway knows of the issuer, with a clock that need not wait for half a minute."""

    def __init__(self, issuer: Issuer) -> None:
        self.clock = _Clock()
        trusted = ExternalIssuer(
            issuer=issuer.origin,
            audience=AUDIENCE,
            algorithms=frozenset(SigningAlgorithm),
            role_claim="roles",
            clients={"app": "c-1"},
            roles={"apps": Role.APPLICATION},
        )
        fetch = JwksFetch(issuer.metadata()["jwks_uri"])
        feed = IssuerFeed(trusted, fetch, refresh_seconds=300, max_stale_seconds=3600)
        self._holder = IssuerKeyHolder([feed], monotonic=self.clock)

    def refresh(self) -> None:
        """Do what the background task does every second."""
        asyncio.run(self._holder.refresh_due())

    def accepts(self, token: str) -> bool:
        """Tell whether *token* is good; an unknown key is noted as the gateway notes it."""
        try:
            verify_external_token(token, self._holder.current())
        except UnknownSigner:
            self._holder.note_unknown_key()
            return False
        except InvalidToken:
            return False
        return True


def test_new_key_counts_after_the_next_fetch_and_a_removed_one_no_more(rotated):
    """Rotation with both keys published loses no call; a key that is withdrawn is gone at once."""
    issuer, trust = rotated, _Trust(rotated)
    trust.refresh()
    old = issuer.token()
    assert trust.accepts(old)

    issuer.stop()
    issuer.start([NEW, *FIRST_KEYS])
    new = issuer.token()
    assert jwt.get_unverified_header(new)["kid"] == "new"
    assert not trust.accepts(new)
    trust.refresh()
    assert not trust.accepts(new)  # the last fetch is too recent for another
    trust.clock.now += EARLY_SECONDS
    assert not trust.accepts(new)  # noted; no call waits for a fetch
    trust.refresh()
    assert trust.accepts(new)
    assert trust.accepts(old)

    issuer.stop()
    issuer.start([NEW, *OTHERS])
    trust.clock.now += 300
    trust.refresh()
    assert trust.accepts(new)
    assert not trust.accepts(old)


def test_keys_of_an_issuer_that_stays_away_lose_their_trust(rotated):
    """An outage is bridged for as long as configured; then nothing of the issuer is accepted."""
    issuer, trust = rotated, _Trust(rotated)
    trust.refresh()
    token = issuer.token()
    issuer.stop()
    trust.clock.now += 3600
    trust.refresh()
    assert trust.accepts(token)
    trust.clock.now += 1
    trust.refresh()
    assert not trust.accepts(token)
    issuer.start(FIRST_KEYS)
    trust.clock.now += 300
    trust.refresh()
    assert trust.accepts(token)
