"""Keep vLLM running: wait until it serves, watch it, restart it with growing pauses, stop it.

Promises that a vLLM which crashed or no longer answers is replaced, that a broken configuration
ends in an error instead of an endless loop, and that a stop is obeyed in every phase.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from serving.errors import LaunchFailed

Report = Callable[[str, Mapping[str, object]], None]
"""Takes the name of an event and what there is to say of it."""


class RunningProcess(Protocol):
    """What the supervisor needs of a started vLLM."""

    def is_running(self) -> bool:
        """Return whether it is still there."""

    def output_tail(self) -> str:
        """Return the end of its output."""

    def forget_output(self) -> None:
        """Throw its output away."""

    def stop(self, *, grace_seconds: float) -> None:
        """End it and all it started."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often to try."""

    startup_seconds: float = 600.0
    health_interval_seconds: float = 2.0
    health_failures: int = 3
    stop_seconds: float = 30.0
    first_delay_seconds: float = 1.0
    max_delay_seconds: float = 60.0
    stable_seconds: float = 60.0
    give_up_after: int = 5
    poll_seconds: float = 0.2


def restart_delay_seconds(failures: int, *, patience: Patience) -> float:
    """Return the pause after the given number of *failures* in a row: doubled each time, capped."""
    return min(
        patience.max_delay_seconds, patience.first_delay_seconds * 2.0 ** min(failures - 1, 32)
    )


class Supervisor:
    """Run one vLLM after another until *stop* is set."""

    def __init__(
        self,
        *,
        start: Callable[[], RunningProcess],
        is_healthy: Callable[[], bool],
        patience: Patience,
        report: Report,
    ) -> None:
        self._start = start
        self._is_healthy = is_healthy
        self._patience = patience
        self._report = report

    def run(self, stop: threading.Event) -> None:
        """Return once *stop* is set and vLLM has ended.

        Raises :class:`LaunchFailed` when vLLM failed so often in a row that trying on is
        pointless. A failure counts as one of a row unless vLLM had served for a while before it.
        """
        failures = 0
        while not stop.is_set():
            reason, served_seconds = self._run_once(stop)
            if stop.is_set():
                break
            failures = 1 if served_seconds >= self._patience.stable_seconds else failures + 1
            if failures >= self._patience.give_up_after:
                raise LaunchFailed(
                    f"vLLM failed {failures} times in a row; the last time: {reason}"
                )
            delay = restart_delay_seconds(failures, patience=self._patience)
            self._report("restarting", {"reason": reason, "delay_seconds": delay})
            stop.wait(delay)

    def _run_once(self, stop: threading.Event) -> tuple[str, float]:
        """Run vLLM until it fails or is to stop; return why and for how long it served."""
        started = time.monotonic()
        process = self._start()
        ready_at = None
        try:
            reason = self._wait_until_ready(process, stop)
            if not reason and not stop.is_set():
                ready_at = time.monotonic()
                process.forget_output()
                self._report("ready", {"startup_seconds": round(ready_at - started, 1)})
                reason = self._watch(process, stop)
            elif reason:
                self._report("output", {"text": process.output_tail()})
        finally:
            process.stop(grace_seconds=self._patience.stop_seconds)
        return reason, 0.0 if ready_at is None else time.monotonic() - ready_at

    def _wait_until_ready(self, process: RunningProcess, stop: threading.Event) -> str:
        """Return the empty string once vLLM serves or *stop* is set, else what went wrong."""
        deadline = time.monotonic() + self._patience.startup_seconds
        while not stop.wait(self._patience.poll_seconds):
            if not process.is_running():
                return "it ended while starting"
            if self._is_healthy():
                return ""
            if time.monotonic() >= deadline:
                return "it was not ready in time"
        return ""

    def _watch(self, process: RunningProcess, stop: threading.Event) -> str:
        """Return why vLLM has to be replaced, or the empty string once *stop* is set."""
        missed, next_check = 0, time.monotonic() + self._patience.health_interval_seconds
        while not stop.wait(self._patience.poll_seconds):
            if not process.is_running():
                return "it ended"
            if time.monotonic() < next_check:
                continue
            process.forget_output()
            missed = 0 if self._is_healthy() else missed + 1
            if missed >= self._patience.health_failures:
                return "it no longer answers"
            next_check = time.monotonic() + self._patience.health_interval_seconds
        return ""
