"""What the process gives up, and what vLLM may see of the environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.hardening import scrub_environment

REPORT = """
import ctypes, os, resource
from serving.hardening import harden_process
harden_process()
os.mkdir(os.path.join(os.environ["WHERE"], "made"))
print(
    oct(os.stat(os.path.join(os.environ["WHERE"], "made")).st_mode & 0o777),
    resource.getrlimit(resource.RLIMIT_CORE),
    ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
)
"""

PARENT = """
import subprocess, sys, time
from serving.hardening import end_with_parent
child = subprocess.Popen(["sleep", "60"], preexec_fn=end_with_parent)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_hardened_process_keeps_to_itself(tmp_path):
    """New files are private, no core is dumped and the process cannot be traced."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT],
        env={"WHERE": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0o700 (0, 0) 0"


def test_a_child_ends_with_its_parent():
    """When the parent is killed, the kernel ends what it started."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)


def _runs(pid):
    """Tell whether the process exists and is more than an entry that nobody has collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize(
    "name",
    [
        "VLLM_SERVER_DEV_MODE",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING",
        "VLLM_DEBUG_LOG_API_SERVER_RESPONSE",
        "VLLM_LOGGING_CONFIG_PATH",
        "VLLM_API_KEY",
        "VLLM_PLUGINS",
        "VLLM_TRACE_FUNCTION",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONBREAKPOINT",
        "LD_PRELOAD",
        "HF_TOKEN",
        "HTTPS_PROXY",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "SENTRY_DSN",
        "NCCL_DEBUG",
        "SEALGATE_SERVING_KEYS",
        "SOMETHING_NEW",
    ],
)
def test_dangerous_and_unknown_variables_do_not_reach_vllm(name):
    """Development switches, debugging, preloading, credentials and anything unknown are dropped."""
    assert scrub_environment({name: "1"}) == {}


def test_what_vllm_needs_passes():
    """Paths, the choice of GPUs and the size of the CPU cache reach vLLM as they are."""
    needed = {"PATH": "/bin", "HOME": "/root", "CUDA_VISIBLE_DEVICES": "0", "LANG": "C.UTF-8"}
    assert scrub_environment(needed) == needed
