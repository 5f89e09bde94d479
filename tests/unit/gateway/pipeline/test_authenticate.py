"""Stage 3."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from itertools import count

import pytest

from gateway.core.dpop import DpopNonces
from gateway.core.effort import EffortRules
from gateway.core.errors import (
    AddressNotAllowed,
    EncryptionRequired,
    InvalidToken,
    ProofRequired,
    RateLimited,
)
from gateway.core.grants import TokenBinding
from gateway.core.identity import Confirmation
from gateway.core.jws import encode_base64url
from gateway.core.policy import Revocations
from gateway.core.token_verifier import TokenVerifier
from gateway.pipeline.authenticate import Authenticate
from gateway.pipeline.spend import Spending
from tests.fakes.dpop import DpopKey
from tests.fakes.world import (
    AUTHORITY,
    EXPECTED,
    NOW,
    FixedSnapshots,
    clock,
    decapsulated,
    inner_request,
    snapshot,
    token,
    with_client,
)

KEY = DpopKey()
NONCES = DpopNonces([b"n" * 32])
URI = f"https://{AUTHORITY.decode()}/v1/chat/completions"


def run(request=None, **world):
    nonces_required = world.pop("nonces_required", False)
    source = FixedSnapshots(snapshot(*world.pop("clients", ()), **world))
    nonces = world_nonces if nonces_required else None
    return Authenticate(source, TokenVerifier(EXPECTED), clock, nonces=nonces)(
        request or decapsulated()
    )


def world_nonces():
    return NONCES


def bound(*headers, certificate=None, confirmation=None, method=b"POST"):
    """Return a request with a token that is bound to KEY unless told otherwise."""
    bound_token = token(confirmation=confirmation or Confirmation(jkt=KEY.jkt))
    request = replace(
        inner_request(),
        method=method,
        headers=tuple((n, v.replace(b"TOKEN", bound_token.encode())) for n, v in headers),
    )
    return replace(decapsulated(request), client_certificate=certificate), bound_token


def proved(key=None, uri=URI, *, at=NOW, **more):
    """Return a request that carries its token as DPoP, and a proof of *key* for *uri*."""
    _, bound_token = bound()
    proof = (key or KEY).prove("POST", uri, bound_token, at=at, **more)
    return bound((b"authorization", b"DPoP TOKEN"), (b"dpop", proof.encode()))[0]


def with_headers(*headers):
    return decapsulated(replace(inner_request(), headers=headers))


def test_valid_token_names_its_client():
    """A good token gives the principal behind it."""
    assert run().principal.client.client_id == "c-app"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"authorization", b"Basic YTpi"),),
        ((b"authorization", b"Bearer"),),
        ((b"authorization", b"Bearer \xff\xfe"),),
        ((b"authorization", b"Bearer " + token().encode()),) * 2,
    ],
)
def test_anything_but_one_bearer_token_is_refused(headers):
    """No token, another scheme, rubbish, or two tokens: refused."""
    with pytest.raises(InvalidToken):
        run(with_headers(*headers))


@pytest.mark.parametrize(
    "revocations",
    [
        Revocations(jtis=frozenset({"token-1"})),
        Revocations(kids=frozenset({"sig-1"})),
        Revocations(clients={"c-app": NOW}),
    ],
)
def test_every_kind_of_revocation_counts(revocations):
    """A token revoked by itself, by its key or by its client is refused."""
    with pytest.raises(InvalidToken):
        run(revocations=revocations)


def test_clients_own_allowlist_counts():
    """A good token from an address that is not the client's is refused."""
    with pytest.raises(AddressNotAllowed):
        run(clients=[with_client(networks=(ip_network("192.0.2.0/24"),))])


def test_client_without_allowlist_may_call_from_nowhere():
    """Silence denies."""
    with pytest.raises(AddressNotAllowed):
        run(clients=[with_client(networks=())])


def test_clear_request_needs_permission():
    """A request that was not sealed passes only for a client that an operator marked."""
    clear = decapsulated(seal=None)
    with pytest.raises(EncryptionRequired):
        run(clear)
    assert run(clear, clients=[with_client(plaintext_allowed=True)]).principal


def test_a_proof_opens_what_is_bound_to_its_key():
    """A bound token with a proof for this very request gives the principal and the key."""
    authenticated = run(proved())
    assert authenticated.principal.confirmation.jkt == KEY.jkt
    assert authenticated.proven.jkt == KEY.jkt


