"""Run every fuzzing target for its share of the time: ``python -m tests.fuzz.run --seconds 20``.

Exits with 1 when a target crashed; the input that did it is then in the folder that is printed. New
inputs are kept for this run only; whoever wants one in the corpus copies it by hand.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TARGETS = tuple(sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py")))
MAX_INPUT_BYTES = 4096
GRACE_SECONDS = 60  # to start, to read the corpus and to stop


def run_target(name: str, seconds: int, *, found: Path) -> bool:
    """Return whether the target *name* ran for that long without a crash."""
    fresh = found / name
    shutil.copytree(HERE / "corpus" / name, fresh)
    command = [sys.executable, "-m", "tests.fuzz.target", name, str(fresh)]
    command += [f"-max_total_time={seconds}"]
    command += [f"-max_len={MAX_INPUT_BYTES}", f"-artifact_prefix={found}/{name}-", "-verbosity=0"]
    command += ["-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048"]
    finished = subprocess.run(
        command,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_SECONDS,
        check=False,
    )
    output = finished.stdout + finished.stderr
    runs = [line for line in output.splitlines() if "number_of_executed_units" in line]
    print(f"{name}: exit {finished.returncode}, {' '.join(runs) or output[-2000:]}", flush=True)
    if finished.returncode:
        print(output[-4000:])
    return finished.returncode == 0


def main() -> int:
    """Run all targets; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="for all targets together")
    parser.add_argument("--target", choices=TARGETS, action="append", help="only these")
    arguments = parser.parse_args()
    targets = arguments.target or TARGETS
    found = Path(tempfile.mkdtemp(prefix="fuzz-"))
    share = max(1, arguments.seconds // len(targets))
    passed = [run_target(name, share, found=found) for name in targets]
    if all(passed):
        shutil.rmtree(found)
        return 0
    print(f"crashing inputs are in {found}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
