"""Stage 5."""

from __future__ import annotations

import pytest

from gateway.core.errors import Overloaded, RateLimited, UpstreamRefused, UpstreamUnavailable
from gateway.core.identity import Principal
from gateway.core.policy import Permission
from gateway.core.upstream_port import UpstreamRequest
from gateway.pipeline.exchange import Authorized, Masked
from gateway.pipeline.forward import Forward
from tests.fakes.world import APPLICATION, NOW, FakeAnswer, FakeUpstream


def authorized(*, streamed=False):
    principal = Principal(APPLICATION, "token-1", "sig-1", NOW, NOW)
    request = UpstreamRequest("POST", "/v1/chat/completions", b"{}")
    return Authorized(
        principal, Permission.CALL_MODEL, "tiny", request,
        new_scrubber=lambda: None, streamed=streamed,
    )  # fmt: skip


async def test_answer_of_the_expected_type_is_handed_on():
    """A 200 of the type that was asked for goes to the scrubber."""
    answer = FakeAnswer([])
    forwarded = await Forward(FakeUpstream(answer))(Masked(authorized(), None))
    assert forwarded.answer is answer
    assert not answer.closed


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, UpstreamRefused),
        (422, UpstreamRefused),
        (401, UpstreamUnavailable),
        (404, UpstreamUnavailable),
        (500, UpstreamUnavailable),
        (302, UpstreamUnavailable),
    ],
)
async def test_error_of_vllm_is_replaced(status, error):
    """An error answer is let go unread; only its kind goes on."""
    answer = FakeAnswer([b"prompt echoed"], status=status)
    with pytest.raises(error) as caught:
        await Forward(FakeUpstream(answer))(Masked(authorized(), None))
    assert answer.closed
    assert "echoed" not in caught.value.detail


@pytest.mark.parametrize(
    ("streamed", "content_type"), [(True, "application/json"), (False, "text/event-stream")]
)
async def test_answer_of_another_type_is_refused(streamed, content_type):
    """An answer that the chosen scrubber does not understand is never handed on."""
    answer = FakeAnswer([], content_type=content_type)
    with pytest.raises(UpstreamUnavailable):
        await Forward(FakeUpstream(answer))(Masked(authorized(streamed=streamed), None))
    assert answer.closed


@pytest.mark.parametrize(
    ("error", "count"), [(Overloaded(), 1), (RateLimited(), 1), (UpstreamUnavailable(), 0)]
)
async def test_calls_without_a_place_are_counted(error, count):
    """An operator sees how many calls were refused for want of a place, and no others."""
    refusals = []
    forward = Forward(FakeUpstream(error), count_refusal=lambda: refusals.append(1))
    with pytest.raises(type(error)):
        await forward(Masked(authorized(), None))
    assert len(refusals) == count
