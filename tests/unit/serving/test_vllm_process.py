"""A started vLLM as one process group."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from serving import vllm_process
from serving.errors import LaunchFailed
from serving.vllm_process import VllmProcess

ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}  # noqa: TID251


def _shell(script: str, **options) -> VllmProcess:
    return VllmProcess(["/bin/sh", "-c", script], environment=ENVIRONMENT, **options)


def _wait(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_output_is_kept_in_memory_until_it_is_forgotten():
    """The end of the output can be read, and after forgetting only what came later."""
    process = _shell("echo before >&2; read x < /proc/self/fd/0; sleep 0.5; echo after; sleep 60")
    _wait(lambda: "before" in process.output_tail())
    process.forget_output()
    assert process.output_tail() == ""
    _wait(lambda: process.output_tail() == "after\n")
    process.stop(grace_seconds=5)


def test_only_the_end_of_the_output_is_given():
    """A talkative vLLM does not fill the operator's terminal."""
    process = _shell("head -c 100000 /dev/zero | tr '\\0' x; echo end")
    _wait(lambda: not process.is_running())
    assert len(process.output_tail()) == 4096
    assert process.output_tail().endswith("end\n")
    process.stop(grace_seconds=1)


def test_a_polite_stop_lets_it_finish(tmp_path):
    """SIGTERM comes first, and there is time to obey it."""
    process = _shell(
        f"trap 'echo bye > {tmp_path}/bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    )
    _wait(lambda: "up" in process.output_tail())
    process.stop(grace_seconds=10)
    assert (tmp_path / "bye").exists()


def test_a_deaf_process_is_ended_by_force():
    """What ignores SIGTERM is gone after the grace period, with everything it started."""
    process = _shell("trap '' TERM; sleep 60 & echo $!; wait; wait; sleep 60")
    _wait(lambda: process.output_tail().strip().isdigit())
    child = int(process.output_tail())
    process.stop(grace_seconds=0.2)
    _wait(lambda: not _alive(child))
    assert not process.is_running()


def test_orphans_of_a_crash_are_ended(monkeypatch):
    """Engine processes that outlive a crashed API server do not stay."""
    monkeypatch.setattr(vllm_process, "_ORPHAN_SECONDS", 0.2)
    process = _shell("trap '' TERM; sleep 60 & echo $!; exit 3")
    _wait(lambda: not process.is_running())
    child = int(process.output_tail())
    assert _alive(child)
    process.stop(grace_seconds=1)
    _wait(lambda: not _alive(child))


def test_it_runs_on_the_given_cores_and_we_keep_ours():
    """Only vLLM is bound; the launcher stays free."""
    before = os.sched_getaffinity(0)
    core = min(before)
    process = _shell("grep Cpus_allowed_list /proc/self/status; sleep 60", cores={core})
    _wait(lambda: process.output_tail().endswith("\n"))
    assert process.output_tail().split()[-1] == str(core)
    assert os.sched_getaffinity(0) == before
    process.stop(grace_seconds=1)


def test_it_gets_the_given_environment_and_no_input():
    """Nothing else of our environment reaches it, and it cannot read our terminal."""
    process = VllmProcess(["/usr/bin/env"], environment={"ONLY": "this"})
    _wait(lambda: not process.is_running())
    assert process.output_tail() == "ONLY=this\n"
    process.stop(grace_seconds=1)


def test_a_command_that_cannot_run_is_an_error(tmp_path):
    """A missing or forbidden executable is reported by name."""
    with pytest.raises(LaunchFailed, match="nowhere"):
        VllmProcess([str(tmp_path / "nowhere")], environment={})