def test_a_bearer_token_proves_nothing():
    """Nothing has to be claimed for a token that is not bound."""
    assert run().proven is None


@pytest.mark.parametrize(
    "request_",
    [
        bound((b"authorization", b"DPoP TOKEN"))[0],
        proved(DpopKey(2)),
        proved(uri=URI + "x"),
        proved(uri=URI.replace("gateway", "other")),
        proved(uri=URI.replace(":8443", "")),
        proved(htm="GET"),
        proved(ath=None),
        proved(at=NOW - timedelta(seconds=61)),
    ],
)
def test_a_proof_for_something_else_is_refused(request_):
    """No proof, or one by another key, for another URI, method, token or time."""
    with pytest.raises(ProofRequired):
        run(request_)


def test_a_bound_token_is_no_bearer_token():
    """A stolen token is of no use without the key."""
    with pytest.raises(InvalidToken):
        run(bound((b"authorization", b"Bearer TOKEN"))[0])
    with pytest.raises(InvalidToken):
        run(with_headers((b"authorization", b"DPoP " + token().encode())))


def test_nonces_are_required_where_configured():
    """A proof without a nonce is answered with one, and the next proof passes with it."""
    with pytest.raises(ProofRequired) as caught:
        run(proved(), nonces_required=True)
    assert run(proved(nonce=caught.value.nonce), nonces_required=True).proven


def test_a_certificate_opens_what_is_bound_to_it():
    """Such a token counts over a connection with the client certificate and over no other."""
    thumbprint = encode_base64url(hashlib.sha256(b"der").digest())
    field = (b"authorization", b"Bearer TOKEN")
    good, _ = bound(field, certificate=b"der", confirmation=Confirmation(x5t_s256=thumbprint))
    assert run(good).proven is None
    for certificate in (None, b"other"):
        with pytest.raises(InvalidToken):
            run(replace(good, client_certificate=certificate))


@pytest.mark.parametrize("binding", [TokenBinding.DPOP, TokenBinding.EITHER])
def test_a_client_may_have_to_prove_itself(binding):
    """Of a client that must bind its tokens a bearer token is refused, a bound one taken."""
    clients = [with_client(token_binding=binding)]
    with pytest.raises(InvalidToken):
        run(clients=clients)
    assert run(proved(), clients=clients).proven


def test_a_remembered_token_still_needs_its_proof():
    """That a token was good a moment ago does not spare the next request its own proof."""
    source = FixedSnapshots()
    stage = Authenticate(source, TokenVerifier(EXPECTED), clock, nonces=None)
    assert stage(proved()).proven
    with pytest.raises(ProofRequired):
        stage(bound((b"authorization", b"DPoP TOKEN"))[0])
    source.replace(snapshot(revocations=Revocations(jtis=frozenset({"token-1"}))))
    with pytest.raises(InvalidToken):
        stage(proved())


def test_strangers_who_used_up_the_work_are_not_verified_but_known_tokens_are():
    """A flood of bad tokens ends in 429 before the signature; a token known as good passes."""
    spending = Spending(EffortRules(), monotonic=lambda: 0.0, working=count(0.0, 0.2).__next__)
    stage = Authenticate(FixedSnapshots(snapshot()), TokenVerifier(EXPECTED), clock, nonces=None)

    def attempted(bearer):
        request = decapsulated(inner_request(bearer=bearer))
        return replace(request, attempt=spending.attempt(request.address))

    proven = attempted(token())
    stage(proven)
    proven.attempt.prove()
    failing = attempted(token(client_id="c-gone"))
    with pytest.raises(InvalidToken), failing.attempt:
        stage(failing)
    with pytest.raises(RateLimited):
        stage(attempted(token(client_id="c-other")))
    assert stage(attempted(token())).principal.client.client_id == "c-app"


def test_proofs_with_a_stolen_token_are_work_for_strangers():
    """A token that is known spares its own signature, not that of the proofs that come with it."""
    spending = Spending(EffortRules(), monotonic=lambda: 0.0, working=count(0.0, 0.2).__next__)
    stage = Authenticate(FixedSnapshots(), TokenVerifier(EXPECTED), clock, nonces=None)

    def attempted(request):
        return replace(request, attempt=spending.attempt(request.address))

    assert stage(attempted(proved())).proven
    failing = attempted(bound((b"authorization", b"DPoP TOKEN"))[0])
    with pytest.raises(ProofRequired), failing.attempt:
        stage(failing)
    with pytest.raises(RateLimited):
        stage(attempted(proved()))
