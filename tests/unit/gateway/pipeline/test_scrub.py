"""Stage 6."""

from __future__ import annotations

from gateway.core.identity import Principal
from gateway.core.policy import Permission
from gateway.core.ports import UpstreamRequest
from gateway.pipeline.exchange import Authorized, Forwarded
from gateway.pipeline.scrub import scrub
from tests.fakes.world import APPLICATION, NOW, FakeAnswer


def test_every_answer_gets_a_scrubber_of_its_own():
    """Two answers never share the text that one of them holds back."""
    principal = Principal(APPLICATION, "token-1", "sig-1", NOW, NOW)
    request = UpstreamRequest("GET", "/v1/models")
    authorized = Authorized(
        principal, Permission.LIST_MODELS, None, request, new_scrubber=object, streamed=False
    )
    forwarded = Forwarded(authorized, FakeAnswer([]))
    assert scrub(forwarded).scrubber is not scrub(forwarded).scrubber
