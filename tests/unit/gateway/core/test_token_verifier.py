"""The memory of good tokens: it saves work and changes no answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import InvalidToken, RateLimited
from gateway.core.external_tokens import ExternalIssuer, IssuerKeys
from gateway.core.grants import TokenBinding
from gateway.core.identity import Client, Principal, Role
from gateway.core.jwk import SigningAlgorithm, VerificationKey
from gateway.core.jws import sign_compact_jws
from gateway.core.policy import Revocations, Snapshot
from gateway.core.token_verifier import TokenVerifier
from gateway.core.tokens import AccessClaims, Expectations, sign_access_token

NOW = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
CLIENT = Client(client_id="c-1", role=Role.APPLICATION)
CLAIMS = AccessClaims("https://i", "a", "c-1", "j-1", NOW, NOW + timedelta(hours=1))
TOKEN = sign_access_token(CLAIMS, KEY, "k-1")
SNAPSHOT = Snapshot(
    revision=1,
    clients={"c-1": CLIENT},
    models={},
    verification_keys={"k-1": VerificationKey("k-1", SigningAlgorithm.EDDSA, KEY.public_key())},
    recipient_keys={},
    key_configurations=b"",
    revocations=Revocations(),
)
ISSUER = ExternalIssuer(
    issuer="https://idp.example",
    audience="sealgate",
    algorithms=frozenset({SigningAlgorithm.EDDSA}),
    role_claim="role",
    clients={"their-app": "c-1"},
    roles={"app": Role.APPLICATION},
)
ISSUER_KEYS = IssuerKeys(
    ISSUER, {"e-1": VerificationKey("e-1", SigningAlgorithm.EDDSA, OTHER.public_key())}
)
EXTERNAL = (
    b'{"iss":"https://idp.example","aud":"sealgate","sub":"s","client_id":"their-app",'
    b'"role":"app","iat":%d,"exp":%d}' % (SECONDS, SECONDS + 600)
)


class FixedKeys:
    """A source of issuers that a test may change."""

    def __init__(self, *known: IssuerKeys) -> None:
        self.known: Sequence[IssuerKeys] = known
        self.noted = 0

    def current(self) -> Sequence[IssuerKeys]:
        """Return what the test wants."""
        return self.known

    def note_unknown_key(self) -> None:
        """Count."""
        self.noted += 1


def external(kid: str = "e-1", key: Ed25519PrivateKey = OTHER) -> str:
    """Return a token of the other issuer."""
    return sign_compact_jws(EXTERNAL, key, header={"typ": "at+jwt", "kid": kid})


def make(**rules: object) -> TokenVerifier:
    """Return a verifier for the world of this file."""
    return TokenVerifier(Expectations("https://i", "a"), **rules)  # type: ignore[arg-type]


def verify(
    verifier: TokenVerifier, token: str = TOKEN, snapshot: Snapshot = SNAPSHOT, now: datetime = NOW
) -> Principal:
    """Verify *token*."""
    return verifier.verify(token, snapshot=snapshot, now=now)


def test_a_good_token_is_remembered():
    """The second time gives the same principal, and one entry is all that is kept."""
    verifier = make()
    assert verify(verifier) == verify(verifier)
    assert len(verifier) == 1


@pytest.mark.parametrize(
    "snapshot",
    [
        replace(SNAPSHOT, clients={}),
        replace(SNAPSHOT, clients={"c-1": replace(CLIENT, disabled=True)}),
        replace(SNAPSHOT, clients={"c-1": replace(CLIENT, token_binding=TokenBinding.DPOP)}),
        replace(SNAPSHOT, verification_keys={}),
        replace(
            SNAPSHOT,
            verification_keys={
                "k-1": VerificationKey("k-1", SigningAlgorithm.EDDSA, OTHER.public_key())
            },
        ),
        replace(SNAPSHOT, cut_key_ids=frozenset({"k-1"})),
        replace(SNAPSHOT, revocations=Revocations(jtis=frozenset({"j-1"}))),
        replace(SNAPSHOT, revocations=Revocations(kids=frozenset({"k-1"}))),
        replace(SNAPSHOT, revocations=Revocations(clients={"c-1": NOW})),
        replace(SNAPSHOT, revocations=Revocations(credentials={"": NOW})),
        replace(SNAPSHOT, revocations=Revocations(roles={"application": NOW})),
        replace(SNAPSHOT, revocations=Revocations(everything=NOW)),
    ],
)
def test_what_is_withdrawn_is_refused_at_once(snapshot: Snapshot):
    """A token that is remembered as good is refused as soon as anything that it rests on ends."""
    verifier = make()
    verify(verifier)
    with pytest.raises(InvalidToken):
        verify(verifier, snapshot=snapshot)
    assert verify(verifier)  # and it is good again with what was


@pytest.mark.parametrize(
    ("seconds", "good"), [(3629, True), (3630, False), (-30, True), (-31, False)]
)
def test_time_counts_on_every_call(seconds: int, good: bool):
    """A remembered token expires like any other, and is forgotten then."""
    verifier = make()
    verify(verifier)
    now = NOW + timedelta(seconds=seconds)
    if good:
        verify(verifier, now=now)
    else:
        with pytest.raises(InvalidToken):
            verify(verifier, now=now)
    assert len(verifier) == (0 if seconds == 3630 else 1)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_token_that_begins_alike_is_another_token(position: int, character: str):
    """After a good token, one that differs in any single character is still refused."""
    verifier = make()
    verify(verifier)
    index = position % len(TOKEN)
    changed = TOKEN[:index] + character + TOKEN[index + 1 :]
    if changed != TOKEN:
        with pytest.raises(InvalidToken):
            verify(verifier, changed)
    with pytest.raises(InvalidToken):
        verify(verifier, TOKEN + character)
    assert len(verifier) == 1


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 4097, "\ud800"])
def test_refusals_are_not_kept(token: str):
    """What is refused takes no place."""
    verifier = make()
    with pytest.raises(InvalidToken):
        verify(verifier, token)
    assert len(verifier) == 0


def test_the_memory_is_bounded():
    """The tokens that were used last are kept, the others verified again."""
    verifier = make(max_entries=3)
    tokens = [sign_access_token(replace(CLAIMS, jti=f"j-{n}"), KEY, "k-1") for n in range(5)]
    for token in tokens:
        verify(verifier, token)
        verify(verifier, tokens[0])
    assert len(verifier) == 3
    for token in tokens:
        assert verify(verifier, token)


def test_a_memory_of_nothing_is_possible():
    """Without any place every token is verified anew."""
    verifier = make(max_entries=0)
    assert verify(verifier) == verify(verifier)
    assert len(verifier) == 0


def test_expired_entries_leave_when_others_come():
    """What has expired gives its place back although the memory is not full."""
    verifier = make()
    verify(verifier)
    later = NOW + timedelta(hours=2)
    claims = replace(CLAIMS, issued_at=later, expires_at=later + timedelta(minutes=1))
    verify(verifier, sign_access_token(claims, KEY, "k-1"), now=later)
    assert len(verifier) == 1


def test_tokens_of_other_issuers_are_taken_and_remembered():
    """A token of a configured issuer names the client of ours that the table gives."""
    verifier = make(issuers=FixedKeys(ISSUER_KEYS))
    principal = verify(verifier, external())
    assert principal.client is CLIENT
    assert principal.kid == "https://idp.example#e-1"
    assert verify(verifier, external()) == principal
    assert len(verifier) == 1
    assert verify(verifier)


def test_without_issuers_only_our_tokens_count():
    """A gateway that was told of no other issuer takes nobody else's tokens."""
    with pytest.raises(InvalidToken):
        verify(make(), external())


