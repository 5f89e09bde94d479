"""Access tokens: one valid form, and everything around it refused with one error."""

from __future__ import annotations

import hmac
import json
import os
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from gateway.core.errors import InvalidToken
from gateway.core.grants import TokenBinding
from gateway.core.identity import UNBOUND, Client, Confirmation, Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey, name_key, to_jwk
from gateway.core.policy import Revocations, Snapshot
from gateway.core.tokens import AccessClaims, Expectations, sign_access_token, verify_access_token

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLIENT = Client(client_id="c-1", role=Role.APPLICATION)
CLAIMS = AccessClaims("https://i", "a", "c-1", "j-1", NOW, NOW + timedelta(hours=1))
EXPECTED = Expectations(issuer="https://i", audience="a")
SNAPSHOT = Snapshot(
    revision=1,
    clients={"c-1": CLIENT},
    models={},
    verification_keys={"k-1": VerificationKey("k-1", SigningAlgorithm.EDDSA, KEY.public_key())},
    recipient_keys={},
    key_configurations=b"",
    revocations=Revocations(),
)
HEADER = {"alg": "EdDSA", "typ": "at+jwt", "kid": "k-1"}
PAYLOAD = {
    "iss": "https://i",
    "aud": "a",
    "sub": "c-1",
    "client_id": "c-1",
    "jti": "j-1",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 3600,
}
SHARED = os.environ.get("SEALGATE_SHARED", "../shared")  # noqa: TID251 — where the vectors are
WYCHEPROOF = Path(SHARED) / "vectors" / "wycheproof"
DEFECTIVE = {367, 370, 372, 373}


