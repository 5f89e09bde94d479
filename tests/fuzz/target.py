"""Fuzz one target: ``python -m tests.fuzz.target NAME CORPUS [options of libFuzzer]``.

Only the product's own code is instrumented. Whatever a target's ``check`` lets escape is a crash.
"""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    """Load the target under instrumentation and fuzz it; never returns."""
    program, name, *options = sys.argv
    with atheris.instrument_imports(include=["gateway", "tests.fuzz"]):
        target = importlib.import_module(f"tests.fuzz.fuzz_{name}")
    atheris.Setup([program, *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
