"""Plays one script to one client, streamed or whole."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from time import perf_counter

from loadtests.http_server import Connection
from loadtests.script import Cut, Delta, Fault, Hang, Pause, Raw, Refusal, Script, Step, Until
from loadtests.wire import DONE, Ask, Writer, error_body, fault_event, last_events, whole_body

_FLUSH_SECONDS = 0.02
"""How long written bytes get to leave before the connection is broken on purpose."""


def refuse(connection: Connection, refusal: Refusal) -> None:
    """Send *refusal* in vLLM's shape."""
    body = error_body(refusal)
    connection.send_whole(refusal.status, body)


def next_step(pace_seconds: float) -> float:
    """Return when the next step begins that all streams of this pace take together.

    vLLM's engine makes one token for every running stream at a time, so they arrive in a burst. On
    the clock of ``perf_counter``.
    """
    return ceil(perf_counter() / pace_seconds) * pace_seconds


async def send_paced(
    connection: Connection, events: Iterable[bytes], *, first: float, pace_seconds: float
) -> None:
    """Send one event per step from *first* on: being late once does not slow the rest."""
    for step, data in enumerate(events):
        await asyncio.sleep(max(0.0, first + step * pace_seconds - perf_counter()))
        await connection.send_chunk(data)


@dataclass(frozen=True, slots=True)
class Playback:
    """One script on its way to one client."""

    connection: Connection
    script: Script
    ask: Ask
    writer: Writer

    async def stream(self) -> None:
        """Play the steps as a stream of events."""
        steps = self.script.steps
        last = last_events(steps)
        if not self.script.hold_head:
            self._start()
            for index in sorted(last):
                await self._send(self.writer.role(index))
        for position, step in enumerate(steps):
            ends = isinstance(step, Delta) and last[step.index] == position
            if not await self._play(step, ends_choice=ends):
                return
        self._start()
        await self._finish(sorted(last))

    async def whole(self) -> None:
        """Play the steps as one body; a fault becomes vLLM's answer with status 500."""
        for step in self.script.steps:
            if isinstance(step, Fault):
                refuse(self.connection, Refusal(500, step.message, "InternalServerError"))
                return
            if not isinstance(step, Delta | Raw) and not await self._wait_or_cut(step):
                return
        body = whole_body(self.script, self.ask, self.writer)
        self.connection.send_whole(200, body, self.script.headers)

    def _start(self) -> None:
        self.connection.start_stream(self.script.headers)

    async def _send(self, data: bytes) -> None:
        if data:
            self._start()
            await self.connection.send_chunk(data)

    async def _finish(self, indexes: list[int]) -> None:
        script = self.script
        for index in indexes if script.finish == "apart" else ():
            empty = Delta({}, index=index)
            await self._send(self.writer.delta(empty, finish_reason=script.finish_reason))
        if indexes:
            if self.ask.with_usage or script.usage_in_stream:
                count = sum(isinstance(step, Delta) for step in script.steps)
                await self._send(self.writer.usage(count))
            await self._send(DONE)
        self.connection.end_stream()

    async def _play(self, step: Step, *, ends_choice: bool) -> bool:
        """Play one step of a stream; False when the response is over."""
        match step:
            case Delta():
                # An answer that never ends has no last event.
                whole = not any(isinstance(s, Hang | Cut | Fault) for s in self.script.steps)
                with_text = ends_choice and whole and self.script.finish == "with_text"
                reason = self.script.finish_reason if with_text else None
                await self._send(self.writer.delta(step, finish_reason=reason))
            case Raw():
                await self._send(step.data)
            case Fault():
                await self._send(fault_event(step))
                await self._send(DONE)
                self.connection.end_stream()
                self.connection.close()
                return False
            case _:
                return await self._wait_or_cut(step)
        return True

    async def _wait_or_cut(self, step: Step) -> bool:
        match step:
            case Pause():
                await asyncio.sleep(step.seconds)
            case Until():
                if not await asyncio.to_thread(step.event.wait, step.seconds):
                    return await self._wait_or_cut(Cut())
            case Hang():
                await asyncio.Event().wait()
            case Cut():
                await asyncio.sleep(_FLUSH_SECONDS)
                self.connection.cut()
                return False
        return True