def b64(data: bytes) -> str:
    """Return base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(header: Any = None, payload: Any = None, key: Ed25519PrivateKey = KEY) -> str:
    """Sign any header over any payload, given as an object or as raw JSON."""
    parts = [
        b64(part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in (HEADER if header is None else header, PAYLOAD if payload is None else payload)
    ]
    signed = ".".join(parts)
    return f"{signed}.{b64(key.sign(signed.encode()))}"


def verify(token: str, *, snapshot: Snapshot = SNAPSHOT, now: datetime = NOW) -> Any:
    """Verify against the world of this file."""
    return verify_access_token(token, snapshot=snapshot, expectations=EXPECTED, now=now)


def test_signed_token_verifies() -> None:
    """What we sign comes back as the principal it names."""
    principal = verify(sign_access_token(CLAIMS, KEY, "k-1"))
    assert principal.client is CLIENT
    assert (principal.jti, principal.kid) == ("j-1", "k-1")
    assert (principal.issued_at, principal.expires_at) == (CLAIMS.issued_at, CLAIMS.expires_at)


def test_es256_verifies_too() -> None:
    """A token of a P-256 key verifies with that key, and a key never with another algorithm."""
    private = ec.derive_private_key(7, ec.SECP256R1())
    key = VerificationKey("k-2", SigningAlgorithm.ES256, private.public_key())
    world = replace(SNAPSHOT, verification_keys={**SNAPSHOT.verification_keys, "k-2": key})
    token = sign_access_token(CLAIMS, private, "k-2")
    assert verify(token, snapshot=world).kid == "k-2"
    for kid in ("k-1", "k-3"):
        with pytest.raises(InvalidToken):
            verify(sign_access_token(CLAIMS, private, kid), snapshot=world)
    with pytest.raises(InvalidToken):
        verify(sign_access_token(CLAIMS, KEY, "k-2"), snapshot=world)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_secret(algorithm: str) -> None:
    """A token that is authenticated with the public key as if it were a secret is refused."""
    public = KEY.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
    for secret in (pem, public.public_bytes_raw(), b""):
        signed = ".".join(
            b64(json.dumps(part).encode()) for part in ({**HEADER, "alg": algorithm}, PAYLOAD)
        )
        with pytest.raises(InvalidToken):
            verify(f"{signed}.{b64(hmac.digest(secret, signed.encode(), digest))}")


@pytest.mark.parametrize("signature", ["", "AA", "unsigned"])
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "EdDSA"])
def test_unsigned_tokens_are_refused(algorithm: str, signature: str) -> None:
    """No spelling of ``none`` and no missing signature passes."""
    header, payload = (
        b64(json.dumps(part).encode()) for part in ({**HEADER, "alg": algorithm}, PAYLOAD)
    )
    with pytest.raises(InvalidToken):
        verify(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/etc/passwd",
        "k-1\x00",
        "k-1' OR '1'='1",
        "k-1; DROP TABLE keys",
        "https://127.0.0.1/jwks",
        "k-1 ",
        "K-1",
        "k" * 513,
    ],
)
def test_a_kid_is_looked_up_and_nothing_else(kid: str) -> None:
    """A name that is a path, a query or an address is just a name that does not exist."""
    with pytest.raises(InvalidToken):
        verify(forge(header={**HEADER, "kid": kid}))


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_in_the_header_is_never_used(member: str) -> None:
    """A token signed by a key that it brings along is refused, under our kid and without one."""
    theirs = Ed25519PrivateKey.generate()
    jwk = to_jwk(name_key(theirs.public_key(), SigningAlgorithm.EDDSA))
    value = {"jwk": jwk, "jku": "https://127.0.0.1/", "x5u": "https://127.0.0.1/", "x5c": ["AA=="]}
    header = {**HEADER, member: value[member]}
    for changed in (header, {**header, "kid": jwk["kid"]}):
        with pytest.raises(InvalidToken):
            verify(forge(header=changed, key=theirs))


THUMBPRINT = b64(bytes(32))


@pytest.mark.parametrize(
    "confirmation",
    [
        Confirmation(jkt=THUMBPRINT),
        Confirmation(x5t_s256=THUMBPRINT),
        Confirmation(jkt=THUMBPRINT, x5t_s256=THUMBPRINT),
    ],
)
def test_binding_and_credential_come_back(confirmation: Confirmation) -> None:
    """What a token is bound to and was fetched with is what its principal has."""
    claims = replace(CLAIMS, credential_id="cred-1", confirmation=confirmation)
    principal = verify(sign_access_token(claims, KEY, "k-1"))
    assert principal.confirmation == confirmation
    assert principal.credential_id == "cred-1"


def test_a_token_may_have_neither() -> None:
    """A bearer token is bound to nothing."""
    principal = verify(forge())
    assert principal.confirmation == UNBOUND
    assert principal.credential_id == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"cnf": {}},
        {"cnf": None},
        {"cnf": "x"},
        {"cnf": {"jkt": "short"}},
        {"cnf": {"jkt": "AAAA"}},
        {"cnf": {"jkt": THUMBPRINT + "="}},
        {"cnf": {"jkt": 1}},
        {"cnf": {"jkt": None}},
        {"cnf": {"jkt": THUMBPRINT, "kid": "x"}},
        {"cnf": {"jwk": {}}},
        {"credential_id": 1},
        {"credential_id": ""},
    ],
)
def test_a_binding_that_nobody_checks_is_refused(changes: dict[str, Any]) -> None:
    """A confirmation that is empty, malformed or of another method makes the token invalid."""
    with pytest.raises(InvalidToken):
        verify(forge(payload={**PAYLOAD, **changes}))


@pytest.mark.parametrize(
    ("binding", "good"),
    [(TokenBinding.NONE, True), (TokenBinding.DPOP, False), (TokenBinding.EITHER, False)],
)
def test_a_client_may_demand_bound_tokens(binding: TokenBinding, good: bool) -> None:
    """A bearer token of a client whose tokens must be bound is refused."""
    client = replace(CLIENT, token_binding=binding)
    world = replace(SNAPSHOT, clients={"c-1": client})
    if good:
        assert verify(forge(), snapshot=world).client is client
    else:
        with pytest.raises(InvalidToken):
            verify(forge(), snapshot=world)
    bound = sign_access_token(
        replace(CLAIMS, confirmation=Confirmation(jkt=THUMBPRINT)), KEY, "k-1"
    )
    assert verify(bound, snapshot=world).confirmation.jkt == THUMBPRINT


def test_forge_is_valid_by_default() -> None:
    """The forgeries below start from a token that is accepted."""
    assert verify(forge()).jti == "j-1"


@pytest.mark.parametrize(
    "header",
    [
        {**HEADER, "alg": "none"},
        {**HEADER, "alg": "HS256"},
        {**HEADER, "alg": "Ed25519"},
        {**HEADER, "typ": "JWT"},
        {**HEADER, "typ": "application/at+jwt"},
        {**HEADER, "kid": "k-2"},
        {**HEADER, "kid": 1},
        {**HEADER, "kid": ""},
        {**HEADER, "crit": ["exp"]},
        {**HEADER, "jwk": {}},
        {**HEADER, "jku": "https://x"},
        {**HEADER, "x5u": "https://x"},
        {**HEADER, "b64": False},
        {**HEADER, "cty": "JWT"},
        {"alg": "EdDSA", "kid": "k-1"},
        {"alg": "EdDSA", "typ": "at+jwt"},
        [HEADER],
        b'{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt","kid":"k-1"}',
        b"[" * 3000,
        b"\xff\xfe",
        b"NaN",
    ],
)
def test_header_must_be_exact(header: Any) -> None:
    """A header with anything but the three members in their one form is refused."""
    with pytest.raises(InvalidToken):
        verify(forge(header=header))


@pytest.mark.parametrize("name", sorted(PAYLOAD))
@pytest.mark.parametrize("value", [None, "", 1.5, True, [], {"a": 1}, -1, 10**20, "other"])
def test_claims_must_be_present_and_typed(name: str, value: Any) -> None:
    """Each claim is refused when missing, of another type or not ours."""
    if not (name == "jti" and value == "other"):
        with pytest.raises(InvalidToken):
            verify(forge(payload={**PAYLOAD, name: value}))
    with pytest.raises(InvalidToken):
        verify(forge(payload={key: v for key, v in PAYLOAD.items() if key != name}))


def test_duplicate_claim_is_refused() -> None:
    """Two members of one name are refused, since two parsers would choose differently."""
    raw = json.dumps(PAYLOAD)[:-1] + ',"sub":"c-1"}'
    with pytest.raises(InvalidToken):
        verify(forge(payload=raw.encode()))


def test_nan_is_refused() -> None:
    """NaN is no JSON, although the standard library reads it."""
    with pytest.raises(InvalidToken):
        verify(forge(payload=json.dumps(PAYLOAD)[:-1].encode() + b',"x":NaN}'))


@pytest.mark.parametrize("lifetime_seconds", [3601, 86400, 0, -1])
def test_lifetime_is_capped(lifetime_seconds: int) -> None:
    """A token that lives for more than an hour, or for no time, is refused though signed by us."""
    expires = PAYLOAD["iat"] + lifetime_seconds  # type: ignore[operator]
    with pytest.raises(InvalidToken):
        verify(forge(payload={**PAYLOAD, "exp": expires}))


def test_signing_refuses_a_longer_lifetime() -> None:
    """Nothing above an hour is ever signed."""
    with pytest.raises(ValueError, match="at most an hour"):
        sign_access_token(replace(CLAIMS, expires_at=NOW + timedelta(seconds=3601)), KEY, "k-1")


@pytest.mark.parametrize(
    ("offset_seconds", "accepted"), [(-31, False), (-30, True), (3629, True), (3630, False)]
)
def test_times_against_the_clock(offset_seconds: int, accepted: bool) -> None:
    """Iat may be 30 s ahead and exp 30 s past, and not a second more."""
    now = NOW + timedelta(seconds=offset_seconds)
    if accepted:
        assert verify(forge(), now=now)
    else:
        with pytest.raises(InvalidToken):
            verify(forge(), now=now)


def test_leeway_cannot_be_widened() -> None:
    """A caller that asks for a leeway of an hour gets thirty seconds."""
    with pytest.raises(InvalidToken):
        verify_access_token(
            forge(),
            snapshot=SNAPSHOT,
            expectations=EXPECTED,
            now=NOW + timedelta(seconds=3631),
            leeway=timedelta(hours=1),
        )


@pytest.mark.parametrize(
    "snapshot",
    [
        replace(SNAPSHOT, clients={}),
        replace(SNAPSHOT, clients={"c-1": replace(CLIENT, disabled=True)}),
        replace(SNAPSHOT, verification_keys={}),
        replace(SNAPSHOT, revocations=Revocations(jtis=frozenset({"j-1"}))),
        replace(SNAPSHOT, revocations=Revocations(kids=frozenset({"k-1"}))),
        replace(SNAPSHOT, revocations=Revocations(clients={"c-1": NOW})),
        replace(SNAPSHOT, revocations=Revocations(credentials={"": NOW})),
        replace(SNAPSHOT, revocations=Revocations(roles={Role.APPLICATION: NOW})),
        replace(SNAPSHOT, revocations=Revocations(everything=NOW)),
    ],
)
def test_what_is_withdrawn_is_refused(snapshot: Snapshot) -> None:
    """Unknown and disabled clients, unknown keys and every kind of revocation refuse."""
    with pytest.raises(InvalidToken):
        verify(forge(), snapshot=snapshot)


@pytest.mark.parametrize("change", ["", ".", "a.b.c", "..", "{t}.", "{t}=", " {t}", "{t}\n", "é"])
def test_form_must_be_canonical(change: str) -> None:
    """Anything around or instead of three canonical parts is refused."""
    with pytest.raises(InvalidToken):
        verify(change.replace("{t}", forge()))


def test_unused_bits_are_refused() -> None:
    """A last character that decodes to the same bytes makes another token, so it is refused."""
    token = forge()  # 64 bytes: the last of 86 characters holds 4 unused bits
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = alphabet[alphabet.index(token[-1]) ^ 1]
    with pytest.raises(InvalidToken):
        verify(token[:-1] + other)


def test_oversized_token_is_refused() -> None:
    """A token above 4096 characters is refused before it is parsed."""
    with pytest.raises(InvalidToken):
        verify(forge(payload={**PAYLOAD, "x": "y" * 4096}))


def test_other_key_is_refused() -> None:
    """A signature by another key under our kid does not verify."""
    with pytest.raises(InvalidToken):
        verify(forge(key=Ed25519PrivateKey.generate()))


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_one_changed_character_fails(position: int, character: str) -> None:
    """Any single change of a valid token is refused."""
    token = forge()
    index = position % len(token)
    changed = token[:index] + character + token[index + 1 :]
    if changed == token:
        return
    with pytest.raises(InvalidToken):
        verify(changed)


def test_every_refusal_reads_the_same() -> None:
    """The text of a refusal does not tell its reason."""
    details = set()
    for token in ("", forge(header={**HEADER, "kid": "x"}), forge(payload={})):
        with pytest.raises(InvalidToken) as caught:
            verify(token)
        details.add(caught.value.detail)
    assert len(details) == 1


def load(name: str) -> Any:
    """Return a vector file, or skip."""
    path = WYCHEPROOF / name
    if not path.is_file():
        pytest.skip("Wycheproof vectors are not here; set SEALGATE_SHARED to their folder")
    return json.loads(path.read_text())


def test_wycheproof_jws_accepts_nothing_foreign() -> None:
    """No vector for another algorithm or header is accepted, whatever key it came with."""
    seen = 0
    for group in load("json_web_signature_test.json")["testGroups"]:
        for test in group["tests"]:
            if test["tcId"] in DEFECTIVE:
                continue
            seen += 1
            token = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
            with pytest.raises(InvalidToken):
                verify(token)
    assert seen > 390


def test_wycheproof_ed25519() -> None:
    """The signature primitive accepts every valid and no invalid Ed25519 vector."""
    algorithm = OKPAlgorithm()
    for group in load("ed25519_test.json")["testGroups"]:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(group["publicKey"]["pk"]))
        for test in group["tests"]:
            signature, message = bytes.fromhex(test["sig"]), bytes.fromhex(test["msg"])
            accepted = algorithm.verify(message, key, signature)
            assert accepted is (test["result"] == "valid"), test["tcId"]
