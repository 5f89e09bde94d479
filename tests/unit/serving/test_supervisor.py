"""Waiting, watching, restarting and stopping."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from serving.errors import LaunchFailed
from serving.supervisor import Patience, Supervisor, restart_delay_seconds

QUICK = Patience(
    startup_seconds=5.0,
    health_interval_seconds=0.01,
    health_failures=2,
    first_delay_seconds=0.01,
    max_delay_seconds=0.04,
    give_up_after=3,
    poll_seconds=0.005,
)


class _Process:
    """A vLLM that lives for a number of questions."""

    def __init__(self, *, lives: float = float("inf")):
        self.lives = lives
        self.stopped = False
        self.forgotten = 0

    def is_running(self):
        self.lives -= 1
        return self.lives >= 0

    def output_tail(self):
        return "why it failed"

    def forget_output(self):
        self.forgotten += 1

    def stop(self, *, grace_seconds):
        self.stopped = True


class _World:
    """Records what the supervisor does, and stops it after a number of events."""

    def __init__(
        self, processes, *, healthy=lambda: True, stop_at="ready", after=1, patience=QUICK
    ):
        self.processes = processes
        self.started = []
        self.events = []
        self.stop = threading.Event()
        self._stop_at, self._after = stop_at, after
        self.supervisor = Supervisor(
            start=self._start, is_healthy=healthy, patience=patience, report=self._report
        )

    def run(self):
        self.supervisor.run(self.stop)
        return [name for name, _ in self.events]

    def _start(self):
        process = self.processes[len(self.started)]
        self.started.append(process)
        return process

    def _report(self, name, facts):
        self.events.append((name, dict(facts)))
        if [event for event, _ in self.events].count(self._stop_at) >= self._after:
            self.stop.set()


def test_it_reports_readiness_and_stops_when_told():
    """Once healthy it says so; a stop ends the process and the loop."""
    world = _World([_Process()])
    assert world.run() == ["ready"]
    assert world.started[0].stopped
    assert world.started[0].forgotten


def test_a_crash_leads_to_a_restart():
    """A vLLM that ends while serving is replaced by a new one."""
    world = _World([_Process(lives=3), _Process()], after=2)
    assert world.run() == ["ready", "restarting", "ready"]
    assert world.events[1][1]["reason"] == "it ended"
    assert all(process.stopped for process in world.started)


def test_a_silent_vllm_is_replaced():
    """A vLLM that runs but no longer answers several times in a row is replaced."""
    answers = iter([True, False, True, False, False, True])
    world = _World([_Process(), _Process()], healthy=lambda: next(answers, True), after=2)
    assert world.run() == ["ready", "restarting", "ready"]
    assert world.events[1][1]["reason"] == "it no longer answers"


def test_a_failed_start_shows_its_output():
    """The output of a vLLM that never served holds no prompt, so the operator sees it."""
    world = _World([_Process(lives=0), _Process()])
    assert world.run() == ["output", "restarting", "ready"]
    assert world.events[0][1]["text"] == "why it failed"


def test_it_gives_up_on_a_broken_configuration():
    """Failing over and over ends in an error instead of an endless loop."""
    world = _World([_Process(lives=0) for _ in range(3)])
    with pytest.raises(LaunchFailed, match="3 times in a row"):
        world.run()
    assert len(world.started) == 3


def test_a_start_that_takes_too_long_counts_as_failed():
    """A vLLM that never becomes healthy is stopped after the time allowed."""
    patience = replace(QUICK, startup_seconds=0.1, give_up_after=1)
    world = _World([_Process()], healthy=lambda: False, patience=patience)
    with pytest.raises(LaunchFailed, match="not ready in time"):
        world.run()
    assert world.started[0].stopped


def test_serving_for_a_while_forgives_earlier_failures():
    """Crashes far apart do not add up to giving up."""
    patience = replace(QUICK, stable_seconds=0.0, give_up_after=2)
    world = _World([_Process(lives=3) for _ in range(5)], after=5, patience=patience)
    assert world.run().count("ready") == 5


def test_a_stop_during_the_start_is_obeyed():
    """Whoever stops while vLLM loads does not wait for it to finish."""
    world = _World([_Process()], healthy=lambda: False)
    threading.Timer(0.1, world.stop.set).start()
    assert world.run() == []
    assert world.started[0].stopped


def test_a_stop_during_the_pause_is_obeyed():
    """Whoever stops between two starts does not wait for the pause to pass."""
    patience = Patience(first_delay_seconds=60.0)
    world = _World([_Process(lives=0)], stop_at="restarting", patience=patience)
    assert world.run() == ["output", "restarting"]


def test_a_start_that_raises_is_passed_on():
    """A foreign listener on the socket is for the operator, not for a restart."""

    def start():
        raise LaunchFailed("somebody listens")

    supervisor = Supervisor(
        start=start, is_healthy=lambda: True, patience=QUICK, report=lambda name, facts: None
    )
    with pytest.raises(LaunchFailed, match="somebody"):
        supervisor.run(threading.Event())


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (7, 60), (10_000, 60)])
def test_pauses_grow_and_are_capped(failures, seconds):
    """Each failure in a row doubles the pause, up to a minute."""
    assert restart_delay_seconds(failures, patience=Patience()) == seconds
