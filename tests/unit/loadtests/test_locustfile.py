"""The file for locust, where locust is installed."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-bench-locust" / "bin" / "python"
LOOK = """
from loadtests.locustfile import SealedUser, texts_of
assert [one.__name__ for one in SealedUser.tasks] == ["stream"]
event = 'data: {"choices":[{"delta":{"content":"hi"}}]}'
usage = 'data: {"choices":[]}'
assert list(texts_of(iter([event, "", usage, "data: [DONE]", event]))) == ["hi", ""]
try:
    list(texts_of(iter([event])))
except EOFError:
    print("good")
"""


@pytest.mark.skipif(not PYTHON.exists(), reason="no locust: make .venv-bench-locust/.ready")
def test_locust_finds_its_user() -> None:
    """The file can be imported beside locust, has one task, and notices a stream without an end."""
    done = subprocess.run(
        [PYTHON, "-c", LOOK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "good\n", done.stderr