def test_a_key_that_is_gone_ends_remembered_tokens():
    """A key that its issuer no longer publishes, or that changed, verifies nothing any more."""
    keys = FixedKeys(ISSUER_KEYS)
    verifier = make(issuers=keys)
    verify(verifier, external())
    changed = {"e-1": VerificationKey("e-1", SigningAlgorithm.EDDSA, KEY.public_key())}
    for known in ((), (IssuerKeys(ISSUER, {}),), (IssuerKeys(ISSUER, changed),)):
        keys.known = known
        with pytest.raises(InvalidToken):
            verify(verifier, external())


def test_the_role_of_the_client_must_be_the_one_that_is_named():
    """A client that has another role now refuses the token, remembered or not."""
    verifier = make(issuers=FixedKeys(ISSUER_KEYS))
    verify(verifier, external())
    other_role = replace(SNAPSHOT, clients={"c-1": replace(CLIENT, role=Role.OPERATOR)})
    with pytest.raises(InvalidToken):
        verify(verifier, external(), other_role)


def test_revocation_by_the_key_of_another_issuer():
    """A key of an issuer can be withdrawn here without asking it."""
    verifier = make(issuers=FixedKeys(ISSUER_KEYS))
    verify(verifier, external())
    revocations = Revocations(kids=frozenset({"https://idp.example#e-1"}))
    with pytest.raises(InvalidToken):
        verify(verifier, external(), replace(SNAPSHOT, revocations=revocations))


def test_an_unknown_key_is_noted_and_refused():
    """The source hears of a key that may be new; a bad signature by a known one is no news."""
    keys = FixedKeys(ISSUER_KEYS)
    verifier = make(issuers=keys)
    for token in (external(key=KEY), "rubbish", sign_access_token(CLAIMS, OTHER, "e-1")):
        with pytest.raises(InvalidToken):
            verify(verifier, token)
    assert keys.noted == 0
    with pytest.raises(InvalidToken):
        verify(verifier, external(kid="e-2"))
    assert keys.noted == 1


def test_a_refused_token_is_not_verified_again():
    """The second time costs no work; when policy or keys change it is looked at anew."""
    verifier, worked = make(), []

    def attempt(snapshot: Snapshot = SNAPSHOT, now: datetime = NOW) -> None:
        with pytest.raises(InvalidToken):
            verifier.verify(bad, snapshot=snapshot, now=now, before_work=lambda: worked.append(now))

    bad = sign_access_token(CLAIMS, OTHER, "k-1")
    attempt()
    attempt()
    assert len(worked) == 1
    attempt(replace(SNAPSHOT, revision=2))
    attempt(replace(SNAPSHOT, revision=2), NOW + timedelta(seconds=6))
    assert len(worked) == 3


def test_a_token_that_becomes_good_is_taken():
    """A refusal before its key was published, or before its time, does not last."""
    verifier = make()
    with pytest.raises(InvalidToken):
        verify(verifier, snapshot=replace(SNAPSHOT, verification_keys={}))
    assert verify(verifier)
    verifier = make()
    with pytest.raises(InvalidToken):
        verify(verifier, now=NOW - timedelta(seconds=33))
    assert verify(verifier, now=NOW - timedelta(seconds=28))


def test_work_that_is_refused_is_not_a_refused_token():
    """Without work for strangers a known token passes, and one that had to wait is good later."""

    def refuse() -> None:
        raise RateLimited

    verifier = make()
    with pytest.raises(RateLimited):
        verifier.verify(TOKEN, snapshot=SNAPSHOT, now=NOW, before_work=refuse)
    assert verify(verifier)
    assert verifier.verify(TOKEN, snapshot=SNAPSHOT, now=NOW, before_work=refuse)
