"""The order of the stages. Read this file first.

    1 admit          whose address is this, and may it talk to the gateway?
    2 decapsulate    open the sealed request
    3 authenticate   whose token is inside, and is it good now?
      refuse replay  was this very request taken before?
    4 authorize      may they make this call?
      meter          do they have quota left, and what does the answer cost?
      mask           may the model see the personal data in the request?
    5 forward        put it to vLLM
    6 scrub          take personal data out of the answer
    7 encapsulate    seal each piece for the client that asked
    8 record         time, status, address

Until a request is open, errors go out as they are; afterwards they travel inside the seal. Once the
first byte of a stream is out its status is spent: a failure then is one error event and a cut
connection, never a final chunk. No setting turns a stage off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.core.answers.whole_answer import WholeAnswerScrubber
from gateway.core.errors import AddressNotAllowed, InternalError, SealgateError
from gateway.core.shaping import CellShaper, Coalescer
from gateway.pipeline.admit import Admit
from gateway.pipeline.authenticate import Authenticate
from gateway.pipeline.authorize import Authorize
from gateway.pipeline.cut import Grounds, RunningAnswers
from gateway.pipeline.decapsulate import Decapsulate, ReadRequest
from gateway.pipeline.encapsulate import Encapsulate, Reply
from gateway.pipeline.exchange import (
    Admitted,
    Decapsulated,
    Downstream,
    Here,
    Presenter,
    Received,
    Scrubbing,
    WholeAnswer,
)
from gateway.pipeline.forward import Forward
from gateway.pipeline.mask import Mask
from gateway.pipeline.meter import Meter
from gateway.pipeline.record import Record
from gateway.pipeline.refuse_replay import RefuseReplay
from gateway.pipeline.scrub import Scrub
from gateway.pipeline.shape import shape

_LAST_WORD_SECONDS = 1.0
_OVER: Final = object()

CLIENT_CLOSED_REQUEST = 499
"""Recorded when the client left before the answer was complete (nginx's convention)."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages that hold something: an allowlist, a port, a clock."""

    admit: Admit
    decapsulate: Decapsulate
    read_request: ReadRequest
    authenticate: Authenticate
    refuse_replay: RefuseReplay
    authorize: Authorize
    meter: Meter
    mask: Mask
    forward: Forward
    running: RunningAnswers
    scrub: Scrub
    encapsulate: Encapsulate
    record: Record


class Chain:
    """Runs a request through every stage.

    *report_fault* gets each bug, *count_error* the code of each error that a client is shown.
    """

    def __init__(
        self,
        stages: Stages,
        presenter: Presenter,
        *,
        report_fault: Callable[[Exception], None],
        count_error: Callable[[str], None],
    ) -> None:
        self._stages = stages
        self._presenter = presenter
        self._report_fault = report_fault
        self._count_error = count_error

    async def serve(self, received: Received, downstream: Downstream) -> None:
        """Answer *received* over *downstream* and record it, whatever happens.

        Cancelled when the client leaves; vLLM's answer is then cut, which stops the generation.
        """
        status, address = CLIENT_CLOSED_REQUEST, received.peer
        try:
            located = self._stages.admit.locate(received)
            address = located.address
            admitted = self._stages.admit(located)
            with admitted.attempt:
                status = await self._answer(admitted, downstream)
        except AddressNotAllowed as refusal:  # if nobody says whose address, the peer is recorded
            status = await self._refuse(refusal, received, downstream)
        finally:
            self._stages.record(status, address)

    async def _answer(self, admitted: Admitted, downstream: Downstream) -> int:
        try:
            opened = await self._stages.decapsulate(admitted)
        except SealgateError as refusal:
            return await self._refuse(refusal, admitted.received, downstream)
        reply = self._stages.encapsulate(opened)
        path = admitted.received.path
        try:
            decapsulated = self._stages.read_request(opened)
            path = decapsulated.request.path.decode("ascii", "replace")
            await self._answer_opened(decapsulated, reply, downstream)
        except SealgateError as refusal:
            return await self._fail(refusal, reply, downstream, path=path)
        except Exception as fault:  # noqa: BLE001  # a bug must not show itself, and stays sealed
            self._report_fault(fault)
            return await self._fail(InternalError(), reply, downstream, path=path)
        return 200

    async def _answer_opened(
        self, decapsulated: Decapsulated, reply: Reply, downstream: Downstream
    ) -> None:
        authenticated = self._stages.authenticate(decapsulated)
        fresh = await self._stages.refuse_replay(authenticated)
        decapsulated.attempt.prove()  # not before: a recorded request proves nobody
        authorized = self._stages.authorize(fresh)
        grounds = Grounds.of(authorized, decapsulated)
        async with self._stages.running.guard(grounds), self._stages.meter(authorized) as metered:
            forwarded = await self._stages.forward(await self._stages.mask(metered))
            try:
                scrubbing = await self._stages.scrub(forwarded)
                if authorized.streamed:
                    await _stream(scrubbing, reply, downstream)
                else:
                    await _send_whole(scrubbing, reply, downstream)
            finally:
                await forwarded.answer.close()

    async def _refuse(
        self, refusal: SealgateError, received: Received, downstream: Downstream
    ) -> int:
        self._count_error(refusal.code)
        answer = self._presenter.outside(refusal, received.path)
        await _send_complete(answer, self._stages.encapsulate.clear(), downstream)
        return answer.status

    async def _fail(
        self, error: SealgateError, reply: Reply, downstream: Downstream, *, path: str
    ) -> int:
        self._count_error(error.code)
        answer = self._presenter.inside(error, path)
        if reply.takes_events:
            # A client that does not read must not hold what was cut.
            with suppress(TimeoutError, SealgateError):
                async with asyncio.timeout(_LAST_WORD_SECONDS):
                    await downstream.send(reply.feed(self._presenter.event(error, path)))
        elif not reply.started:
            await _send_complete(answer, reply, downstream)
        return answer.status


async def _stream(scrubbing: Scrubbing, reply: Reply, downstream: Downstream) -> None:
    answer = scrubbing.forwarded.answer
    head = reply.head(answer.status, answer.content_type)
    await downstream.start(head.status, head.headers)
    await downstream.send(head.data)
    shaper = scrubbing.forwarded.authorized.principal.client.shaping.new_shaper()
    if shaper is None:
        await _send_as_it_comes(scrubbing, reply, downstream)
    else:
        await _send_in_shape(scrubbing, reply, downstream, shaper=shaper)
    await downstream.send(reply.finish())
    await downstream.finish()


async def _send_as_it_comes(scrubbing: Scrubbing, reply: Reply, downstream: Downstream) -> None:
    # The one loop that runs for every token, hence with no generator and no call to spare.
    scrubber, workplace = scrubbing.scrubber, scrubbing.workplace
    is_here = isinstance(workplace, Here)
    async for data in scrubbing.forwarded.answer.chunks():
        if is_here:
            safe = scrubber.feed(data)
        else:
            safe = await workplace.run(partial(scrubber.feed, data))
        if safe:
            await downstream.send(reply.feed(safe))
    if safe := await workplace.run(scrubber.finish):
        await downstream.send(reply.feed(safe))


async def _send_in_shape(
    scrubbing: Scrubbing, reply: Reply, downstream: Downstream, *, shaper: Coalescer | CellShaper
) -> None:
    try:
        async with aclosing(shape(_scrubbed(scrubbing), shaper)) as portions:
            async for portion in portions:
                await downstream.send(reply.feed(portion))
    finally:
        # Inside an event nothing can be said any more: the client is left with the cut alone.
        reply.takes_events &= not shaper.is_mid_event


async def _scrubbed(scrubbing: Scrubbing) -> AsyncGenerator[bytes, None]:
    scrubber, workplace = scrubbing.scrubber, scrubbing.workplace
    async for data in scrubbing.forwarded.answer.chunks():
        if safe := await workplace.run(partial(scrubber.feed, data)):
            yield safe
    if safe := await workplace.run(scrubber.finish):
        yield safe


async def _send_whole(scrubbing: Scrubbing, reply: Reply, downstream: Downstream) -> None:
    answer, scrubber = scrubbing.forwarded.answer, scrubbing.scrubber
    parts = [scrubber.feed(data) async for data in answer.chunks()]
    parts += [part async for part in _finish(scrubbing)]
    whole = WholeAnswer(answer.status, answer.content_type, b"".join(parts))
    await _send_complete(whole, reply, downstream)


async def _finish(scrubbing: Scrubbing) -> AsyncGenerator[bytes, None]:
    scrubber, run = scrubbing.scrubber, scrubbing.workplace.run
    if not isinstance(scrubber, WholeAnswerScrubber):
        yield await run(scrubber.finish)
        return
    following = partial(next, scrubber.finish_slices(), _OVER)
    while (part := await run(following)) is not _OVER:
        if isinstance(part, bytes):
            yield part
        else:
            await asyncio.sleep(0)  # a long answer must not stop the streams of everybody else


async def _send_complete(answer: WholeAnswer, reply: Reply, downstream: Downstream) -> None:
    head = reply.whole(answer)
    await downstream.start(head.status, head.headers)
    await downstream.send(head.data)
    await downstream.finish()
