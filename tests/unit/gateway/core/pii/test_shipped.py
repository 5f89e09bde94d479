"""The machine of all detectors."""

from __future__ import annotations

import subprocess
import sys

from gateway.core.pii.shipped import shipped_machine


def test_machine_is_made_once():
    """Every stream of a process shares one machine and what it has learnt."""
    assert shipped_machine() is shipped_machine()


def test_importing_makes_no_machine():
    """A command that scrubs nothing does not wait for the machine."""
    code = (
        "import gateway.core.scrubber, gateway.core.pii.shipped as s;"
        "print(s.shipped_machine.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
