"""Stage 6."""

from __future__ import annotations

from gateway.core.identity import Principal
from gateway.core.pii.actions import Actions, PartialMask
from gateway.core.policy import Permission
from gateway.core.ports import UpstreamRequest
from gateway.pipeline.exchange import Authorized, Forwarded
from gateway.pipeline.scrub import Scrub
from tests.fakes.world import APPLICATION, NOW, FakeAnswer


def forwarded(**more) -> Forwarded:
    """Return an answer whose scrubber is that of a text."""
    authorized = Authorized(
        Principal(APPLICATION, "token-1", "sig-1", NOW, NOW),
        Permission.CALL_MODEL,
        None,
        UpstreamRequest("POST", "/v1/completions"),
        new_scrubber=lambda scrubbers: scrubbers.new("text"),
        streamed=False,
        **more,
    )
    return Forwarded(authorized, FakeAnswer([]))


def test_every_answer_gets_a_scrubber_of_its_own():
    """Two answers never share the text that one of them holds back."""
    scrub, answer = Scrub(), forwarded()
    assert scrub(answer).scrubber is not scrub(answer).scrubber


def test_the_answer_is_scrubbed_by_its_own_rules():
    """Prompts and actions are those of the call, and each replaced value is counted by type."""
    counted: list[str] = []
    actions = Actions({"PHONE": PartialMask()})
    scrubbing = Scrub(count=counted.append)(forwarded(prompts=("tel 138",), actions=actions))
    assert scrubbing.scrubber.feed("00138000 a@b.cc, ") == "138****8000 [EMAIL], "
    assert counted == ["PHONE", "EMAIL"]
