"""A process that keeps its memory to itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import ctypes, faulthandler, json, resource
faulthandler.enable()
from gateway.backends.hardening import harden_process
harden_process()
harden_process()
core = resource.getrlimit(resource.RLIMIT_CORE)
dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
print(json.dumps([core, dumpable, faulthandler.is_enabled()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_nothing_is_dumped() -> None:
    """No core file, no attaching, no traceback of a process that is killed; twice is the same."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[0, 0], 0, False]
