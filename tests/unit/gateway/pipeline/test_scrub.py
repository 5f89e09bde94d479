"""Stage 6."""

from __future__ import annotations

from gateway.core.identity import Principal
from gateway.core.pii.actions import Actions, PartialMask
from gateway.core.pii.ner import SentenceModel, Span
from gateway.core.policy import Permission
from gateway.core.upstream_port import UpstreamRequest
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


async def test_every_answer_gets_a_scrubber_of_its_own():
    """Two answers never share the text that one of them holds back."""
    scrub, answer = Scrub(), forwarded()
    assert (await scrub(answer)).scrubber is not (await scrub(answer)).scrubber


async def test_the_answer_is_scrubbed_by_its_own_rules():
    """Prompts and actions are those of the call, and each replaced value is counted by type."""
    counted: list[str] = []
    actions = Actions({"PHONE": PartialMask()})
    answer = forwarded(prompts=("tel 138",), actions=actions)
    scrubbing = await Scrub(count=counted.append)(answer)
    assert scrubbing.scrubber.feed("00138000 a@b.cc, ") == "138****8000 [EMAIL], "
    assert counted == ["PHONE", "EMAIL"]


async def test_a_model_works_at_its_workplace():
    """The scrubber is made where it will work, and asks the model about what is left."""

    class Elsewhere:
        works = 0

        async def run(self, work):
            self.works += 1
            return work()

    class Names:
        def find(self, sentence):
            return [Span(0, 4, "NAME")]

    elsewhere = Elsewhere()
    scrub = Scrub(model=SentenceModel(Names(), 100), workplace=elsewhere)
    scrubbing = await scrub(forwarded())
    assert (elsewhere.works, scrubbing.workplace) == (1, elsewhere)
    assert scrubbing.scrubber.feed("Xyzq is 138") + scrubbing.scrubber.finish() == "[NAME] is 138"
